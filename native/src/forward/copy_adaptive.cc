// copy-adaptive: recv and send through a buffer whose size follows what arrives.
//
// A receive that fills its buffer asks for twice the size next time; several in a row that use less
// than a quarter of it ask for half. So small messages stay in a few kilobytes of cache, and a bulk
// stream soon takes the most that a receive is worth. Buffers come in powers of two, one pool for
// each, and a flow holds one only while it holds data.

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "forward/flow.h"

namespace splicebench {
namespace {

constexpr size_t kLeastLog2 = 12;
constexpr size_t kSizes = 12;                    // 4 KiB to 8 MiB
constexpr size_t kKeptBytes = size_t{64} << 20;  // of each size, or one buffer
// Where flows hold so much at once, as copy's do behind many full outputs, the next take no more
// than kMostWhenMany each.
constexpr size_t kMany = size_t{64} << 20;
constexpr size_t kMostWhenMany = size_t{128} << 10;
constexpr unsigned kSmallBeforeShrinking = 8;

// The power of two that holds `size`, by its place among the sizes.
size_t place_of(size_t size) {
  const size_t log2 = static_cast<size_t>(std::bit_width(std::max<size_t>(size, 1) - 1));
  return std::clamp(log2, kLeastLog2, kLeastLog2 + kSizes - 1) - kLeastLog2;
}

size_t size_of(size_t place) {
  return size_t{1} << (place + kLeastLog2);
}

// Buffers of every size, last in, first out.
class Buffers {
 public:
  explicit Buffers(Sys& sys) : sys_(sys) {}
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  ~Buffers() {
    for (size_t place = 0; place < kSizes; ++place) {
      for (uint8_t* buffer : idle_[place]) sys_.unmap_memory(buffer, size_of(place));
    }
  }

  // Takes a buffer of the size at `place`, or of a smaller one: `place` says which.
  uint8_t* take(size_t& place) {
    if (held_ >= kMany) place = std::min(place, place_of(kMostWhenMany));
    held_ += size_of(place);
    std::vector<uint8_t*>& idle = idle_[place];
    if (idle.empty()) {
      auto* made = static_cast<uint8_t*>(sys_.map_memory(size_of(place)));
      if (!made) throw std::bad_alloc();
      return made;
    }
    uint8_t* buffer = idle.back();
    idle.pop_back();
    return buffer;
  }

  void give_back(uint8_t* buffer, size_t place) {
    held_ -= size_of(place);
    if (idle_[place].size() < std::max<size_t>(1, kKeptBytes / size_of(place))) {
      idle_[place].push_back(buffer);
    } else {
      sys_.unmap_memory(buffer, size_of(place));
    }
  }

 private:
  Sys& sys_;
  size_t held_ = 0;  // bytes, by flows
  std::array<std::vector<uint8_t*>, kSizes> idle_;
};

// Places among the sizes.
struct AdaptiveLimits {
  explicit AdaptiveLimits(const Settings& settings)
      : least(place_of(settings.size("min"))),
        most(std::max(least, place_of(settings.size("max")))) {}
  size_t least;
  size_t most;
};

struct AdaptiveShared {
  AdaptiveShared(Sys& s, const AdaptiveLimits& l) : sys(s), limits(l), buffers(s) {}
  Sys& sys;
  const AdaptiveLimits limits;
  Buffers buffers;
};

struct AdaptiveCounters {
  Counter grown;
  Counter shrunk;
  Counter largest;  // bytes
};

class AdaptiveFlow final : public Flow {
 public:
  AdaptiveFlow(AdaptiveShared& shared, AdaptiveCounters& counters, uint32_t id, Counter& delivered)
      : shared_(shared),
        counters_(counters),
        sys_(shared.sys),
        id_(id),
        delivered_(delivered),
        place_(shared.limits.least) {}
  AdaptiveFlow(const AdaptiveFlow&) = delete;
  AdaptiveFlow& operator=(const AdaptiveFlow&) = delete;
  ~AdaptiveFlow() override { release(); }

  bool holds_data() const override { return begin_ < end_; }

  PumpResult pump(int in, int out, size_t budget) override {
    const PumpResult result = move(in, out, budget);
    if (!holds_data()) release();
    return result;
  }

 private:
  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      if (begin_ == end_) {
        if (buffer_ && asked_place_ != place_) release();
        if (!buffer_) {
          asked_place_ = held_place_ = place_;
          buffer_ = shared_.buffers.take(held_place_);
        }
        const ssize_t got = sys_.recv(in, buffer_, size_of(held_place_), 0, {id_, received_});
        if (got <= 0) return without_input(got);
        received_ += static_cast<uint64_t>(got);
        taken += static_cast<size_t>(got);
        begin_ = 0;
        end_ = static_cast<size_t>(got);
        adapt(end_);
      }
      const ssize_t sent = sys_.send(out, buffer_ + begin_, end_ - begin_, MSG_NOSIGNAL,
                                     {id_, sent_, CallSide::kOut});
      if (sent <= 0) return without_output(sent);
      begin_ += static_cast<size_t>(sent);
      sent_ += static_cast<uint64_t>(sent);
      delivered_.add(static_cast<uint64_t>(sent));
      if (begin_ < end_) return {PumpEnd::kOutputFull};  // as in copy.cc
    }
    return {PumpEnd::kBudget};
  }

  // The size of the next receive, by what this one brought.
  void adapt(size_t got) {
    if (got == size_of(place_)) {
      small_ = 0;
      if (place_ == shared_.limits.most) return;
      ++place_;
      counters_.grown.add(1);
      counters_.largest.set(std::max<uint64_t>(counters_.largest.get(), size_of(place_)));
    } else if (got >= size_of(place_) / 4) {
      small_ = 0;
    } else if (++small_ == kSmallBeforeShrinking) {
      small_ = 0;
      if (place_ == shared_.limits.least) return;
      --place_;
      counters_.shrunk.add(1);
    }
  }

  void release() {
    if (buffer_) shared_.buffers.give_back(std::exchange(buffer_, nullptr), held_place_);
  }

  AdaptiveShared& shared_;
  AdaptiveCounters& counters_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  size_t place_;  // size of the next receive
  unsigned small_ = 0;
  uint8_t* buffer_ = nullptr;
  size_t asked_place_ = 0;  // size that buffer_ was to have
  size_t held_place_ = 0;   // size of buffer_
  size_t begin_ = 0;
  size_t end_ = 0;
};

class AdaptiveForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit AdaptiveForwarder(const Settings& settings) : limits_(settings) {}
  void run(ForwarderContext& context) override {
    AdaptiveShared shared(context.sys, limits_);
    shared_ = &shared;
    counters_.largest.set(size_of(limits_.least));
    run_relay(context, *this);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"buffer_grown", &counters_.grown},
            {"buffer_shrunk", &counters_.shrunk},
            {"buffer_largest_bytes", &counters_.largest}};
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<AdaptiveFlow>(*shared_, counters_, id, delivered);
  }

  const AdaptiveLimits limits_;
  AdaptiveCounters counters_;
  AdaptiveShared* shared_ = nullptr;  // while run() goes on
};

const Registered kCopyAdaptive({"copy-adaptive", make_of<AdaptiveForwarder>});

}  // namespace

}  // namespace splicebench
