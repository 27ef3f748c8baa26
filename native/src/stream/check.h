// The checker: compares every byte of one received stream with what was sent, and describes each
// stretch that differs. It never goes quiet after the first incident: it finds its place again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "stream/content.h"

namespace splicebench {

enum class IncidentClass : uint8_t {
  kBitFlip,
  kZeros,
  kMisplaced,
  kForeign,
  kDecoy,
  kMissing,
  kInserted,
  kUnknown,
};
inline constexpr size_t kIncidentClasses = 8;
const char* incident_class_name(IncidentClass c);  // "bit-flip", "zeros", …

struct Incident {
  uint32_t connection = 0;
  Direction direction = Direction::kDown;
  uint64_t offset = 0;  // in the received stream; the earliest byte that differs
  uint64_t length = 0;  // of the stretch; for kMissing the bytes lost
  IncidentClass kind = IncidentClass::kUnknown;
  bool has_origin = false;
  Origin origin;         // of the first byte of the stretch that proves one
  double entropy = 0;    // bits per byte, over the sample kept
  double printable = 0;  // share of printable ASCII in it
  // At most kIncidentSample bytes: what should have come from offset on (kMissing: the lost bytes)
  // and what came instead (kMissing: what came right after the gap).
  std::vector<uint8_t> expected;
  std::vector<uint8_t> received;
};
inline constexpr size_t kIncidentSample = 256;

struct CheckTotals {
  uint64_t received = 0;   // bytes fed
  uint64_t verified = 0;   // bytes compared and found equal to their place in the stream
  uint64_t corrupted = 0;  // bytes of overwritten stretches (every class but missing and inserted)
  uint64_t missing = 0;
  uint64_t extra = 0;  // bytes of inserted stretches
  uint64_t incidents = 0;
  std::array<uint64_t, kIncidentClasses> by_class{};

  CheckTotals& operator+=(const CheckTotals& other) {
    received += other.received;
    verified += other.verified;
    corrupted += other.corrupted;
    missing += other.missing;
    extra += other.extra;
    incidents += other.incidents;
    for (size_t k = 0; k < kIncidentClasses; ++k) by_class[k] += other.by_class[k];
    return *this;
  }
};

// How a stream that lost its place is read. The checker knows at every byte by how much the
// received stream is shifted against what was sent, and an incident ends when at least 16 bytes are
// in place again or prove a place elsewhere; shorter chance matches inside are bridged.
//
// - The stream returns to its place: the stretch was overwritten. Parts of at least 16 bytes that
//   prove different places are incidents of their own. Bytes that prove none make one incident
//   together: `bit-flip` when at most 4 bits differ in all (more than two random bytes practically
//   never do), `zeros` when they are zero or mostly runs of zeros, else `unknown`.
// - The stream goes on elsewhere in itself: `missing` or `inserted`, after an overwrite if bytes
//   were both lost and gained. A later return to the place left makes all of it `misplaced`, which
//   is how two swapped chunks are told from a loss. So a loss is counted only once the shift has
//   lasted (believe_after) or at the end of the stream, a repetition as soon as it has reached
//   bytes that were not received before.
// - Of two readings with the same end, the one that moves fewer bytes is taken.
//
// Where the first bytes of a stretch happen to equal the expected ones nobody can tell: offsets are
// those of the earliest byte that differs, and lengths of overwrites end at the last one.
class Checker {
 public:
  struct Options {
    uint32_t connection = 0;
    // Take the connection number from the stream's first decodable bytes instead of `connection`.
    bool adopt_connection = false;
    Direction direction = Direction::kDown;
    size_t stored_incidents = 1000;  // counted all, kept up to this many
    // A forward jump is a loss once it has lasted for so many received bytes.
    uint64_t believe_after = 4 << 20;
  };
  Checker(std::shared_ptr<const Content> content, const Options& options);
  ~Checker();
  Checker(Checker&&) noexcept;
  Checker& operator=(Checker&&) noexcept;

  // Takes the next received bytes, in any segmentation. While the stream is intact this is one call
  // of Content::match and two additions.
  void feed(const uint8_t* bytes, size_t size);
  // Ends the stream. sent = bytes the source says it sent, or UINT64_MAX when unknown: then a short
  // end cannot be told. Decides what was still open. Returns bytes of the content that never came
  // at the end (truncation; not counted as an incident), 0 when complete. Call it once, last.
  uint64_t finish(uint64_t sent);

  uint32_t connection() const;
  // A copy, because another thread may ask while this one feeds. Bytes of a stretch whose class is
  // still open are in `received` only.
  CheckTotals totals() const;
  const std::vector<Incident>& incidents() const;
  // Received bytes past the end of what was sent, after finish.
  uint64_t beyond_end() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace splicebench
