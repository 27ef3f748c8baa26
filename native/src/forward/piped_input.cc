#include "forward/piped_input.h"

namespace splicebench {
namespace {

constexpr size_t kCopyAtOnce = size_t{64} << 10;

}  // namespace

// Splice does not pass an urgent byte. It says "nothing now", and, once the peer has ended its
// stream, "end", whatever waits behind that byte: so ends are asked for twice.
std::optional<ssize_t> PipedInput::fill(int in, const Pipe& pipe, size_t most, unsigned flags) {
  const ssize_t got = fill_further(in, pipe, most, flags);
  if ((got == -EAGAIN && urgent_) || (got == 0 && sys_.look(in) != 0)) {
    urgent_ = false;
    return std::nullopt;
  }
  return got;
}

ssize_t PipedInput::fill_further(int in, const Pipe& pipe, size_t most, unsigned flags) {
  const ssize_t got = sys_.splice(in, pipe.write.get(), most, flags, {id_, received_});
  if (got > 0) received_ += static_cast<uint64_t>(got);
  return got;
}

ssize_t PipedInput::take(int in, void* memory, size_t size) {
  const ssize_t got = sys_.recv(in, memory, size, 0, {id_, received_});
  if (got > 0) received_ += static_cast<uint64_t>(got);
  return got;
}

ssize_t PipedInput::copy(int in) {
  copied_.resize(kCopyAtOnce);
  const ssize_t got = take(in, copied_.data(), copied_.size());
  copied_.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return got;
}

ssize_t PipedInput::send_copied(int out, uint64_t sent) {
  const ssize_t put =
      sys_.send(out, copied_.data(), copied_.size(), MSG_NOSIGNAL, {id_, sent, CallSide::kOut});
  if (put > 0) copied_.erase(copied_.begin(), copied_.begin() + put);
  return put;
}

}  // namespace splicebench
