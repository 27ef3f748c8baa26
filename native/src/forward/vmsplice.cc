// vmsplice: recv into memory of ours, put its pages into a pipe, splice the pipe to the socket.
//
// When may such memory be written again? There is no way to be told: the pages stay in use until
// the output's peer has acknowledged them, and over loopback or a tap until the receiver has *read*
// them, since it is handed the very pages. So memory is written once and never again: each receive
// takes the next bytes of a region, and a region that is used up is unmapped. The kernel's
// references keep the pages alive until the last reader is done, and then free them. What that
// costs is a page fault and a zeroed page per 4 KiB, which is more than copying 4 KiB does: see
// docs/mechanisms.md.

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "forward/flow.h"
#include "forward/pipe.h"
#include "forward/piped_input.h"

namespace splicebench {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMostAtOnce = size_t{256} << 10;

struct VmspliceCounters {
  Counter regions;
  Counter given_bytes;  // by page reference
};

// Memory that is written once, from the front to the end.
class Region {
 public:
  Region(Sys& sys, size_t size) : sys_(sys), size_(size) {
    memory_ = static_cast<uint8_t*>(sys.map_memory(size));
    if (!memory_) throw std::bad_alloc();
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() { sys_.unmap_memory(memory_, size_); }

  uint8_t* next() const { return memory_ + used_; }
  size_t used() const { return used_; }
  size_t left() const { return size_ - used_; }
  void use(size_t size) { used_ += size; }

 private:
  Sys& sys_;
  size_t size_;
  uint8_t* memory_ = nullptr;
  size_t used_ = 0;
};

struct VmspliceShared {
  VmspliceShared(ForwarderContext& context, VmspliceCounters& c, size_t region, size_t pipe)
      : sys(context.sys),
        counters(c),
        region_size((region + kPage - 1) / kPage * kPage),
        pool(sys, context.stats, pipe) {}

  // The region that is being written; all flows share it.
  const std::shared_ptr<Region>& region() {
    if (!current || current->left() == 0) {
      current = std::make_shared<Region>(sys, region_size);
      counters.regions.add(1);
    }
    return current;
  }

  Sys& sys;
  VmspliceCounters& counters;
  const size_t region_size;
  PipePool pool;
  std::shared_ptr<Region> current;
};

class VmspliceFlow final : public Flow {
 public:
  VmspliceFlow(VmspliceShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered), input_(sys_, id) {}
  VmspliceFlow(const VmspliceFlow&) = delete;
  VmspliceFlow& operator=(const VmspliceFlow&) = delete;

  bool holds_data() const override { return held_ != 0 || rest_size_ != 0; }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!pipe_) pipe_ = shared_.pool.take();
    const PumpResult result = move(in, out, budget);
    if (held_ == 0) shared_.pool.give_back_empty(pipe_);
    return result;
  }

 private:
  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      if (held_ == 0 && rest_size_ == 0) {
        const std::shared_ptr<Region>& region = shared_.region();
        const size_t most = std::min(kMostAtOnce, region->left());
        const ssize_t got = input_.take(in, region->next(), most);
        if (got <= 0) return without_input(got);
        rest_ = region->next();
        rest_size_ = static_cast<size_t>(got);
        rest_region_ = region;
        region->use(rest_size_);
        taken += rest_size_;
      }
      const ssize_t sent = held_ == 0 && !pipe_ ? send_rest(out) : splice_out(out);
      if (sent <= 0) return without_output(sent);
      sent_ += static_cast<uint64_t>(sent);
      delivered_.add(static_cast<uint64_t>(sent));
    }
    return {PumpEnd::kBudget};
  }

  // The pipe is filled only when it is empty: then it has a slot, and vmsplice cannot say EAGAIN.
  ssize_t splice_out(int out) {
    if (held_ == 0) {
      const ssize_t put = sys_.vmsplice(pipe_->write.get(), rest_, rest_size_, SPLICE_F_NONBLOCK,
                                        {id_, sent_, CallSide::kWithin});
      if (put <= 0) return put == -EAGAIN ? -EIO : put;
      held_ = static_cast<size_t>(put);
      shared_.counters.given_bytes.add(held_);
      forget(held_);
    }
    const ssize_t sent =
        sys_.splice(pipe_->read.get(), out, held_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK,
                    {id_, sent_, CallSide::kOut});
    if (sent > 0) held_ -= static_cast<size_t>(sent);
    return sent;
  }

  // Where there is no pipe.
  ssize_t send_rest(int out) {
    const ssize_t sent =
        sys_.send(out, rest_, rest_size_, MSG_NOSIGNAL, {id_, sent_, CallSide::kOut});
    if (sent > 0) forget(static_cast<size_t>(sent));
    return sent;
  }

  void forget(size_t size) {
    rest_ += size;
    rest_size_ -= size;
    if (rest_size_ == 0) rest_region_.reset();
  }

  VmspliceShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  PipedInput input_;
  uint64_t sent_ = 0;
  std::optional<Pipe> pipe_;
  size_t held_ = 0;  // bytes in the pipe
  // Received and not yet in the pipe.
  const uint8_t* rest_ = nullptr;
  size_t rest_size_ = 0;
  std::shared_ptr<Region> rest_region_;
};

class VmspliceForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit VmspliceForwarder(const Settings& settings)
      : region_(settings.size("region")), pipe_(settings.size("pipe")) {}
  void run(ForwarderContext& context) override {
    VmspliceShared shared(context, counters_, region_, pipe_);
    shared_ = &shared;
    run_relay(context, *this);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"regions", &counters_.regions}, {"given_bytes", &counters_.given_bytes}};
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<VmspliceFlow>(*shared_, id, delivered);
  }
  void release_spare() override { shared_->pool.clear(); }

  const size_t region_;
  const size_t pipe_;
  VmspliceCounters counters_;
  VmspliceShared* shared_ = nullptr;  // while run() goes on
};

const Registered kVmsplice({"vmsplice", make_of<VmspliceForwarder>});

}  // namespace

}  // namespace splicebench
