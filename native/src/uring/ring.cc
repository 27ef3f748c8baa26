#include "uring/ring.h"

#include <algorithm>
#include <utility>

namespace splicebench::uring {

int Ring::open(uint32_t entries, uint32_t completions) {
  // Completions are run when we ask for them, by us alone (6.1), else at our next system call
  // (5.19), else whenever the kernel likes to interrupt us.
  constexpr uint32_t kWays[] = {
      kSetupSubmitAll | kSetupSingleIssuer | kSetupDeferTaskrun,
      kSetupSubmitAll | kSetupCoopTaskrun,
      0,
  };
  int result = 0;
  for (const uint32_t way : kWays) {
    result = set_up(entries, completions, way);
    if (result != -EINVAL) break;
  }
  return result;
}

int Ring::set_up(uint32_t entries, uint32_t completions, uint32_t flags) {
  Params params{};
  params.flags = flags | kSetupClamp | kSetupCqSize;
  params.cq_entries = completions;
  fd_ = SysFd(sys_, sys_.uring_setup(entries, &params));
  if (!fd_) return fd_.get();
  features_ = params.features;
  if (!(features_ & kFeatSingleMmap)) {
    close();
    return -EOPNOTSUPP;
  }
  memory_size_ = std::max<size_t>(params.sq_off.array + params.sq_entries * sizeof(uint32_t),
                                  params.cq_off.cqes + params.cq_entries * sizeof(Cqe));
  memory_ = sys_.map_file(fd_.get(), memory_size_, kOffSqRing);
  sqes_size_ = params.sq_entries * sizeof(Sqe);
  sqes_ = static_cast<Sqe*>(sys_.map_file(fd_.get(), sqes_size_, kOffSqes));
  if (!memory_ || !sqes_) {
    close();
    return -ENOMEM;
  }
  auto* base = static_cast<uint8_t*>(memory_);
  const auto word = [&](uint32_t offset) { return reinterpret_cast<uint32_t*>(base + offset); };
  sq_head_ = word(params.sq_off.head);
  sq_tail_ = word(params.sq_off.tail);
  sq_mask_ = *word(params.sq_off.ring_mask);
  cq_head_ = word(params.cq_off.head);
  cq_tail_ = word(params.cq_off.tail);
  cq_mask_ = *word(params.cq_off.ring_mask);
  cqes_ = reinterpret_cast<const Cqe*>(base + params.cq_off.cqes);
  // Submissions are used in the order of their slots, so that the indirection is the identity.
  for (uint32_t i = 0; i < params.sq_entries; ++i) word(params.sq_off.array)[i] = i;
  tail_ = *sq_tail_;
  return 0;
}

void Ring::close() {
  if (sqes_) sys_.unmap_memory(sqes_, sqes_size_);
  if (memory_) sys_.unmap_memory(memory_, memory_size_);
  fd_.reset();
  sqes_ = nullptr;
  memory_ = nullptr;
}

Sqe* Ring::take(uint32_t count) {
  const uint32_t place = tail_ & sq_mask_;
  // A chain needs its slots side by side in memory too, for the caller.
  const uint32_t skipped = place + count > sq_mask_ + 1 ? sq_mask_ + 1 - place : 0;
  while (unsubmitted() + skipped + count > sq_mask_ + 1) {
    __atomic_store_n(sq_tail_, tail_, __ATOMIC_RELEASE);
    if (enter(unsubmitted(), 0, nullptr) >= 0) continue;
    // The kernel takes nothing more while completions have no room.
    for (const Cqe* cqe; (cqe = visible());) {
      set_aside_.push_back(*cqe);
      __atomic_store_n(cq_head_, *cq_head_ + 1, __ATOMIC_RELEASE);
    }
  }
  for (uint32_t i = 0; i < skipped; ++i) {
    Sqe& filler = sqes_[tail_++ & sq_mask_];
    filler = {};  // IORING_OP_NOP
    filler.user_data = UINT64_MAX;
  }
  Sqe* first = &sqes_[tail_ & sq_mask_];
  std::fill_n(first, count, Sqe{});
  tail_ += count;
  return first;
}

void Ring::wait(int timeout_ms) {
  __atomic_store_n(sq_tail_, tail_, __ATOMIC_RELEASE);
  const Timespec timeout{timeout_ms / 1000, int64_t{timeout_ms % 1000} * 1'000'000};
  enter(unsubmitted(), timeout_ms == 0 || peek() ? 0 : 1, timeout_ms > 0 ? &timeout : nullptr);
}

int Ring::enter(uint32_t submit, uint32_t least, const Timespec* timeout) {
  const GetEventsArg argument{
      .sigmask = 0, .sigmask_size = 8, .pad = 0, .timeout = reinterpret_cast<uint64_t>(timeout)};
  return sys_.uring_enter(fd_.get(), submit, least, kEnterGetEvents | kEnterExtArg, &argument,
                          sizeof(argument));
}

const Cqe* Ring::visible() const {
  const uint32_t head = *cq_head_;
  if (head == __atomic_load_n(cq_tail_, __ATOMIC_ACQUIRE)) return nullptr;
  return &cqes_[head & cq_mask_];
}

const Cqe* Ring::peek() {
  return set_aside_.empty() ? visible() : &set_aside_.front();
}

void Ring::consume() {
  if (!set_aside_.empty()) return set_aside_.pop_front();
  __atomic_store_n(cq_head_, *cq_head_ + 1, __ATOMIC_RELEASE);
}

}  // namespace splicebench::uring
