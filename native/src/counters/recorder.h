// The flight recorder: the last calls of a forwarder, kept in a ring, so that an incident can be
// shown with the calls that carried it, as the 2008 report did with strace.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace splicebench {

enum class Call : uint8_t;

// Which way a call moved bytes of a stream.
enum class CallSide : uint8_t {
  kIn,      // taken from the input socket
  kOut,     // given to the output
  kWithin,  // neither: to a mirror, to a file and back, into a pipe from memory
};

struct RecordedCall {
  uint64_t time_ns;  // CLOCK_MONOTONIC
  uint64_t offset;   // stream offset of the first byte moved
  int64_t got;       // bytes, 0 = end of stream, negative errno
  uint32_t asked;    // saturates at 4 GiB - 1
  uint32_t flow;     // session * 2 + direction (0 = upstream to downstream)
  Call call;
  CallSide side;
};

// Written by the loop thread only, until freeze(). Read by others only after the loop has ended, or
// by the loop itself; size is a power of two so that the hot path has no division.
class FlightRecorder {
 public:
  explicit FlightRecorder(bool on, size_t log2_size = 14)
      : ring_(on ? size_t{1} << log2_size : 0),
        mask_(on ? (size_t{1} << log2_size) - 1 : 0),
        sessions_(on ? kSessions : 0) {}

  bool on() const { return !ring_.empty(); }
  // Whether a call made now is to be added.
  bool recording() const { return on() && !frozen_.load(std::memory_order_relaxed); }
  void add(const RecordedCall& call) { ring_[next_++ & mask_] = call; }

  // From any thread: keeps what is there, so that the calls around something that was just noticed
  // are not overwritten by those that follow. A frozen recorder costs what one that is off does.
  void freeze() { frozen_ = true; }
  // From any thread: goes on recording.
  void thaw() { frozen_ = false; }

  // Which connection the flows of a session belong to: the port the client connected from.
  void note_session(uint32_t session, uint16_t client_port) {
    if (on()) sessions_[session % kSessions] = {session, client_port};
  }
  // Only of the latest 65,536 sessions.
  std::optional<uint16_t> client_port(uint32_t session) const {
    if (!on() || sessions_[session % kSessions].session != session) return std::nullopt;
    const uint16_t port = sessions_[session % kSessions].client_port;
    return port == 0 ? std::nullopt : std::optional(port);
  }

  // Oldest first.
  std::vector<RecordedCall> calls() const {
    std::vector<RecordedCall> out;
    const uint64_t kept = next_ < ring_.size() ? next_ : ring_.size();
    out.reserve(kept);
    for (uint64_t i = next_ - kept; i < next_; ++i) out.push_back(ring_[i & mask_]);
    return out;
  }

 private:
  static constexpr size_t kSessions = 65536;
  struct Session {
    uint32_t session = 0;
    uint16_t client_port = 0;
  };

  std::vector<RecordedCall> ring_;
  size_t mask_;
  std::vector<Session> sessions_;
  uint64_t next_ = 0;
  std::atomic<bool> frozen_{false};
};

}  // namespace splicebench
