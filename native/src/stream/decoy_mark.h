// Whose a decoy's stamps are. A decoy has no connection: that field of its stamps tells its number
// and the place that it keeps them in. Sources that stamp as decoys do it under the
// number of their connection, which is smaller.
#pragma once

#include <cstdint>
#include <optional>

#include "stream/stamp.h"

namespace splicebench {

enum class DecoyHome : uint8_t { kMemory = 0, kPipe = 1, kSocket = 2, kTerminal = 3 };

constexpr const char* decoy_home_name(DecoyHome home) {
  switch (home) {
    case DecoyHome::kMemory:
      return "memory";
    case DecoyHome::kPipe:
      return "pipe";
    case DecoyHome::kSocket:
      return "socket";
    case DecoyHome::kTerminal:
      break;
  }
  return "terminal";
}

struct DecoyMark {
  uint32_t number = 0;  // < 2^11; larger ones wrap around
  DecoyHome home = DecoyHome::kMemory;
};

inline constexpr uint32_t kDecoyMarks = kMaxConnections / 2;

// The field for the connection.
constexpr uint32_t decoy_connection(const DecoyMark& mark) {
  return kDecoyMarks + (mark.number << 2 | static_cast<uint32_t>(mark.home)) % kDecoyMarks;
}

// nullopt = not of a decoy with a mark.
constexpr std::optional<DecoyMark> decoy_mark(const Origin& origin) {
  if (origin.direction != Direction::kDecoy || origin.connection < kDecoyMarks) return std::nullopt;
  const uint32_t field = origin.connection - kDecoyMarks;
  return DecoyMark{field >> 2, static_cast<DecoyHome>(field & 3)};
}

}  // namespace splicebench
