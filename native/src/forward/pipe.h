// Pipes for splice, and a pool of empty ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "counters/sys.h"
#include "counters/sys_fd.h"
#include "forward/forwarder.h"

namespace splicebench {

// A pipe's two ends, closed with it.
struct Pipe {
  SysFd read;
  SysFd write;
  size_t capacity = 0;  // bytes, as the kernel granted
};

// Creates a pipe of `wanted` bytes (0 = the kernel's default). Where the host grants less
// (pipe-max-size, or the user's soft limit of pipe pages) it halves until granted. nullopt when no
// pipe could be made at all (descriptors exhausted). A pipe that is not `nonblocking` makes a
// splice without SPLICE_F_NONBLOCK wait for room; any other pipe overrules the missing flag.
std::optional<Pipe> make_pipe(Sys& sys, size_t wanted, bool nonblocking = true);

// Keeps empty pipes for reuse, and gives the largest first. A pipe that the host granted too small
// is asked to grow at some of its takes: what was short then, such as the user's limit of pipe
// pages, may be there now. Single-threaded.
class PipePool {
 public:
  PipePool(Sys& sys, ForwarderStats& stats, size_t wanted, bool nonblocking = true,
           size_t keep = 64)
      : sys_(sys), stats_(stats), wanted_(wanted), nonblocking_(nonblocking), keep_(keep) {}
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  // nullopt as make_pipe: the caller copies, and is counted as one that does.
  std::optional<Pipe> take();
  // Takes the pipe, where there is one. It must be empty: bytes left in it would come out in
  // another connection's stream. A pipe that may hold data is closed by its owner instead.
  void give_back_empty(std::optional<Pipe>& pipe);
  // Closes those kept.
  void clear() { idle_.clear(); }

  // Of the takes that find no pipe of the wanted size, one in so many tries: where the host's limit
  // stands for good, each attempt is a call for nothing.
  static constexpr uint32_t kTakesPerAttempt = 64;

 private:
  void grow(Pipe& pipe);

  Sys& sys_;
  ForwarderStats& stats_;
  size_t wanted_;
  bool nonblocking_;
  size_t keep_;
  uint32_t small_takes_ = 0;  // since one grew to the wanted size
  std::vector<Pipe> idle_;    // the largest last, among equals the one used last
};

}  // namespace splicebench
