// The file that a recorded program writes: one per process, FOLDER/calls.PID, a header of one page
// and a ring of records behind it. Little endian as on every machine that runs here; read by
// src/machine/role/call-ring.ts, which knows the same offsets.
//
// A writer takes a number from `next`, fills the slot at that number modulo `capacity`, and stores
// number + 1 in `written` last: a reader takes a record only when that is what it expects there, so
// one that is being written is left out, not half read.
//
// A reader freezes a ring by writing `last`: calls from that number on are not recorded, so that
// those around something that was just noticed stay.
#pragma once

#include <stdint.h>

namespace splicebench::recorder {

inline constexpr uint64_t kMagic = 0x31534c4c41435053;  // "SPCALLS1"
inline constexpr uint32_t kHeaderBytes = 4096;
inline constexpr uint64_t kNoLast = UINT64_MAX;

struct Header {
  uint64_t magic;
  uint32_t header_bytes;
  uint32_t record_bytes;
  uint64_t capacity;  // records, a power of two
  uint64_t next;      // calls so far
  uint64_t last;      // number from which on nothing is recorded
  uint32_t pid;
  uint32_t reserved;
  uint64_t start_ns;  // CLOCK_MONOTONIC when the process, or the program in it, began
};

// The order is that of the names in call-ring.ts.
enum class Call : uint16_t {
  kEvent,  // one ready descriptor of an epoll_wait, poll or select: `flags` = its events as of
           // poll(2)
  kWait,   // the call that brought them: `result` = descriptors that are ready
  kRead,
  kReadv,
  kRecv,
  kRecvmsg,
  kWrite,
  kWritev,
  kSend,
  kSendmsg,
  kSplice,
  kTee,
  kVmsplice,
  kSendfile,
  kShutdown,  // `flags` = SHUT_RD, SHUT_WR or SHUT_RDWR
  kClose,     // `asked` = bytes that nobody has read
};

// What a descriptor is: only TCP sockets and pipes are recorded.
enum class Kind : uint8_t { kUnknown, kOther, kTcp, kPipe };

// One end of a call.
struct End {
  int32_t descriptor;  // -1 = memory
  Kind kind;
  uint8_t reserved;
  uint16_t local_port;  // of a TCP socket
  uint32_t peer;        // of a TCP socket its peer's port, of a pipe the low bits of its number
};

struct Record {
  uint64_t written;  // number + 1
  uint64_t time_ns;  // CLOCK_MONOTONIC at the return
  uint64_t offset;   // bytes that the socket had taken in, or given out, before the call
  int64_t result;    // as returned, or the negative errno
  uint64_t asked;
  End from;
  End to;
  uint32_t thread;
  Call call;
  uint16_t flags;  // of recv and send the low bits of theirs
  uint64_t reserved;
};

static_assert(sizeof(Header) == 56);
static_assert(sizeof(End) == 12);
static_assert(sizeof(Record) == 80);

}  // namespace splicebench::recorder
