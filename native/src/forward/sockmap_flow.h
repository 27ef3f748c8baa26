// One direction of a session whose bytes the kernel redirects: what is left to
// do for this process.
#pragma once

#include <linux/bpf.h>
#include <linux/tcp.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "forward/flow.h"
#include "forward/sockmap_kernel.h"

namespace splicebench {

// What distinguishes the mechanisms.
struct SockmapPolicy {
  uint64_t limit = UINT64_MAX;  // bytes in the output's backlog
  bool drain = false;           // pass the end on only when the backlog has left
  bool cut = false;             // what TCP received before off the head of a packet
  bool mark = false;            // urgent bytes are taken out of the stream
  bool ingress = false;         // into the output's receive queue, for this process to send
};

// Bytes, over all sessions.
struct SockmapFigures {
  Counter redirected;    // by the program
  Counter copied;        // by recv and send
  Counter cut;           // received before by TCP, and not forwarded again
  Counter lost;          // still in the backlog of an output whose stream was ended
  Counter backlog;       // redirected, and not in the output's send queue when last
                         // looked at
  Counter backlog_peak;  // the most that was seen
};

// What all flows of a forwarder share.
struct SockmapShared {
  SockmapShared(ForwarderContext& context, const SockmapPolicy& p, SockmapFigures& f)
      : sys(context.sys),
        stats(context.stats),
        policy(p),
        figures(f),
        kernel(context.sys,
               {.flags = p.ingress ? BPF_F_INGRESS : 0, .cut = p.cut, .mark = p.mark}) {}
  Sys& sys;
  ForwarderStats& stats;
  SockmapPolicy policy;
  SockmapFigures& figures;
  SockmapKernel kernel;
  std::optional<uint32_t> latest;  // ingress: the flow that was redirected last
};

tcp_info tcp_information(Sys& sys, int fd);

// Whether all that TCP received, in bytes, was seen by the program or by recv, and seen once. It is
// not where the kernel drops a packet in the program's hands, and where TCP receives a segment of
// which a part is not new: the program, and who reads behind it, get the whole of it
// (docs/sockmap.md). Notes which, where it is false: the stream must not look complete then.
bool seen_once(SockmapShared& shared, uint64_t seen, uint64_t received);

// Whether a state of TCP is one after the peer's end of stream.
bool peer_has_ended(uint8_t state);

// A direction with policy.ingress (sockmap_ingress.cc).
std::unique_ptr<Flow> open_sockmap_ingress(SockmapShared& shared, uint32_t id, Counter& delivered);

class SockmapFlow final : public Flow {
 public:
  SockmapFlow(SockmapShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered) {}
  SockmapFlow(const SockmapFlow&) = delete;
  SockmapFlow& operator=(const SockmapFlow&) = delete;
  ~SockmapFlow() override;

  PumpResult connected(int in, int out) override;
  PumpResult pump(int in, int out, size_t budget) override;
  void note_end() override {
    if (!ended_) due_ns_ = 0;
    ended_ = true;
  }
  bool allow_shutdown(int in) override;
  bool holds_data() const override { return held() > 0; }

 private:
  size_t held() const { return buffer_.size() - begin_; }
  uint64_t redirected() const { return direction_->tally->redirected.load(); }
  uint64_t passed() const { return direction_->tally->passed.load(); }
  // What the output took from the backlog.
  uint64_t drained() const { return taken_ - copied_; }

  PumpResult copy(size_t budget);
  PumpResult catch_up(size_t budget);
  PumpResult watch();
  PumpResult finish();
  bool nothing_twice();
  bool backlog_is_empty();
  ssize_t receive(size_t most);
  ssize_t take(size_t most);
  std::optional<PumpResult> send_held();
  void look();
  void clamp_by(uint64_t left);
  void clamp(bool on);
  uint64_t limit();
  bool at_mark();
  ssize_t receive_marked(size_t most);
  void leave_out_urgent();
  PumpResult wait(bool progress);
  PumpResult hold_off(bool progress);
  std::optional<PumpResult> held_off();
  bool out_of_reach();

  SockmapShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  int in_ = -1;
  int out_ = -1;
  std::optional<SockmapKernel::Direction> direction_;  // empty: everything is copied
  int error_ = 0;          // of the input, met where the session cannot be failed
  bool ended_ = false;     // the end of the input, or an error, was reported
  bool finished_ = false;  // and everything before it was seen to
  uint64_t first_ = 0;     // where the output's stream stood when this began
  uint64_t taken_ = 0;     // bytes that the output has taken, when last looked at
  uint64_t copied_ = 0;    // of these, by send
  uint64_t received_ = 0;  // by recv
  uint64_t urgent_ = 0;    // of these, urgent bytes, which are in no stream
  uint64_t counted_ = 0;   // of those redirected, in the shared figure
  uint64_t backlog_ = 0;   // in the shared figure
  bool off_ = false;       // redirected no more, since the input's write side was to
                           // be shut down
  uint32_t quieting_ = 0;  // tries to get there
  uint64_t arrived_ = 0;   // bytes that the input had received at the latest
  bool clamped_ = false;   // the input's window is lowered
  int usual_window_ = 0;   // its limit otherwise
  uint32_t patience_ms_ = 1;
  uint64_t due_ns_ = 0;          // no look before, whatever wakes the loop
  bool full_ = false;            // the output had no room for what is held: it may have some sooner
  uint64_t missing_ns_ = 0;      // since when nothing came of what the program left; 0 = it comes
  std::vector<uint8_t> buffer_;  // received and not yet sent, from begin_
  size_t begin_ = 0;
};

// The relay loop with such flows, and the figures they share.
class SockmapForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit SockmapForwarder(const SockmapPolicy& policy) : policy_(policy) {}
  void run(ForwarderContext& context) override;
  std::vector<std::pair<std::string_view, const Counter*>> details() const override;

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override;
  uint32_t events() const override;
  // The program puts arrivals where the session's other flow takes them.
  bool reads_inputs_only() const override { return false; }

  const SockmapPolicy policy_;
  SockmapFigures figures_;           // read while run() goes on, and after it
  SockmapShared* shared_ = nullptr;  // while run() goes on
};

}  // namespace splicebench
