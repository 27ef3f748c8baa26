#include "faults/fault.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "stream/decoy_mark.h"

namespace splicebench {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 23> kNames = {{
    {"none", FaultKind::kNone},
    {"drop", FaultKind::kDrop},
    {"duplicate", FaultKind::kDuplicate},
    {"swap", FaultKind::kSwap},
    {"shift", FaultKind::kShift},
    {"insert", FaultKind::kInsert},
    {"bit-flip", FaultKind::kBitFlip},
    {"zeros", FaultKind::kZeros},
    {"noise", FaultKind::kNoise},
    {"foreign", FaultKind::kForeign},
    {"decoy", FaultKind::kDecoy},
    {"cross", FaultKind::kCross},
    {"fin", FaultKind::kFin},
    {"extra", FaultKind::kExtra},
    {"stall", FaultKind::kStall},
    {"reset", FaultKind::kReset},
    {"repeat-after-short-write", FaultKind::kRepeatAfterShortWrite},
    {"spin-while-blocked", FaultKind::kSpinWhileBlocked},
    {"leak-descriptors", FaultKind::kLeakDescriptors},
    {"end-on-hang-up", FaultKind::kEndOnHangUp},
    {"answer-cut-after-half-close", FaultKind::kAnswerCutAfterHalfClose},
    {"late", FaultKind::kLate},
    {"zerocopy-early", FaultKind::kZerocopyEarly},
}};

// A key that no checker knows: its stamps are noise to all of them.
constexpr uint64_t kNoiseSeed = 0x6e6f697365;

std::vector<uint8_t> stamps(const StampKey& key, uint32_t connection, Direction direction,
                            uint64_t offset, size_t size) {
  std::vector<uint8_t> bytes(size);
  stamp_engine().fill(key, connection, direction, offset, bytes.data(), size);
  return bytes;
}

}  // namespace

std::optional<FaultKind> fault_named(std::string_view name) {
  for (const auto& [known, kind] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

bool Fault::has_place() const {
  return kind != FaultKind::kNone && kind != FaultKind::kExtra &&
         kind < FaultKind::kRepeatAfterShortWrite;
}

size_t Fault::window() const {
  switch (kind) {
    case FaultKind::kDrop:
    case FaultKind::kDuplicate:
    case FaultKind::kZeros:
    case FaultKind::kNoise:
    case FaultKind::kForeign:
    case FaultKind::kDecoy:
    case FaultKind::kCross:
      return length;
    case FaultKind::kSwap:
      return 2 * length;
    case FaultKind::kShift:
      return length + shift;
    case FaultKind::kBitFlip:
      return 1;
    default:
      return 0;
  }
}

std::vector<uint8_t> Fault::edited(const std::vector<uint8_t>& window, uint64_t offset) const {
  const auto middle = window.begin() + static_cast<ptrdiff_t>(std::min(length, window.size()));
  std::vector<uint8_t> bytes = window;
  switch (kind) {
    case FaultKind::kDrop:
      return {};
    case FaultKind::kDuplicate:
      bytes.insert(bytes.end(), window.begin(), window.end());
      return bytes;
    case FaultKind::kSwap:
      std::rotate(bytes.begin(), bytes.begin() + (middle - window.begin()), bytes.end());
      return bytes;
    case FaultKind::kShift:
      std::copy(window.begin() + static_cast<ptrdiff_t>(shift), window.end(), bytes.begin());
      std::copy(middle, window.end(), bytes.begin() + (middle - window.begin()));
      return bytes;
    case FaultKind::kBitFlip:
      bytes.front() ^= 0x10;
      return bytes;
    case FaultKind::kZeros:
      std::fill(bytes.begin(), bytes.end(), uint8_t{0});
      return bytes;
    case FaultKind::kNoise:
    case FaultKind::kInsert:
    case FaultKind::kExtra:
      return stamps(StampKey(seed ^ kNoiseSeed), 0, Direction::kDown, offset, length);
    case FaultKind::kForeign:
      return stamps(StampKey(seed), kForeignConnection, Direction::kDown, offset, length);
    case FaultKind::kDecoy:
      return stamps(StampKey(seed).decoy(), decoy_connection({0, DecoyHome::kTerminal}),
                    Direction::kDecoy, offset, length);
    default:
      return bytes;
  }
}

Fault fault_from(const Settings& settings) {
  Fault fault;
  const std::string name = settings.text("fault");
  const std::optional<FaultKind> kind = fault_named(name);
  if (!kind) throw std::runtime_error("no fault '" + name + "'");
  fault.kind = *kind;
  fault.at = settings.size("at");
  fault.every = settings.size("every");
  fault.length = settings.size("length");
  fault.shift = settings.size("shift");
  fault.seed = strtoull(settings.text("seed").c_str(), nullptr, 10);
  return fault;
}

}  // namespace splicebench
