// copy: recv into a buffer, send from it.
//
// A flow holds a buffer only while it holds data: while outputs take everything, one buffer serves
// all flows and stays in cache. Buffers are pooled, so that a long copy allocates nothing. Where
// many outputs are full at once, as many flows hold one: beyond kMostLarge they take small ones,
// for memory that the kernel has to clear for every piece costs more than the copying.

#include <algorithm>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "forward/flow.h"

namespace splicebench {
namespace {

// As much as the largest pipe. What a call costs apart from its bytes (the wake-up of the receiver,
// the window update to the sender) outweighs the cache that a smaller buffer would spare.
constexpr size_t kMostLarge = 64;
constexpr size_t kSmallBuffer = size_t{128} << 10;
constexpr size_t kIdleSmall = 1024;

constexpr size_t kHugePage = size_t{2} << 20;

// Owns its memory. Made of huge pages where it is large enough: fewer TLB misses while copying.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Sys& sys, size_t size) : sys_(&sys), size_(size) {
    data_ = static_cast<uint8_t*>(sys.map_memory(mapped(size_)));
    if (!data_) throw std::bad_alloc();
  }
  Buffer(Buffer&& other) noexcept
      : sys_(other.sys_), data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(sys_, other.sys_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (data_) sys_->unmap_memory(data_, mapped(size_));
  }
  uint8_t* get() const { return data_; }
  size_t size() const { return size_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  static size_t mapped(size_t size) {
    return size < kHugePage / 2 ? size : (size + kHugePage - 1) / kHugePage * kHugePage;
  }

  Sys* sys_ = nullptr;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Last in, first out: the buffer taken next is the one still in cache.
class BufferPool {
 public:
  BufferPool(Sys& sys, size_t size)
      : sys_(sys), large_size_(size), small_size_(std::min(size, kSmallBuffer)) {
    large_.reserve(kMostLarge);
    small_.reserve(kIdleSmall);
  }

  Buffer take() {
    if (!large_.empty()) return last_of(large_);
    if (made_large_ < kMostLarge) {
      Buffer buffer(sys_, large_size_);
      ++made_large_;
      return buffer;
    }
    return small_.empty() ? Buffer(sys_, small_size_) : last_of(small_);
  }
  void give_back(Buffer buffer) {
    if (buffer.size() == large_size_ && large_.size() < kMostLarge) {
      large_.push_back(std::move(buffer));
    } else if (small_.size() < kIdleSmall) {
      small_.push_back(std::move(buffer));
    }
  }

 private:
  static Buffer last_of(std::vector<Buffer>& idle) {
    Buffer buffer = std::move(idle.back());
    idle.pop_back();
    return buffer;
  }

  Sys& sys_;
  size_t large_size_;
  size_t small_size_;
  size_t made_large_ = 0;  // in use and idle; they live as long as the pool
  std::vector<Buffer> large_;
  std::vector<Buffer> small_;
};

class CopyFlow final : public Flow {
 public:
  CopyFlow(Sys& sys, BufferPool& pool, uint32_t id, Counter& delivered)
      : sys_(sys), pool_(pool), id_(id), delivered_(delivered) {}
  CopyFlow(const CopyFlow&) = delete;
  CopyFlow& operator=(const CopyFlow&) = delete;
  // A session can end while the flow holds bytes that nobody will take. The pool counts the large
  // buffers it has made: one that did not come back would be missing for good.
  ~CopyFlow() override {
    if (buffer_) pool_.give_back(std::move(buffer_));
  }

  bool holds_data() const override { return begin_ < end_; }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!buffer_) buffer_ = pool_.take();
    const PumpResult result = move(in, out, budget);
    if (!holds_data()) pool_.give_back(std::move(buffer_));
    return result;
  }

 private:
  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      if (begin_ == end_) {
        const ssize_t got = sys_.recv(in, buffer_.get(), buffer_.size(), 0, {id_, received_});
        if (got <= 0) return without_input(got);
        received_ += static_cast<uint64_t>(got);
        taken += static_cast<size_t>(got);
        begin_ = 0;
        end_ = static_cast<size_t>(got);
      }
      const ssize_t sent = sys_.send(out, buffer_.get() + begin_, end_ - begin_, MSG_NOSIGNAL,
                                     {id_, sent_, CallSide::kOut});
      if (sent <= 0) return without_output(sent);
      begin_ += static_cast<size_t>(sent);
      sent_ += static_cast<uint64_t>(sent);
      delivered_.add(static_cast<uint64_t>(sent));
      // A short send means that the socket buffer is full: asking again would only say EAGAIN, and
      // edge-triggered readiness reports the space that the next acknowledgement frees.
      if (begin_ < end_) return {PumpEnd::kOutputFull};
    }
    return {PumpEnd::kBudget};
  }

  Sys& sys_;
  BufferPool& pool_;
  uint32_t id_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  Buffer buffer_;  // held only while it holds data, between pumps
  size_t begin_ = 0;
  size_t end_ = 0;
};

class CopyForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit CopyForwarder(const Settings& settings) : size_(settings.size("buffer")) {}
  void run(ForwarderContext& context) override {
    sys_ = &context.sys;
    BufferPool pool(context.sys, size_);
    pool_ = &pool;
    run_relay(context, *this);
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<CopyFlow>(*sys_, *pool_, id, delivered);
  }

  const size_t size_;
  Sys* sys_ = nullptr;
  BufferPool* pool_ = nullptr;  // while run() goes on
};

const Registered kCopy({"copy", make_of<CopyForwarder>});

}  // namespace

}  // namespace splicebench
