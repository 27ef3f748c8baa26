// zerocopy: recv into a buffer, send from it with MSG_ZEROCOPY.
//
// The kernel then sends from the buffer's own pages, and says on the socket's error queue when it
// has done with them: only after that a buffer is filled again. Each completion also says whether
// the kernel copied after all (SO_EE_CODE_ZEROCOPY_COPIED), as it does on loopback;
// `zerocopy_sends` and `zerocopy_copied` count completed sends, so that zero copy is proven or
// refuted, never assumed.
//
// A flow has at most kMostOutstanding bytes of buffers waiting for completions, then it stops
// reading. When the kernel lacks memory for another completion (ENOBUFS, net.core.optmem_max), or
// the send is too small to be worth one, the flow sends by copying, which needs none. Buffers still
// waiting when a flow ends are unmapped, never reused: the kernel holds the pages themselves until
// it is done.

#include <time.h>
// errqueue.h needs timespec, and so comes after it.
#include <linux/errqueue.h>

#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "forward/flow.h"
#include "posix/fd.h"

namespace splicebench {
namespace {

constexpr size_t kMostOutstanding = size_t{8} << 20;
constexpr size_t kLookEvery = size_t{1} << 20;  // bytes sent between looks for completions
constexpr size_t kKeptBuffers = 64;

struct ZerocopyCounters {
  Counter sends;      // completed
  Counter copied;     // of those, the ones the kernel copied
  Counter fallbacks;  // sends by copying because no completion could be had
  Counter waits;      // times a flow stopped reading until completions came
};

// Buffers of one size that nobody uses, neither this process nor the kernel.
class CleanBuffers {
 public:
  CleanBuffers(Sys& sys, size_t size) : sys_(sys), size_(size) {}
  CleanBuffers(const CleanBuffers&) = delete;
  CleanBuffers& operator=(const CleanBuffers&) = delete;
  ~CleanBuffers() {
    for (uint8_t* buffer : idle_) discard(buffer);
  }
  size_t size() const { return size_; }
  uint8_t* take() {
    if (idle_.empty()) {
      auto* made = static_cast<uint8_t*>(sys_.map_memory(size_));
      if (!made) throw std::bad_alloc();
      return made;
    }
    uint8_t* buffer = idle_.back();
    idle_.pop_back();
    return buffer;
  }
  void give_back(uint8_t* buffer) {
    if (idle_.size() < kKeptBuffers) {
      idle_.push_back(buffer);
    } else {
      discard(buffer);
    }
  }
  // Also for a buffer that the kernel still sends from.
  void discard(uint8_t* buffer) { sys_.unmap_memory(buffer, size_); }

 private:
  Sys& sys_;
  size_t size_;
  std::vector<uint8_t*> idle_;
};

struct ZerocopyShared {
  ZerocopyShared(Sys& s, ZerocopyCounters& c, size_t buffer, size_t least)
      : sys(s), counters(c), threshold(least), buffers(s, buffer) {}
  Sys& sys;
  ZerocopyCounters& counters;
  const size_t threshold;
  CleanBuffers buffers;
};

class ZerocopyFlow final : public Flow {
 public:
  ZerocopyFlow(ZerocopyShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered) {}
  ZerocopyFlow(const ZerocopyFlow&) = delete;
  ZerocopyFlow& operator=(const ZerocopyFlow&) = delete;
  ~ZerocopyFlow() override {
    for (const Waiting& waiting : waiting_) shared_.buffers.discard(waiting.buffer);
    if (buffer_) shared_.buffers.discard(buffer_);
  }

  bool holds_data() const override { return begin_ < end_; }
  void note_error_queue(int out) override { take_completions(out); }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!asked_) ask_for_zerocopy(out);
    for (size_t taken = 0; taken < budget;) {
      if (begin_ == end_) {
        if (unseen_ >= kLookEvery) take_completions(out);
        if (outstanding() >= kMostOutstanding) {
          take_completions(out);
          if (outstanding() >= kMostOutstanding) {
            // The next completion is reported like room in the output.
            shared_.counters.waits.add(1);
            return {PumpEnd::kOutputFull};
          }
        }
        if (!buffer_) buffer_ = shared_.buffers.take();
        const ssize_t got = sys_.recv(in, buffer_, shared_.buffers.size(), 0, {id_, received_});
        if (got <= 0) {
          shared_.buffers.give_back(std::exchange(buffer_, nullptr));
          if (!waiting_.empty()) take_completions(out);
          return without_input(got);
        }
        received_ += static_cast<uint64_t>(got);
        taken += static_cast<size_t>(got);
        begin_ = 0;
        end_ = static_cast<size_t>(got);
        lent_ = false;
      }
      const ssize_t sent = send_some(out);
      if (sent <= 0) return without_output(sent);
      begin_ += static_cast<size_t>(sent);
      sent_ += static_cast<uint64_t>(sent);
      delivered_.add(static_cast<uint64_t>(sent));
      if (begin_ < end_) return {PumpEnd::kOutputFull};  // as in copy.cc
      if (lent_) waiting_.push_back({std::exchange(buffer_, nullptr), next_id_ - 1});
    }
    return {PumpEnd::kBudget};
  }

