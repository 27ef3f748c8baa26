#include "forward/sockmap_kernel.h"

#include <linux/bpf.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <new>

#include "posix/error.h"

namespace splicebench {
namespace {

// The instructions of the program, by the kernel's names for them.
constexpr uint8_t kCopy = BPF_ALU64 | BPF_MOV | BPF_X;
constexpr uint8_t kSet = BPF_ALU64 | BPF_MOV | BPF_K;
constexpr uint8_t kAddTo = BPF_ALU64 | BPF_ADD | BPF_K;
constexpr uint8_t kAdd = BPF_ALU64 | BPF_ADD | BPF_X;
constexpr uint8_t kSubtract = BPF_ALU64 | BPF_SUB | BPF_X;
constexpr uint8_t kLoad = BPF_LDX | BPF_MEM | BPF_DW;
constexpr uint8_t kLoad32 = BPF_LDX | BPF_MEM | BPF_W;
constexpr uint8_t kStore = BPF_STX | BPF_MEM | BPF_DW;
constexpr uint8_t kStore32 = BPF_STX | BPF_MEM | BPF_W;
constexpr uint8_t kSetMapped32 = BPF_ST | BPF_MEM | BPF_W;
constexpr uint8_t kAdd32 = BPF_ALU | BPF_ADD | BPF_X;
constexpr uint8_t kSubtract32 = BPF_ALU | BPF_SUB | BPF_X;
constexpr uint8_t kIfZero = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint8_t kIfNotPass = BPF_JMP | BPF_JNE | BPF_K;
constexpr uint8_t kIfDifferent = BPF_JMP | BPF_JNE | BPF_X;
constexpr uint8_t kIfAtLeast = BPF_JMP | BPF_JGE | BPF_X;
constexpr uint8_t kIfMoreThan = BPF_JMP | BPF_JGT | BPF_K;
constexpr uint8_t kIfLessThan = BPF_JMP | BPF_JLT | BPF_K;
constexpr uint8_t kIfAnyOf = BPF_JMP | BPF_JSET | BPF_K;

class Assembler {
 public:
  void op(uint8_t code, uint8_t to, uint8_t from = 0, int16_t offset = 0, int32_t value = 0) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = to & 15u;
    instruction.src_reg = from & 15u;
    instruction.off = offset;
    instruction.imm = value;
    program_.push_back(instruction);
  }
  void call(int helper) { op(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void exit() { op(BPF_JMP | BPF_EXIT, 0); }
  void load_map(uint8_t to, int map) {
    op(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map);
    op(0, 0);
  }
  // A jump to a place that is given later.
  void jump(uint8_t code, uint8_t left, uint8_t right, std::vector<size_t>& jumps,
            int32_t value = 0) {
    jumps.push_back(program_.size());
    op(code, left, right, 0, value);
  }
  void here(const std::vector<size_t>& jumps) {
    for (const size_t at : jumps) {
      program_[at].off = static_cast<int16_t>(program_.size() - at - 1);
    }
  }
  const std::vector<bpf_insn>& program() const { return program_; }

 private:
  std::vector<bpf_insn> program_;
};

constexpr auto kRedirected = static_cast<int16_t>(offsetof(Tally, redirected));
constexpr auto kPassed = static_cast<int16_t>(offsetof(Tally, passed));
constexpr auto kConsumed = static_cast<int16_t>(offsetof(Tally, consumed));
constexpr auto kDrained = static_cast<int16_t>(offsetof(Tally, drained));
constexpr auto kLimit = static_cast<int16_t>(offsetof(Tally, limit));
constexpr auto kCut = static_cast<int16_t>(offsetof(Tally, cut));
constexpr auto kNext = static_cast<int16_t>(offsetof(Tally, next));
constexpr auto kKnown = static_cast<int16_t>(offsetof(Tally, known));
constexpr auto kMarked = static_cast<int16_t>(offsetof(Tally, marked));

constexpr int32_t kUrgentFlag = 0x20;  // of the TCP header's, in their low byte

// Registers that calls leave alone.
constexpr uint8_t kPacket = 6;
constexpr uint8_t kTally = 7;
constexpr uint8_t kLength = 8;

// The most that bpf_skb_adjust_room takes off at once (sk_skb_adjust_room in net/core/filter.c),
// and how often it is called: the largest packet has 64 KiB.
constexpr int32_t kCutAtOnce = 0xfff;
constexpr int kCuts = 17;

//   if (end - sequence is neither length nor length + 1) do nothing
//   again = next - sequence; next = sequence + length
//   if (0 < again < length) take `again` off the head, tally.cut += again
//
// TCP queues a segment whole of which a part is not new. recv begins where the new part does; the
// program, and whoever gets the packet from it, is shown all of it (tcp_data_queue in
// net/ipv4/tcp_input.c, tcp_read_skb in net/ipv4/tcp.c).
//
// A packet's sequence number is no part of the interface between kernel and programs. TCP keeps it,
// and the one behind the packet's last byte or end of stream, in the packet's control block, which
// programs may read and which nobody has overwritten at this point. Should a kernel have something
// else there, the first line sees it; and should a packet not be cut for want of memory, its length
// is counted as it is, and the stream does not add up (seen_once).
void cut_what_was_seen(Assembler& a) {
  std::vector<size_t> done;
  std::vector<size_t> rest;
  a.op(kLoad32, 1, kPacket, static_cast<int16_t>(offsetof(__sk_buff, cb[0])));
  a.op(kLoad32, 2, kPacket, static_cast<int16_t>(offsetof(__sk_buff, cb[1])));
  a.op(kSubtract32, 2, 1);
  a.op(kSubtract32, 2, kLength);
  a.jump(kIfMoreThan, 2, 0, done, 1);
  a.op(kLoad32, 3, kTally, kKnown);
  a.op(kLoad32, 9, kTally, kNext);
  a.op(kSubtract32, 9, 1);
  a.op(kAdd32, 1, kLength);
  a.op(kStore32, kTally, 1, kNext);
  a.op(kSetMapped32, kTally, 0, kKnown, 1);
  a.jump(kIfZero, 3, 0, done);
  a.jump(kIfZero, 9, 0, done);
  a.jump(kIfAtLeast, 9, kLength, done);
  a.op(kLoad, 1, kTally, kCut);
  a.op(kAdd, 1, 9);
  a.op(kStore, kTally, 1, kCut);
  const auto cut = [&a] {
    a.op(kCopy, 1, kPacket);
    a.op(kSet, 3);
    a.op(kSet, 4);
    a.call(BPF_FUNC_skb_adjust_room);
  };
  for (int i = 0; i < kCuts; ++i) {
    a.jump(kIfLessThan, 9, 0, rest, kCutAtOnce);
    a.op(kSet, 2, 0, 0, -kCutAtOnce);
    cut();
    a.op(kAddTo, 9, 0, 0, -kCutAtOnce);
  }
  a.here(rest);
  a.op(kSet, 2);
  a.op(kSubtract, 2, 9);
  cut();
  a.op(kLoad32, kLength, kPacket, static_cast<int16_t>(offsetof(__sk_buff, len)));
  a.here(done);
}

//   if (length == 0) drop
//   tally = tallies[slots[cookie]], or pass
//   cut what TCP received before
//   if (urgent) tally.marked = tally.passed + length, tally.passed += length, pass
//   if (tally.passed == tally.consumed && tally.redirected - tally.drained <
//   tally.limit &&
//       redirected to outputs[cookie])
//     tally.redirected += length
//   else
//     tally.passed += length, pass
//
// A byte that was passed must be taken by the output before any later one is
// redirected, or else the later one overtakes it: hence the first condition.
// The socket's lock is held meanwhile, so that its packets come one at a time
// and in order. A packet without data is an end of stream alone: redirected, it
// would be an error of the output (EPIPE), and nothing is lost with it.
//
// Up to its urgent byte every packet of a sender has the flag URG, which TCP keeps in the control
// block beside the sequence number. Which byte it is the program cannot see, since the packet
// begins behind its header: the socket is asked where its mark is when what was passed is read.
std::vector<bpf_insn> verdict(int slots, int tallies, int outputs,
                              const SockmapKernel::Program& program) {
  Assembler a;
  std::vector<size_t> marked;
  std::vector<size_t> unknown;
  std::vector<size_t> pass;
  constexpr int16_t kCookie = -8;
  constexpr int16_t kSlot = -16;
  std::vector<size_t> empty;
  a.op(kCopy, kPacket, 1);
  a.op(kLoad32, kLength, kPacket, static_cast<int16_t>(offsetof(__sk_buff, len)));
  a.jump(kIfZero, kLength, 0, empty);
  a.call(BPF_FUNC_get_socket_cookie);
  a.op(kStore, 10, 0, kCookie);
  a.load_map(1, slots);
  a.op(kCopy, 2, 10);
  a.op(kAddTo, 2, 0, 0, kCookie);
  a.call(BPF_FUNC_map_lookup_elem);
  a.jump(kIfZero, 0, 0, unknown);
  a.op(kLoad32, 1, 0);
  a.op(kStore32, 10, 1, kSlot);
  a.load_map(1, tallies);
  a.op(kCopy, 2, 10);
  a.op(kAddTo, 2, 0, 0, kSlot);
  a.call(BPF_FUNC_map_lookup_elem);
  a.jump(kIfZero, 0, 0, unknown);
  a.op(kCopy, kTally, 0);
  if (program.cut) cut_what_was_seen(a);
  if (program.mark) {
    a.op(kLoad32, 1, kPacket, static_cast<int16_t>(offsetof(__sk_buff, cb[3])));
    a.jump(kIfAnyOf, 1, 0, marked, kUrgentFlag);
  }
  a.op(kLoad, 1, kTally, kPassed);
  a.op(kLoad, 2, kTally, kConsumed);
  a.jump(kIfDifferent, 1, 2, pass);
  a.op(kLoad, 1, kTally, kRedirected);
  a.op(kLoad, 2, kTally, kDrained);
  a.op(kSubtract, 1, 2);
  a.op(kLoad, 2, kTally, kLimit);
  a.jump(kIfAtLeast, 1, 2, pass);
  a.op(kCopy, 1, kPacket);
  a.load_map(2, outputs);
  a.op(kCopy, 3, 10);
  a.op(kAddTo, 3, 0, 0, kCookie);
  a.op(kSet, 4, 0, 0, program.flags);
  a.call(BPF_FUNC_sk_redirect_hash);
  a.jump(kIfNotPass, 0, 0, pass, SK_PASS);
  a.op(kLoad, 1, kTally, kRedirected);
  a.op(kAdd, 1, kLength);
  a.op(kStore, kTally, 1, kRedirected);
  a.op(kSet, 0, 0, 0, SK_PASS);
  a.exit();
  if (program.mark) {
    a.here(marked);
    a.op(kLoad, 1, kTally, kPassed);
    a.op(kAdd, 1, kLength);
    a.op(kStore, kTally, 1, kMarked);
  }
  a.here(pass);
  a.op(kLoad, 1, kTally, kPassed);
  a.op(kAdd, 1, kLength);
  a.op(kStore, kTally, 1, kPassed);
  a.here(unknown);
  a.op(kSet, 0, 0, 0, SK_PASS);
  a.exit();
  a.here(empty);
  a.op(kSet, 0, 0, 0, SK_DROP);
  a.exit();
  return a.program();
}

uint64_t address(const void* memory) {
  return reinterpret_cast<uint64_t>(memory);
}

}  // namespace

SockmapKernel::SockmapKernel(Sys& sys, const Program& program) : sys_(sys) {
  const auto checked = [](int result, const char* what) {
    if (result < 0) throw SystemError("bpf", what, -result);
    return result;
  };
  const auto made = [&](int result, const char* what) { return SysFd(sys, checked(result, what)); };
  slots_ = made(create(BPF_MAP_TYPE_HASH, 8, 4, BPF_F_NO_PREALLOC), "BPF_MAP_CREATE of a hash");
  tallies_ = made(create(BPF_MAP_TYPE_ARRAY, 4, sizeof(Tally), BPF_F_MMAPABLE),
                  "BPF_MAP_CREATE of a mapped array");
  outputs_ = made(create(BPF_MAP_TYPE_SOCKHASH, 8, 4, 0), "BPF_MAP_CREATE of a sockhash");
  inputs_ = made(create(BPF_MAP_TYPE_SOCKHASH, 8, 4, 0), "BPF_MAP_CREATE of a sockhash");
  program_ = made(load(program), "BPF_PROG_LOAD of a socket verdict");
  checked(attach(), "BPF_PROG_ATTACH to a sockhash");
  void* memory = sys_.map_shared(tallies_.get(), sizeof(Tally) * kDirections);
  checked(memory ? 0 : -errno, "mmap of an array");
  tally_ = static_cast<Tally*>(memory);
}

SockmapKernel::~SockmapKernel() {
  sys_.unmap_memory(tally_, sizeof(Tally) * kDirections);
}

std::string SockmapKernel::unavailable() {
  Sys sys(false);
  try {
    const SockmapKernel kernel(sys, {.cut = true, .mark = true});
  } catch (const SystemError& error) {
    const std::string what = error.what();
    switch (error.code()) {
      case EPERM:
      case EACCES:
        return what + "; needs CAP_BPF and CAP_NET_ADMIN (run as root)";
      case ENOSYS:
        return what + "; the kernel has no bpf(2) (CONFIG_BPF_SYSCALL)";
      case EINVAL:
      case EOPNOTSUPP:
        return what + "; needs Linux 5.13 with CONFIG_BPF_STREAM_PARSER";
      default:
        return what;
    }
  }
  return {};
}

int SockmapKernel::redirect(int in, int out, uint64_t limit, Direction& direction) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  const int known = sys_.getsockopt(in, SOL_SOCKET, SO_COOKIE, &cookie, &size);
  if (known < 0) return -known;
  if (free_.empty() && used_ == kDirections) return E2BIG;
  uint32_t slot = used_;
  if (free_.empty()) {
    ++used_;
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Tally* tally = tally_ + slot;
  for (auto* figure : {&tally->redirected, &tally->passed, &tally->cut, &tally->consumed,
                       &tally->drained, &tally->marked}) {
    figure->store(0);
  }
  tally->known.store(0);
  tally->limit.store(limit);
  direction = {slot, cookie, tally};
  const auto out32 = static_cast<uint32_t>(out);
  const auto in32 = static_cast<uint32_t>(in);
  int error = update(slots_.get(), cookie, &slot);
  if (error == 0) error = update(outputs_.get(), cookie, &out32);
  if (error == 0) error = update(inputs_.get(), cookie, &in32);
  if (error != 0) {
    remove(outputs_.get(), cookie);
    remove(slots_.get(), cookie);
    free_.push_back(slot);
    return -error;
  }
  settle(in);
  return 0;
}

bool SockmapKernel::stop_redirecting(int in, const Direction& direction, uint64_t read) {
  remove(inputs_.get(), direction.cookie);
  settle(in);
  if (direction.tally->passed.load() <= read) return true;
  const auto in32 = static_cast<uint32_t>(in);
  update(inputs_.get(), direction.cookie, &in32);
  settle(in);
  return false;
}

void SockmapKernel::release(int in, const Direction& direction) {
  remove(slots_.get(), direction.cookie);
  // The program may have looked the slot up before: once the lock has been ours
  // it has ended.
  settle(in);
  free_.push_back(direction.slot);
}

void SockmapKernel::settle(int in) {
  // Setting SO_RCVLOWAT makes TCP look again whether there is something to
  // report.
  const int one = 1;
  sys_.setsockopt(in, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

int SockmapKernel::create(uint32_t type, uint32_t key, uint32_t value, uint32_t flags) {
  bpf_attr attributes{};
  attributes.map_type = type;
  attributes.key_size = key;
  attributes.value_size = value;
  attributes.max_entries = kDirections;
  attributes.map_flags = flags;
  return sys_.bpf(BPF_MAP_CREATE, &attributes, sizeof(attributes));
}

int SockmapKernel::update(int map, uint64_t cookie, const void* value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<uint32_t>(map);
  attributes.key = address(&cookie);
  attributes.value = address(value);
  return sys_.bpf(BPF_MAP_UPDATE_ELEM, &attributes, sizeof(attributes));
}

void SockmapKernel::remove(int map, uint64_t cookie) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<uint32_t>(map);
  attributes.key = address(&cookie);
  sys_.bpf(BPF_MAP_DELETE_ELEM, &attributes, sizeof(attributes));
}

int SockmapKernel::load(const Program& wanted) {
  const std::vector<bpf_insn> program =
      verdict(slots_.get(), tallies_.get(), outputs_.get(), wanted);
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SK_SKB;
  attributes.expected_attach_type = BPF_SK_SKB_VERDICT;
  attributes.insns = address(program.data());
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.license = address("MIT");
  // The verifier gives up with EAGAIN when a signal or its scheduler interrupts it; libbpf tries
  // five times too.
  int result = sys_.bpf(BPF_PROG_LOAD, &attributes, sizeof(attributes));
  for (int again = 0; result == -EAGAIN && again < 4; ++again) {
    result = sys_.bpf(BPF_PROG_LOAD, &attributes, sizeof(attributes));
  }
  return result;
}

int SockmapKernel::attach() {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(inputs_.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(program_.get());
  attributes.attach_type = BPF_SK_SKB_VERDICT;
  return sys_.bpf(BPF_PROG_ATTACH, &attributes, sizeof(attributes));
}

}  // namespace splicebench
