// Buffers that the kernel picks from when bytes arrive (a provided buffer ring, Linux 5.19). All
// flows share them, so that an idle one holds none.
//
// What a flow received stays in its buffer until it is delivered, and another takes the buffer's
// place: `ready` buffers always wait in the kernel, whatever slow readers hold. They are few, so
// that they stay in cache, until more flows want one at once. Memory grows with what flows hold,
// which they bound, and is kept until the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "uring/ring.h"

namespace splicebench::uring {

class Buffers {
 public:
  static constexpr uint16_t kGroup = 0;

  // `ready` is a power of two.
  Buffers(Sys& sys, size_t size, uint16_t ready);
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  ~Buffers();

  // 0, or a negative errno.
  int open(Ring& ring);

  size_t size() const { return size_; }
  uint8_t* data(uint16_t id) const { return places_[id]; }
  // The kernel has filled a buffer: from now on it is its holder's.
  void taken(uint16_t id) {
    --in_kernel_;
    holders_[id] = 1;
  }
  void hold(uint16_t id) { ++holders_[id]; }
  // The last holder's call gives it back.
  void release(uint16_t id) {
    if (--holders_[id] == 0) free_.push_back(id);
  }
  // A flow found none. One fast flow alone may take all; more are made ready only for many flows.
  void missed() { ++missed_; }
  // Whether one can be picked now or at the next submission, without more memory.
  bool any_left() const { return in_kernel_ > 0 || !free_.empty(); }
  // Puts free buffers into the kernel until `ready` are there. Before each submission.
  void top_up();

 private:
  bool add_slab();

  Sys& sys_;
  size_t size_;
  uint16_t ready_;
  uint16_t entries_;  // of the kernel's ring: the most that can be ready
  Buf* ring_ = nullptr;
  uint16_t tail_ = 0;
  uint16_t in_kernel_ = 0;
  uint32_t missed_ = 0;            // since the last top_up
  std::vector<uint8_t*> places_;   // by id
  std::vector<uint16_t> holders_;  // by id
  std::vector<uint16_t> free_;     // last in, first out: what was used last is still in cache
  std::vector<void*> slabs_;
  size_t slab_size_ = 0;
};

}  // namespace splicebench::uring
