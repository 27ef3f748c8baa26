#include "forward/pipe.h"

#include <algorithm>

namespace splicebench {

std::optional<Pipe> make_pipe(Sys& sys, size_t wanted, bool nonblocking) {
  int ends[2];
  if (sys.pipe(ends, nonblocking) < 0) return std::nullopt;
  Pipe pipe{ends[0], ends[1], 0};
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

void close_pipe(Sys& sys, Pipe pipe) {
  sys.close(pipe.read);
  sys.close(pipe.write);
}

PipePool::~PipePool() {
  clear();
}

void PipePool::clear() {
  for (const Pipe& pipe : idle_) close_pipe(sys_, pipe);
  idle_.clear();
}

std::optional<Pipe> PipePool::take() {
  if (!idle_.empty()) {
    const Pipe pipe = idle_.back();
    idle_.pop_back();
    return pipe;
  }
  const std::optional<Pipe> pipe = make_pipe(sys_, wanted_, nonblocking_);
  if (pipe) {
    created_.add(1);
    const uint64_t smallest = smallest_.get();
    smallest_.set(smallest == 0 ? pipe->capacity : std::min<uint64_t>(smallest, pipe->capacity));
  }
  return pipe;
}

void PipePool::give_back_empty(Pipe pipe) {
  if (idle_.size() < keep_) {
    idle_.push_back(pipe);
  } else {
    close_pipe(sys_, pipe);
  }
}

}  // namespace splicebench
