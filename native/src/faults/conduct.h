// What the faults of conduct share: the ends of both directions of each connection, and the
// descriptors that were leaked.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "counters/sys.h"
#include "posix/fd.h"

namespace splicebench {

class Conduct {
 public:
  // Flows of a session are numbered 2n (from upstream) and 2n + 1. Forgotten once both have ended.
  void note_end(uint32_t flow) { ended_.insert(flow); }
  bool partner_ended(uint32_t flow) const { return ended_.count(flow ^ 1) != 0; }
  void forget(uint32_t flow);

  // A descriptor that nobody needs any more and nobody closes before this object goes.
  void leak(Sys& sys, int listener);

 private:
  std::unordered_set<uint32_t> ended_;
  std::unordered_set<uint32_t> gone_;
  std::vector<Fd> leaked_;
};

// A piece is kept for as long as a delayed acknowledgement takes at least.
void keep_late();

}  // namespace splicebench
