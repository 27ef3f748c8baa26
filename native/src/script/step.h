// What one end of a scripted conversation does, step by step, and what came of it. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "posix/socket.h"
#include "stream/check.h"

namespace splicebench {

// How bytes are handed to the socket.
enum class SendBy : uint8_t {
  kSend,
  kSendfile,  // from a file in memory
  kSplice,    // from a file in memory, through a pipe
  kSlots,     // one-byte slots of a pipe, then the pipe into the socket in one splice
};

enum class StepKind : uint8_t {
  kSend,
  kFinish,  // shut the write side down
  kRead,
  kPause,
  kWait,
  kUrgent,  // one urgent byte, which is not part of the stream
  kClose,
  kReset,
};

// When a step is over, beside its time and its bytes.
enum class Until : uint8_t {
  kDone,     // its bytes are sent or read; of a pause its time is over
  kEnd,      // the other end's end of stream is seen: read to the end, or arrived in the kernel
  kBlocked,  // send: nothing could be sent for `quiet`; wait: so it is at the other end
  kHeld,     // the forwarder itself holds more than `bytes`, still so after `quiet`
  kStill,    // no queue of the four sockets and no count of the ends has moved for `quiet`
  kArrived,  // `bytes` more are in the receive queue
  kOther,    // the other end is past its step number `bytes`
  kNoticed,  // the forwarder has read of what was sent last, or `quiet` is over
};

struct Step {
  StepKind kind = StepKind::kSend;
  Until until = Until::kDone;
  SendBy by = SendBy::kSend;
  uint64_t bytes = 0;
  // Of a send whose bytes are not limited: so many that the forwarder has taken them without end.
  uint64_t limit = UINT64_MAX;
  uint64_t piece = 0;        // bytes per write; 0 = as large as serves
  uint64_t interval_ns = 0;  // between writes
  uint64_t rate = 0;         // of reading, bytes per second; 0 = all that comes
  uint64_t for_ns = 0;  // of a pause; of a read, after which it is over in good order; 0 = none
  uint64_t quiet_ns = 0;
  uint64_t within_ns = 10'000'000'000;  // when it has failed
  bool finish = false;  // of a send: the end of stream in the same segment as the last bytes
};

// The four sockets of a forwarded connection, in the order of the way down the request. Between
// the ends without a forwarder only the first and the last exist.
enum QueueAt : uint8_t { kClient, kAccepted, kConnected, kServer };
struct SocketState {
  bool known = false;    // the kernel has such a socket
  uint8_t state = 0;     // as in tcp_states.h: 1 = ESTABLISHED, 8 = CLOSE-WAIT
  uint32_t unread = 0;   // bytes in the receive queue
  uint32_t unacked = 0;  // bytes that the peer has not acknowledged, sent or not
  uint64_t taken = 0;    // bytes that the owner has read so far
  uint64_t given = 0;    // bytes that the owner has written so far
};
using Queues = std::array<SocketState, 4>;

// kUnbounded: a send that was to be blocked came to its limit.
enum class StepOutcome : uint8_t { kDone, kTimeout, kEnded, kFailed, kUnbounded };

struct StepRecord {
  uint64_t begin_ns = 0;  // CLOCK_MONOTONIC
  uint64_t end_ns = 0;
  uint64_t bytes = 0;  // moved by this step
  StepOutcome outcome = StepOutcome::kDone;
  int error = 0;  // errno of what failed
  Queues queues;  // when it was over
};

// How the other end's stream ended, as far as it was read.
enum class SeenEnd : uint8_t { kNone, kOrderly, kBroken };

struct EndRecord {
  std::vector<StepRecord> steps;  // as many as were begun
  uint64_t sent = 0;
  uint64_t received = 0;
  SeenEnd seen = SeenEnd::kNone;
  uint64_t seen_ns = 0;
  int error = 0;  // of kBroken, and of the first write that failed
  uint64_t unread_at_close = 0;
  uint64_t cut = 0;         // bytes that the other end sent and that never came, at the end
  uint64_t beyond_end = 0;  // bytes behind the last one sent
  CheckTotals totals;
  std::vector<Incident> incidents;
};

struct EndPlan {
  std::vector<Step> steps;
  BufferSizes buffers;
  bool nodelay = true;
};

struct ConversationRecord {
  uint32_t number = 0;      // in the stamps
  std::string failure;      // why it did not come about; else empty
  uint64_t connect_ns = 0;  // from connect to accepted at the server
  uint64_t begin_ns = 0;
  EndRecord client;
  EndRecord server;
};

}  // namespace splicebench
