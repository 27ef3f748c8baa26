// A stretch of received bytes that is not in place, as it is taken in: parts that prove a place and
// parts that prove none.
#pragma once

#include <optional>
#include <vector>

#include "stream/check.h"

namespace splicebench {

struct Part {
  uint64_t offset = 0;  // in the received stream
  uint64_t length = 0;
  std::optional<Content::Located> located;  // of its first byte; nullopt: raw, no place is proven
  // Of a raw part: how many bytes are zero, and how many stand in runs of at least kProof zeros.
  uint64_t zeros = 0;
  uint64_t zero_runs = 0;
  std::vector<uint8_t> sample;  // the first bytes, at most kIncidentSample

  uint64_t end() const { return offset + length; }
  // Both continue one and the same place, or both prove none.
  bool same_source(const Part& other) const;
};

// Cuts `part` to its first `length` bytes and returns the rest. What is known of the bytes that are
// not in the sample is shared out in proportion.
Part split_part(Part* part, uint64_t length);

// Cuts consecutive parts so that they end at position `end`.
void cut_parts(std::vector<Part>* parts, uint64_t end);

class Stretch {
 public:
  void begin(uint64_t offset);
  void add_raw(const uint8_t* bytes, size_t size);
  void cut(uint64_t end) { cut_parts(&parts_, end); }
  void begin_located(const Content::Located& located);
  // More bytes of the part begun last.
  void add_located(const uint8_t* bytes, size_t size);

  uint64_t offset() const { return offset_; }
  uint64_t end() const { return parts_.empty() ? offset_ : parts_.back().end(); }
  // Where the next byte would be if it continued the located part begun last.
  Content::Located continuation() const;
  std::vector<Part>& parts() { return parts_; }

 private:
  Part& append(std::optional<Content::Located> located);

  uint64_t offset_ = 0;
  uint64_t zeros_in_a_row_ = 0;
  std::vector<Part> parts_;
};

}  // namespace splicebench
