// What it costs to hand one piece of a stream on: a pair of calls, by splice (socket to pipe to
// socket) or by copying (recv and send), on two TCP connections over loopback.
//
// Only the pair is timed. The bytes wait in the receive queue before it, and are taken off the
// other connection after it, by the same thread: no other thread, no wake-up and no cache of
// another CPU is part of the figure. What the kernel does inside the sending call is part of it,
// and over loopback that includes delivering to the receiver's queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "posix/fd.h"

namespace splicebench {

enum class PairKind : uint8_t { kSplice, kCopy };

struct PairTime {
  uint64_t ns = 0;
  uint64_t bytes = 0;
  // Timed pairs; more than iterations where a piece did not fit the queues at once.
  uint64_t pairs = 0;
};

class PairBench {
 public:
  // Connects, makes the pipe or the buffer. Throws SystemError.
  PairBench(PairKind kind, size_t size);

  // Moves `iterations` pieces of `size` bytes. Throws SystemError.
  PairTime run(uint64_t iterations);

 private:
  struct Connection {
    Fd near;  // the side that feeds or drains
    Fd far;   // the side that the pair works on
  };
  static Connection connect_pair();

  // Sends up to `most` bytes and waits until they can be received; returns how many.
  size_t feed(size_t most);
  // One recv or splice, then as many sends or splices as it takes.
  size_t move(size_t most);
  void drain(size_t bytes);

  PairKind kind_;
  size_t size_;
  Connection in_;
  Connection out_;
  Fd pipe_read_;
  Fd pipe_write_;
  std::vector<uint8_t> piece_;   // what is fed
  std::vector<uint8_t> buffer_;  // what copying copies through
};

}  // namespace splicebench
