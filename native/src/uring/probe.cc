#include "uring/probe.h"

#include <sys/socket.h>

#include <cstdio>
#include <memory>

#include "posix/error.h"
#include "posix/fd.h"
#include "uring/buffers.h"

namespace splicebench::uring {
namespace {

constexpr uint32_t kEntries = 1024;
constexpr uint32_t kCompletions = 16384;

// 0 = everyone may, 1 = a group may, 2 = nobody may; -1 = the kernel has no such switch.
int disabled_by_sysctl() {
  FILE* file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
  if (!file) return -1;
  int value = -1;
  if (fscanf(file, "%d", &value) != 1) value = -1;
  fclose(file);
  return value;
}

std::string why_no_ring(int error) {
  if (error == ENOSYS) return "the kernel has no io_uring, or a seccomp filter hides it";
  if (error == EPERM) {
    const int disabled = disabled_by_sysctl();
    if (disabled > 0) {
      return "io_uring is disabled (kernel.io_uring_disabled=" + std::to_string(disabled) + ")";
    }
    return "io_uring is forbidden here (io_uring_setup: EPERM, as of a seccomp filter)";
  }
  return "io_uring_setup: " + errno_name(error);
}

struct Named {
  uint8_t operation;
  const char* name;
  const char* since;
};

constexpr Named kOperations[] = {
    {kOpSendmsg, "SENDMSG", "5.3"},
    {kOpSend, "SEND", "5.6"},
    {kOpRecv, "RECV", "5.6"},
    {kOpPollAdd, "POLL_ADD", "5.1"},
    {kOpSplice, "SPLICE", "5.7"},
    {kOpAsyncCancel, "ASYNC_CANCEL", "5.5"},
    {kOpSendmsgZc, "SENDMSG_ZC", "6.1"},
};

std::string lacks(const std::string& what, const std::string& since) {
  return "the kernel lacks " + what + " (Linux " + since + ")";
}

std::string missing_operation(Ring& ring, const std::vector<uint8_t>& wanted) {
  auto probe = std::make_unique<Probe>();
  const int result = ring.register_with(kRegisterProbe, probe.get(), 256);
  if (result < 0) return lacks("the probe of io_uring's operations", "5.6");
  for (const Named& one : kOperations) {
    bool needed = one.operation == kOpPollAdd || one.operation == kOpAsyncCancel;
    for (const uint8_t operation : wanted) needed |= operation == one.operation;
    if (needed && !(probe->ops[one.operation].flags & kProbeSupported)) {
      return lacks(one.name, one.since);
    }
  }
  return {};
}

// The first completion of one operation on a socket. `tag` tells it from what others left behind.
Cqe outcome(Ring& ring, int fd, const Sqe& wanted, uint64_t tag) {
  Sqe& sqe = ring.next();
  sqe = wanted;
  sqe.fd = fd;
  sqe.user_data = tag;
  for (int tries = 0; tries < 8; ++tries) {
    ring.wait(1000);
    while (const Cqe* next = ring.peek()) {
      const Cqe cqe = *next;
      ring.consume();
      if (cqe.user_data == tag) return cqe;
    }
  }
  return {.user_data = tag, .res = -ETIME, .flags = 0};
}

std::string missing_receive(Sys& sys, Ring& ring, int fd) {
  Buffers buffers(sys, 4096, 8);
  const int result = buffers.open(ring);
  if (result == -EINVAL) return lacks("rings of provided buffers", "5.19");
  if (result < 0) return "buffers of io_uring: " + errno_name(-result);
  Sqe sqe{};
  sqe.opcode = kOpRecv;
  sqe.ioprio = kRecvMultishot;
  sqe.flags = kBufferSelect;
  const Cqe cqe = outcome(ring, fd, sqe, 1);
  // While the buffers are still there for the receive that goes on.
  ring.close();
  if (cqe.res == -EINVAL) return lacks("the multishot receive", "6.0");
  if (cqe.res != 1) return "a multishot receive failed: " + errno_name(-cqe.res);
  return {};
}

std::string missing_usage(Ring& ring, int fd) {
  const char byte = 0;
  Sqe sqe{};
  sqe.opcode = kOpSendZc;
  sqe.ioprio = kSendZcReportUsage;
  sqe.addr = reinterpret_cast<uint64_t>(&byte);
  sqe.len = 1;
  // Local sockets do not do zero copy: anything but EINVAL means that the flag was understood.
  if (outcome(ring, fd, sqe, 2).res == -EINVAL) return lacks("SEND_ZC's report of usage", "6.2");
  return {};
}

}  // namespace

std::string missing(const Needs& needs) {
  Sys sys(false);
  Ring ring(sys);
  const int opened = ring.open(8, 64);
  if (opened < 0) return why_no_ring(-opened);
  constexpr uint32_t kFeatures = kFeatNodrop | kFeatSubmitStable | kFeatFastPoll | kFeatExtArg;
  if ((ring.features() & kFeatures) != kFeatures) return lacks("waits with a time limit", "5.11");
  std::string lacking = missing_operation(ring, needs.operations);
  if (!lacking.empty()) return lacking;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1) {
    return "socketpair: " + errno_name(errno);
  }
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  if (needs.usage) lacking = missing_usage(ring, near.get());
  if (needs.workers && lacking.empty()) {
    uint32_t unchanged[2] = {0, 0};
    if (ring.register_with(kRegisterIowqMaxWorkers, unchanged, 2) < 0) {
      lacking = lacks("limits for io_uring's workers", "5.15");
    }
  }
  if (needs.receive && lacking.empty()) {
    if (send(far.get(), "", 1, MSG_NOSIGNAL) != 1) return "send: " + errno_name(errno);
    lacking = missing_receive(sys, ring, near.get());
  }
  return lacking;
}

void open_for_relay(Ring& ring) {
  const int result = ring.open(kEntries, kCompletions);
  if (result < 0) throw SystemError("io_uring_setup", "", -result);
}

}  // namespace splicebench::uring
