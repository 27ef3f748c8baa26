// Pipes for splice, and a pool of empty ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "counters/sys.h"

namespace splicebench {

// A pipe's two ends, closed by whoever holds the Pipe last through close_pipe: a plain value, so
// that closing is counted like every other call.
struct Pipe {
  int read = -1;
  int write = -1;
  size_t capacity = 0;  // bytes, as the kernel granted
};

// Creates a pipe of `wanted` bytes (0 = the kernel's default). Where the host grants less
// (pipe-max-size, or the user's soft limit of pipe pages) it halves until granted. nullopt when no
// pipe could be made at all (descriptors exhausted). A pipe that is not `nonblocking` makes a
// splice without SPLICE_F_NONBLOCK wait for room; any other pipe overrules the missing flag.
std::optional<Pipe> make_pipe(Sys& sys, size_t wanted, bool nonblocking = true);
void close_pipe(Sys& sys, Pipe pipe);

// Keeps empty pipes for reuse. Single-threaded.
class PipePool {
 public:
  PipePool(Sys& sys, size_t wanted, bool nonblocking = true, size_t keep = 64)
      : sys_(sys), wanted_(wanted), nonblocking_(nonblocking), keep_(keep) {}
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  std::optional<Pipe> take();
  // The pipe must be empty: bytes left in it would come out in another connection's stream. A pipe
  // that may hold data is closed by its owner instead.
  void give_back_empty(Pipe pipe);
  // Closes those kept.
  void clear();

  uint64_t created() const { return created_.get(); }
  // The smallest pipe the host granted, bytes; 0 = none made yet.
  uint64_t smallest_capacity() const { return smallest_.get(); }

 private:
  Sys& sys_;
  size_t wanted_;
  bool nonblocking_;
  size_t keep_;
  Counter created_;
  Counter smallest_;
  std::vector<Pipe> idle_;
};

}  // namespace splicebench
