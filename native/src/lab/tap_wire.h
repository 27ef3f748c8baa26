// Wires of the kernel laboratory: pairs of tap interfaces, where what one sends the other receives.
//
// A frame that a process writes to a tap becomes a packet whose head comes from kmalloc, as those
// of all drivers did in 2008, but only while the tap's send buffer is finite and the write may
// block: otherwise the kernel builds the head in a page fragment.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "counters/counter.h"
#include "posix/fd.h"

namespace splicebench {

// Written by the loop, read by any thread. Frames.
struct TapWireStats {
  Counter frames;
  Counter dropped;  // that an interface did not take: it was down, or out of memory
};

class TapWires {
 public:
  // Makes all interfaces, in this thread's network namespace; they may be moved to others
  // afterwards, and are gone with this object. names = the two ends of the first wire, of the
  // second, and so on. Throws SystemError.
  explicit TapWires(const std::vector<std::string>& names);

  // Carries frames until stop(). On a thread of its own, called once.
  void run();
  void stop();
  const TapWireStats& stats() const { return stats_; }

 private:
  void carry(int from, int to);

  Fd wake_;
  std::atomic<bool> stop_{false};
  std::vector<Fd> taps_;
  TapWireStats stats_;
};

}  // namespace splicebench
