// Names what was found: turns a stretch that took the place of other bytes into incidents.
#pragma once

#include <vector>

#include "stream/incident_log.h"
#include "stream/stretch.h"

namespace splicebench {

// Which stream is being checked, against what.
struct Subject {
  const Content* content = nullptr;
  uint32_t connection = 0;
  Direction direction = Direction::kDown;

  // The part is of this very stream.
  bool own(const Part& part) const;
  // The stream's bytes from offset on; less when bytes is more than a sample holds.
  std::vector<uint8_t> expected(uint64_t offset, uint64_t bytes) const;
};

// The first received bytes of consecutive parts, as far as samples reach.
std::vector<uint8_t> received_sample(const Subject& subject, const std::vector<Part>& parts,
                                     size_t first, size_t last);

// Reports the parts (consecutive) as overwrites; shift = what to add to a position in the
// received stream to get the offset that was expected there.
void report_overwrite(const Subject& subject, const std::vector<Part>& parts, int64_t shift,
                      IncidentLog* log);

}  // namespace splicebench
