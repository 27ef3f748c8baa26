// uring-zerocopy: as uring-copy, but what is sent stays in its buffer, and the kernel sends it from
// there (SENDMSG_ZC). A buffer is used again only after the notification of every send that it was
// part of, which comes when the receiver has acknowledged; until then the bytes under way are ours
// to keep. Each notification also says whether the kernel copied after all, as it does on loopback.
//
// A send that is too small to be worth a notification copies: it would keep a whole buffer for a
// few bytes, and thousands of connections would have one each.

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "forward/uring_stream.h"
#include "posix/error.h"
#include "uring/probe.h"

namespace splicebench {
namespace {

constexpr uint16_t kReady = 2;
// Sends whose notification has not come, and the memory of the buffers that they hold, of one flow.
// A buffer counts whole, however little of it was filled.
constexpr size_t kMostInUse = 256;
constexpr size_t kMostBytesInUse = size_t{64} << 20;

struct ZerocopyStreams : UringStreams {
  struct Counters {
    Counter sends, copied_sends, bytes, copied_bytes, refused;
  };
  // The counters outlive the streams.
  ZerocopyStreams(Sys& s, Counters& c, size_t buffer, size_t least)
      : UringStreams(s, buffer, kReady), counters(c), threshold(least) {}
  Counters& counters;
  const size_t threshold;
};

class UringZerocopyFlow final : public UringStreamFlow {
 public:
  UringZerocopyFlow(ZerocopyStreams& streams, UringPort& port, const UringEnds& ends,
                    Counter& delivered)
      : UringStreamFlow(streams, port, ends, delivered),
        counters_(streams.counters),
        threshold_(streams.threshold),
        most_buffers_(std::max<size_t>(1, kMostBytesInUse / streams.buffers.size())) {}
  bool lingers() const override { return !in_use_.empty(); }

 private:
  struct Send {
    std::vector<uint16_t> buffers;
    uint64_t bytes = 0;
  };

  void start_send() override {
    copying_ = std::exchange(copy_next_, false) || held() < threshold_;
    if (copying_) {
      prepare_send(uring::kOpSendmsg);
      return;
    }
    number_ = (number_ + 1) % UringPort::kNumbers;
    Send& send = in_use_[number_];
    for (const Piece* piece = pieces_begin(); piece != pieces_end(); ++piece) {
      if (send.buffers.size() == UringMessage{}.parts.size()) break;
      send.buffers.push_back(piece->buffer);
      streams_.buffers.hold(piece->buffer);
      ++uses_[piece->buffer];
    }
    prepare_send(uring::kOpSendmsgZc, number_).ioprio = uring::kSendZcReportUsage;
  }

  SendNote note_send(const UringResult& result) override {
    if (result.flags & uring::kCqeNotif) {
      const auto found = in_use_.find(result.number);
      if (found != in_use_.end()) {
        note_use(found->second, static_cast<uint32_t>(result.value) & uring::kNotifZcCopied);
        in_use_.erase(found);
      }
      return SendNote::kNotification;
    }
    if (copying_) return SendNote::kResult;
    const auto found = in_use_.find(result.number);
    if (result.value > 0) found->second.bytes = static_cast<uint64_t>(result.value);
    // Without that flag no notification follows.
    if (!result.more()) {
      note_use(found->second, false);
      in_use_.erase(found);
    }
    // The memory that may be locked is used up (RLIMIT_MEMLOCK): the next send copies.
    if (result.value == -ENOMEM || result.value == -ENOBUFS) {
      counters_.refused.add(1);
      copy_next_ = true;
      return SendNote::kAgain;
    }
    return SendNote::kResult;
  }

  void note_use(const Send& send, bool copied) {
    for (const uint16_t buffer : send.buffers) {
      streams_.buffers.release(buffer);
      const auto use = uses_.find(buffer);
      if (--use->second == 0) uses_.erase(use);
    }
    if (send.bytes == 0) return;
    counters_.sends.add(1);
    counters_.bytes.add(send.bytes);
    if (!copied) return;
    counters_.copied_sends.add(1);
    counters_.copied_bytes.add(send.bytes);
  }

  Call send_call() const override { return copying_ ? Call::kUringSend : Call::kUringSendZerocopy; }
  bool too_much_in_use() const override {
    return in_use_.size() >= kMostInUse || uses_.size() >= most_buffers_;
  }

  ZerocopyStreams::Counters& counters_;
  const size_t threshold_;
  const size_t most_buffers_;                    // in use
  std::map<uint32_t, Send> in_use_;              // by number
  std::unordered_map<uint16_t, uint32_t> uses_;  // by buffer: the sends in use that hold it
  uint32_t number_ = 0;
  bool copying_ = false;  // the send under way
  bool copy_next_ = false;
};

class UringZerocopyForwarder final : public Forwarder {
 public:
  explicit UringZerocopyForwarder(const Settings& settings)
      : buffer_(settings.size("buffer")), threshold_(settings.size("threshold")) {}
  void run(ForwarderContext& context) override {
    ZerocopyStreams streams(context.sys, counters_, buffer_, threshold_);
    uring::Ring ring(context.sys);  // closed before the buffers go
    uring::open_for_relay(ring);
    const int error = streams.buffers.open(ring);
    if (error < 0) throw SystemError("io_uring_register", "buffers", -error);
    UringStreamMechanism<UringZerocopyFlow, ZerocopyStreams> mechanism(streams);
    run_uring_relay(context, ring, mechanism);
  }

  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"zerocopy_sends", &counters_.sends},
            {"zerocopy_copied", &counters_.copied_sends},
            {"zerocopy_bytes", &counters_.bytes},
            {"zerocopy_bytes_copied", &counters_.copied_bytes},
            {"zerocopy_refused", &counters_.refused}};
  }

 private:
  const size_t buffer_;
  const size_t threshold_;
  ZerocopyStreams::Counters counters_;
};

std::string unavailable() {
  return uring::missing(
      {.operations = {uring::kOpSendmsg, uring::kOpSendmsgZc}, .receive = true, .usage = true});
}

const Registered kUringZerocopy({"uring-zerocopy", make_of<UringZerocopyForwarder>, unavailable});

}  // namespace

}  // namespace splicebench
