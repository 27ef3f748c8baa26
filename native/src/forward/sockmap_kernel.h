// The kernel's half of the sockmap mechanisms: a program that redirects what
// arrives on one socket to the send queue of another, and the maps that it
// looks things up in. Loaded through bpf(2) as it stands here, so that nobody
// needs a BPF compiler.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "counters/sys.h"
#include "counters/sys_fd.h"

namespace splicebench {

// Where one direction stands. In memory that the program and this process
// share: each figure has one writer, and what the program writes is consistent
// once a call has taken the input's lock.
struct alignas(64) Tally {
  // Written by the program.
  std::atomic<uint64_t> redirected;  // bytes put into the output's backlog
  std::atomic<uint64_t> passed;      // bytes left on the input, for recv
  std::atomic<uint64_t> cut;         // bytes that TCP had received before
  // Written by this process.
  std::atomic<uint64_t> consumed;  // passed bytes that the output has taken
  std::atomic<uint64_t> drained;   // redirected bytes that have left the backlog
  std::atomic<uint64_t> limit;     // of redirected - drained: what arrives beyond it is passed
  // Written by the program.
  std::atomic<uint32_t> next;    // the sequence number of the next byte
  std::atomic<uint32_t> known;   // not 0: `next` is set
  std::atomic<uint64_t> marked;  // of the passed bytes, those up to here may hold an urgent byte
};
static_assert(sizeof(Tally) == 64 && std::atomic<uint64_t>::is_always_lock_free);

// Sockets are known by their cookies, which the kernel never gives to another.
// Each direction has an entry in three maps: its slot (where its tally is), its
// output, and its input. The program belongs to the map of the inputs alone,
// and acts on a socket from its entry there on: the other two are complete by
// then. One map for both would run the program on the first of two sockets
// while the second is unknown, and drop what arrives.
class SockmapKernel {
 public:
  // What the program does beside redirecting.
  struct Program {
    int32_t flags = 0;  // of the redirect: 0 or BPF_F_INGRESS
    bool cut = false;   // what TCP received before and receives again, off the head of a packet
    bool mark = false;  // packets that may hold an urgent byte are passed, and tally.marked says so
  };
  // Throws SystemError.
  SockmapKernel(Sys& sys, const Program& program);
  SockmapKernel(const SockmapKernel&) = delete;
  SockmapKernel& operator=(const SockmapKernel&) = delete;
  ~SockmapKernel();

  // Why it cannot be loaded here; empty when it can.
  static std::string unavailable();

  struct Direction {
    uint32_t slot;
    uint64_t cookie;
    Tally* tally;
  };
  // Redirects what arrives on `in`, and what has arrived already, to `out`. 0
  // or errno; then nothing has changed, and `in` can be read as ever. A socket
  // whose peer has ended its stream already is refused by the kernel
  // (EOPNOTSUPP).
  int redirect(int in, int out, uint64_t limit, Direction& direction);
  // What arrives from now on stays in the receive queue. False, and nothing has
  // changed, when the program has left more than `read` bytes on `in`. A packet
  // that is in the program's hands at this moment may be dropped by the kernel.
  bool stop_redirecting(int in, const Direction& direction, uint64_t read);
  // The direction's tally is not written any more. The program leaves further
  // bytes on `in`.
  void release(int in, const Direction& direction);
  // Shows the program what waits on `in` unseen. It has also seen everything
  // that arrived before this call when it returns, and its figures are visible
  // here.
  void settle(int in);

 private:
  static constexpr uint32_t kDirections = 1 << 16;

  int create(uint32_t type, uint32_t key, uint32_t value, uint32_t flags);
  int update(int map, uint64_t cookie, const void* value);
  void remove(int map, uint64_t cookie);
  int load(const Program& program);
  int attach();

  Sys& sys_;
  SysFd slots_;    // cookie of the input: slot
  SysFd outputs_;  // cookie of the input: output
  SysFd inputs_;   // cookie of the input: input
  SysFd tallies_;
  SysFd program_;
  Tally* tally_ = nullptr;
  uint32_t used_ = 0;
  std::vector<uint32_t> free_;
};

}  // namespace splicebench
