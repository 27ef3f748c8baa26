#include "forward/pipe.h"

#include <algorithm>

namespace splicebench {

std::optional<Pipe> make_pipe(Sys& sys, size_t wanted, bool nonblocking) {
  int ends[2];
  if (sys.pipe(ends, nonblocking) < 0) return std::nullopt;
  Pipe pipe{SysFd(sys, ends[0]), SysFd(sys, ends[1])};
  const int granted = sys.fcntl(ends[1], F_GETPIPE_SZ);
  pipe.capacity = granted > 0 ? static_cast<size_t>(granted) : 0;
  for (size_t size = wanted; size != 0 && size != pipe.capacity; size /= 2) {
    const int result = sys.fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(size));
    if (result >= 0) {
      pipe.capacity = static_cast<size_t>(result);
      break;
    }
    if (size <= pipe.capacity) break;
  }
  return pipe;
}

std::optional<Pipe> PipePool::take() {
  if (!idle_.empty()) {
    Pipe pipe = std::move(idle_.back());
    idle_.pop_back();
    if (pipe.capacity < wanted_) grow(pipe);
    return pipe;
  }
  std::optional<Pipe> pipe = make_pipe(sys_, wanted_, nonblocking_);
  if (!pipe) {
    stats_.copy_fallbacks.add(1);
    return pipe;
  }
  stats_.pipes_created.add(1);
  const uint64_t smallest = stats_.pipe_capacity.get();
  const uint64_t capacity = pipe->capacity;
  stats_.pipe_capacity.set(smallest == 0 ? capacity : std::min(smallest, capacity));
  return pipe;
}

void PipePool::give_back_empty(std::optional<Pipe>& pipe) {
  if (!pipe) return;
  const auto smaller = [](const Pipe& a, const Pipe& b) { return a.capacity < b.capacity; };
  const auto place = std::upper_bound(idle_.begin(), idle_.end(), *pipe, smaller);
  idle_.insert(place, std::move(*pipe));
  pipe.reset();
  if (idle_.size() > keep_) idle_.erase(idle_.begin());
}

void PipePool::grow(Pipe& pipe) {
  if (small_takes_++ % kTakesPerAttempt != 0) return;
  while (pipe.capacity < wanted_) {
    const size_t size = std::min(pipe.capacity * 2, wanted_);
    const int granted = sys_.fcntl(pipe.write.get(), F_SETPIPE_SZ, static_cast<int>(size));
    if (granted < 0 || static_cast<size_t>(granted) <= pipe.capacity) return;
    pipe.capacity = static_cast<size_t>(granted);
  }
  small_takes_ = 0;  // there is room: the next one at once
}

}  // namespace splicebench
