// The part of io_uring's binary interface that is used here. It is stated rather than included:
// the headers of distributions lag years behind the kernels that they run on, and what a kernel
// lacks is found out at run time (probe.h). Names follow <linux/io_uring.h>.
#pragma once

#include <cstdint>

namespace splicebench::uring {

// A submission. Members that share an offset in the kernel's union have one name here.
struct Sqe {
  uint8_t opcode;
  uint8_t flags;
  uint16_t ioprio;  // IORING_RECV_… and IORING_SEND_… flags
  int32_t fd;
  uint64_t off;
  uint64_t addr;  // also splice_off_in
  uint32_t len;
  uint32_t op_flags;  // msg_flags, poll32_events, splice_flags, cancel_flags
  uint64_t user_data;
  uint16_t buf_group;  // also buf_index
  uint16_t personality;
  int32_t splice_fd_in;
  uint64_t pad[2];
};
static_assert(sizeof(Sqe) == 64);

struct Cqe {
  uint64_t user_data;
  int32_t res;
  uint32_t flags;
};
static_assert(sizeof(Cqe) == 16);

struct SqOffsets {
  uint32_t head, tail, ring_mask, ring_entries, flags, dropped, array, resv1;
  uint64_t user_addr;
};

struct CqOffsets {
  uint32_t head, tail, ring_mask, ring_entries, overflow, cqes, flags, resv1;
  uint64_t user_addr;
};

struct Params {
  uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, resv[3];
  SqOffsets sq_off;
  CqOffsets cq_off;
};
static_assert(sizeof(Params) == 120);

struct Timespec {
  int64_t seconds, nanoseconds;
};

struct GetEventsArg {
  uint64_t sigmask;
  uint32_t sigmask_size, pad;
  uint64_t timeout;  // a Timespec
};

// A provided buffer. The ring's tail lies over `resv` of the first entry.
struct Buf {
  uint64_t addr;
  uint32_t len;
  uint16_t bid, resv;
};
static_assert(sizeof(Buf) == 16);

struct BufReg {
  uint64_t ring_addr;
  uint32_t ring_entries;
  uint16_t bgid, flags;
  uint64_t resv[3];
};

struct ProbeOp {
  uint8_t op, resv;
  uint16_t flags;
  uint32_t resv2;
};

struct Probe {
  uint8_t last_op, ops_len;
  uint16_t resv;
  uint32_t resv2[3];
  ProbeOp ops[256];
};

enum : uint8_t {
  kOpPollAdd = 6,
  kOpSendmsg = 9,
  kOpAsyncCancel = 14,
  kOpSend = 26,
  kOpRecv = 27,
  kOpSplice = 30,
  kOpSendZc = 47,
  kOpSendmsgZc = 48,
};

// Sqe::flags
inline constexpr uint8_t kHardlink = 1 << 3;
inline constexpr uint8_t kBufferSelect = 1 << 5;
// Cqe::flags
inline constexpr uint32_t kCqeBuffer = 1u << 0;  // the upper 16 bits are its id
inline constexpr uint32_t kCqeMore = 1u << 1;    // further completions will come
inline constexpr uint32_t kCqeNotif = 1u << 3;   // a zero-copy send's notification
// Params::flags
inline constexpr uint32_t kSetupCqSize = 1u << 3;
inline constexpr uint32_t kSetupClamp = 1u << 4;
inline constexpr uint32_t kSetupSubmitAll = 1u << 7;      // 5.18
inline constexpr uint32_t kSetupCoopTaskrun = 1u << 8;    // 5.19
inline constexpr uint32_t kSetupSingleIssuer = 1u << 12;  // 6.0
inline constexpr uint32_t kSetupDeferTaskrun = 1u << 13;  // 6.1
// Params::features
inline constexpr uint32_t kFeatSingleMmap = 1u << 0;
inline constexpr uint32_t kFeatNodrop = 1u << 1;
inline constexpr uint32_t kFeatSubmitStable = 1u << 2;
inline constexpr uint32_t kFeatFastPoll = 1u << 5;
inline constexpr uint32_t kFeatExtArg = 1u << 8;
// io_uring_enter
inline constexpr uint32_t kEnterGetEvents = 1u << 0;
inline constexpr uint32_t kEnterExtArg = 1u << 3;
// io_uring_register
inline constexpr uint32_t kRegisterProbe = 8;
inline constexpr uint32_t kRegisterIowqAff = 17;
inline constexpr uint32_t kRegisterIowqMaxWorkers = 19;
inline constexpr uint32_t kRegisterPbufRing = 22;
// Operations
inline constexpr uint16_t kRecvMultishot = 1u << 1;      // 6.0
inline constexpr uint16_t kSendZcReportUsage = 1u << 3;  // 6.2
inline constexpr uint32_t kNotifZcCopied = 1u << 31;     // in a notification's res
inline constexpr uint32_t kPollMultishot = 1u << 0;      // in Sqe::len
inline constexpr uint16_t kProbeSupported = 1u << 0;     // in ProbeOp::flags
// mmap
inline constexpr uint64_t kOffSqRing = 0;
inline constexpr uint64_t kOffCqRing = 0x8000000;
inline constexpr uint64_t kOffSqes = 0x10000000;

}  // namespace splicebench::uring
