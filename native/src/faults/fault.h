// What the faulty forwarder does to a stream: one kind of fault, where, how long, how often.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "forward/forwarder.h"
#include "stream/stamp.h"

namespace splicebench {

enum class FaultKind : uint8_t {
  kNone,
  // Edits: a window of the stream is replaced by something else.
  kDrop,
  kDuplicate,
  kSwap,     // two neighbouring stretches change places
  kShift,    // a stretch shows the bytes `shift` further on; then all is in place again
  kInsert,   // noise between two bytes
  kBitFlip,  // one bit
  kZeros,
  kNoise,
  kForeign,  // another connection's stamps
  kDecoy,    // a decoy's stamps
  kCross,    // two connections exchange a stretch
  // Ends.
  kFin,    // the end of stream too early
  kExtra,  // bytes behind the end of the stream
  kStall,
  kReset,
  // Conduct: what is done about a connection, not to a place in its stream.
  kRepeatAfterShortWrite,  // what a short write took is sent again
  kSpinWhileBlocked,       // asks again and again for what cannot be had
  kLeakDescriptors,        // one a connection
  kEndOnHangUp,            // a hang-up while the output is full is taken for the end of the stream
  kAnswerCutAfterHalfClose,  // the end of the other direction ends this one
  kLate,                     // every piece waits for a while
  kZerocopyEarly,            // a buffer is filled again before the kernel is done with it
};
// nullopt for a name that is none; names as users write them ("bit-flip").
std::optional<FaultKind> fault_named(std::string_view name);

struct Fault {
  FaultKind kind = FaultKind::kNone;
  uint64_t at = 0;      // stream offset of the first one
  uint64_t every = 0;   // and one each so many bytes further; 0 = just one
  uint64_t length = 0;  // of the stretch concerned
  uint64_t shift = 0;
  uint64_t seed = 0;  // the trial's, for stamps that are recognised

  // Whether it is made at a place in the stream, from `at` on.
  bool has_place() const;
  // Bytes of the stream, from the fault's offset on, that must be there before it can be made.
  size_t window() const;
  // What takes the place of the window, which began at stream offset `offset`. Not for kCross, nor
  // for the ends but kExtra, whose window is empty.
  std::vector<uint8_t> edited(const std::vector<uint8_t>& window, uint64_t offset) const;
};

// The connection whose stamps kForeign shows: none that small tests open.
inline constexpr uint32_t kForeignConnection = 4000;

// From a scenario's options. Throws std::runtime_error for a fault that does not exist.
Fault fault_from(const Settings& settings);

}  // namespace splicebench