 private:
  struct Waiting {
    uint8_t* buffer;
    uint32_t last_send;  // the buffer is free once this one and all before are complete
  };

  size_t outstanding() const { return waiting_.size() * shared_.buffers.size(); }

  void ask_for_zerocopy(int out) {
    const int one = 1;
    able_ = sys_.setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) == 0;
    asked_ = true;
  }

  ssize_t send_some(int out) {
    const size_t size = end_ - begin_;
    if (size >= shared_.threshold && able_) {
      for (const bool again : {false, true}) {
        const ssize_t sent = sys_.send(out, buffer_ + begin_, size, MSG_NOSIGNAL | MSG_ZEROCOPY,
                                       {id_, sent_, CallSide::kOut});
        if (sent > 0) {
          ++next_id_;
          lent_ = true;
          unseen_ += static_cast<size_t>(sent);
        }
        if (sent != -ENOBUFS) return sent;
        if (!again) take_completions(out);
      }
    }
    if (size >= shared_.threshold) shared_.counters.fallbacks.add(1);
    return sys_.send(out, buffer_ + begin_, size, MSG_NOSIGNAL, {id_, sent_, CallSide::kOut});
  }

  // Reads what the kernel has finished. TCP completes in the order of sending.
  void take_completions(int out) {
    unseen_ = 0;
    for (;;) {
      alignas(cmsghdr) uint8_t control[128];
      msghdr message{};
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      if (sys_.recvmsg(out, &message, MSG_ERRQUEUE) < 0) break;
      for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) note(c);
    }
    // Numbers wrap: what counts is the distance.
    while (!waiting_.empty() && static_cast<int32_t>(waiting_.front().last_send - completed_) < 0) {
      shared_.buffers.give_back(waiting_.front().buffer);
      waiting_.pop_front();
    }
  }

  void note(const cmsghdr* c) {
    const bool v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR;
    const bool v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) return;
    sock_extended_err error;
    memcpy(&error, CMSG_DATA(c), sizeof(error));
    if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY) return;
    const uint32_t sends = error.ee_data - error.ee_info + 1;
    shared_.counters.sends.add(sends);
    if (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) shared_.counters.copied.add(sends);
    // A gap means that an earlier send completes later: its buffers, and all behind, keep waiting.
    early_ += sends;
    if (static_cast<int32_t>(error.ee_data - highest_) >= 0) highest_ = error.ee_data + 1;
    if (early_ == highest_) completed_ = highest_;
  }

  ZerocopyShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  bool asked_ = false;
  bool able_ = false;
  uint8_t* buffer_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool lent_ = false;       // the kernel was given part of buffer_
  size_t unseen_ = 0;       // bytes sent since the last look for completions
  uint32_t next_id_ = 0;    // of the next zero-copy send on this socket, as the kernel counts
  uint32_t early_ = 0;      // completions seen, in any order
  uint32_t highest_ = 0;    // one past the latest of them
  uint32_t completed_ = 0;  // all before it are complete
  std::deque<Waiting> waiting_;
};

class ZerocopyForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit ZerocopyForwarder(const Settings& settings)
      : buffer_(settings.size("buffer")), threshold_(settings.size("threshold")) {}
  void run(ForwarderContext& context) override {
    ZerocopyShared shared(context.sys, counters_, buffer_, threshold_);
    shared_ = &shared;
    run_relay(context, *this);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"zerocopy_sends", &counters_.sends},
            {"zerocopy_copied", &counters_.copied},
            {"zerocopy_fallbacks", &counters_.fallbacks},
            {"zerocopy_waits", &counters_.waits}};
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<ZerocopyFlow>(*shared_, id, delivered);
  }
  bool uses_error_queue() const override { return true; }

  const size_t buffer_;
  const size_t threshold_;
  ZerocopyCounters counters_;
  ZerocopyShared* shared_ = nullptr;  // while run() goes on
};

std::string unavailable() {
  const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
  const int one = 1;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) == 0) return "";
  return "the kernel has no SO_ZEROCOPY for TCP (Linux 4.14 or later)";
}

const Registered kZerocopy({"zerocopy", make_of<ZerocopyForwarder>, unavailable});

}  // namespace

}  // namespace splicebench
