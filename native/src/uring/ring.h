// A submission and a completion queue, by system calls alone. Belongs to the thread that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "counters/sys.h"
#include "counters/sys_fd.h"
#include "uring/abi.h"

namespace splicebench::uring {

class Ring {
 public:
  explicit Ring(Sys& sys) : sys_(sys) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { close(); }

  // 0, or a negative errno. Takes the best way of running completions that the kernel has.
  int open(uint32_t entries, uint32_t completions);
  void close();
  int fd() const { return fd_.get(); }
  uint32_t features() const { return features_; }
  int register_with(uint32_t what, void* argument, uint32_t count) {
    return sys_.uring_register(fd_.get(), what, argument, count);
  }

  // An empty submission, valid until the next call of any kind. Submits what waits when the queue
  // is full.
  Sqe& next() { return *take(1); }
  // So many in a row, for a chain: a chain must not be divided between two submissions.
  Sqe* take(uint32_t count);

  // Submits everything and waits until there is a completion, at most timeout_ms (-1 = for ever, 0
  // = not at all).
  void wait(int timeout_ms);
  // Whether the kernel has taken every submission: when it is short of memory or of room for
  // completions it takes a part, and the rest is submitted by the next wait.
  bool all_submitted() const { return unsubmitted() == 0; }

  // The oldest completion that was not consumed yet; null when there is none.
  const Cqe* peek();
  void consume();

 private:
  int set_up(uint32_t entries, uint32_t completions, uint32_t flags);
  uint32_t unsubmitted() const { return tail_ - __atomic_load_n(sq_head_, __ATOMIC_ACQUIRE); }
  int enter(uint32_t submit, uint32_t least, const Timespec* timeout);
  const Cqe* visible() const;

  Sys& sys_;
  SysFd fd_;
  uint32_t features_ = 0;
  void* memory_ = nullptr;  // both rings
  size_t memory_size_ = 0;
  Sqe* sqes_ = nullptr;
  size_t sqes_size_ = 0;
  uint32_t* sq_head_ = nullptr;
  uint32_t* sq_tail_ = nullptr;
  uint32_t sq_mask_ = 0;
  uint32_t tail_ = 0;  // what sq_tail_ will be at the next submission
  uint32_t* cq_head_ = nullptr;
  uint32_t* cq_tail_ = nullptr;
  uint32_t cq_mask_ = 0;
  const Cqe* cqes_ = nullptr;
  std::deque<Cqe> set_aside_;  // taken from a queue that was full, and not consumed yet
};

}  // namespace splicebench::uring
