#include "faults/decoys.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "counters/clock.h"
#include "posix/error.h"
#include "posix/socket.h"

namespace splicebench {
namespace {

// Descriptors are for what is measured: beyond these, bytes are kept in user memory.
constexpr size_t kMostPipes = 64;
constexpr size_t kMostSockets = 64;
constexpr int kTickMs = 5;
// After a pause of the whole host nothing is made up for.
constexpr uint64_t kLongestTickNs = 50'000'000;

// Reads until there is nothing left.
void drain(int fd) {
  std::array<uint8_t, 16384> scratch;
  while (read(fd, scratch.data(), scratch.size()) > 0) {
  }
}

size_t write_some(int fd, const uint8_t* bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t put = write(fd, bytes + done, size - done);
    if (put <= 0) break;
    done += static_cast<size_t>(put);
  }
  return done;
}

class Memory final : public DecoyPlace {
 public:
  ~Memory() override { drop(); }
  // Unmapped and mapped again, so that the pages go back to the kernel.
  size_t renew(const uint8_t* bytes, size_t size) override {
    drop();
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 0;
    memory_ = memory;
    size_ = size;
    memcpy(memory_, bytes, size);
    return size;
  }

 private:
  void drop() {
    if (memory_ != nullptr) munmap(memory_, size_);
    memory_ = nullptr;
  }
  void* memory_ = nullptr;
  size_t size_ = 0;
};

// Whatever has an end to write to and one to read from.
class Channel final : public DecoyPlace {
 public:
  Channel(Fd read, Fd write) : read_(std::move(read)), write_(std::move(write)) {}
  size_t renew(const uint8_t* bytes, size_t size) override {
    drain(read_.get());
    return write_some(write_.get(), bytes, size);
  }

 private:
  Fd read_;
  Fd write_;
};

std::unique_ptr<DecoyPlace> make_pipe_place() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) throw SystemError("pipe2", "for a decoy");
  return std::make_unique<Channel>(Fd(ends[0]), Fd(ends[1]));
}

// A connection to itself over loopback: the bytes wait as packets in its receive queue.
std::unique_ptr<DecoyPlace> make_socket_place(const Fd& listener) {
  Connecting client = start_connect(local_address(listener.get()), {});
  if (!client.fd) throw SystemError("connect", "to a decoy", client.pending);
  pollfd ready{listener.get(), POLLIN, 0};
  poll(&ready, 1, 1000);
  Fd server(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!server) throw SystemError("accept", "for a decoy");
  return std::make_unique<Channel>(std::move(server), std::move(client.fd));
}

// Like the terminal in which `top` was running in 2008. Null where the host has none.
std::unique_ptr<DecoyPlace> make_terminal_place() {
  Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!master || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0) return nullptr;
  std::array<char, 64> name;
  if (ptsname_r(master.get(), name.data(), name.size()) != 0) return nullptr;
  Fd slave(open(name.data(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!slave) return nullptr;
  termios raw;
  if (tcgetattr(slave.get(), &raw) == 0) {
    cfmakeraw(&raw);
    tcsetattr(slave.get(), TCSANOW, &raw);
  }
  return std::make_unique<Channel>(std::move(master), std::move(slave));
}

}  // namespace

Decoys::Decoys(const DecoyOptions& options)
    : options_(options),
      key_(StampKey(options.seed).decoy()),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      buffer_(kUnit) {
  if (!wake_) throw SystemError("eventfd", "");
  const size_t units = std::max<uint64_t>(4, options.bytes / kUnit);
  const size_t pipes = std::min(units / 4, kMostPipes);
  const size_t sockets = std::min(units / 4, kMostSockets);
  const Fd listener = listen_on(Address::parse("127.0.0.1", 0), {});
  for (size_t i = 0; i < pipes; ++i)
    places_.push_back({make_pipe_place(), stats_.pipes, DecoyHome::kPipe});
  for (size_t i = 0; i < sockets; ++i) {
    places_.push_back({make_socket_place(listener), stats_.sockets, DecoyHome::kSocket});
  }
  while (places_.size() < units) {
    places_.push_back({std::make_unique<Memory>(), stats_.memory, DecoyHome::kMemory});
  }
  if (auto terminal = make_terminal_place()) {
    places_.push_back({std::move(terminal), stats_.terminal, DecoyHome::kTerminal});
  }
}

void Decoys::renew(Held& held) {
  const uint32_t mark = decoy_connection({options_.number, held.home});
  stamp_engine().fill(key_, mark, Direction::kDecoy, offset_, buffer_.data(), kUnit);
  const size_t size = held.place->renew(buffer_.data(), kUnit);
  offset_ += kUnit;
  held.total.set(held.total.get() - held.size + size);
  held.size = size;
  stats_.made.add(size);
}

void Decoys::run() {
  for (Held& held : places_) {
    if (stop_) return;
    renew(held);
  }
  double due = 0;
  size_t next = 0;
  uint64_t last = monotonic_ns();
  while (!stop_) {
    pollfd wake{wake_.get(), POLLIN, 0};
    poll(&wake, 1, kTickMs);
    const uint64_t now = monotonic_ns();
    due += static_cast<double>(std::min(now - last, kLongestTickNs)) / 1e9 *
           static_cast<double>(options_.rate);
    last = now;
    for (; due >= static_cast<double>(kUnit) && !stop_; due -= static_cast<double>(kUnit)) {
      renew(places_[next]);
      next = (next + 1) % places_.size();
    }
  }
}

void Decoys::stop() {
  stop_ = true;
  const uint64_t one = 1;
  // Fails only when the counter is full: then the loop is woken anyway.
  if (write(wake_.get(), &one, sizeof(one)) < 0) return;
}

}  // namespace splicebench
