#include "uring/buffers.h"

#include <algorithm>

namespace splicebench::uring {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kPage = 4096;
constexpr size_t kMostReady = size_t{64} << 20;  // bytes
constexpr uint16_t kMostEntries = 1024;

constexpr size_t round_up(size_t size, size_t to) {
  return (size + to - 1) / to * to;
}

}  // namespace

Buffers::Buffers(Sys& sys, size_t size, uint16_t ready)
    : sys_(sys), size_(size), ready_(ready), entries_(ready) {
  while (entries_ < kMostEntries && entries_ * 2 * size <= kMostReady) entries_ *= 2;
}

Buffers::~Buffers() {
  for (void* slab : slabs_) sys_.unmap_memory(slab, slab_size_);
  if (ring_) sys_.unmap_memory(ring_, round_up(entries_ * sizeof(Buf), kPage));
}

int Buffers::open(Ring& ring) {
  slab_size_ = round_up(size_, kHugePage);
  ring_ = static_cast<Buf*>(sys_.map_memory(round_up(entries_ * sizeof(Buf), kPage)));
  if (!ring_ || !add_slab()) return -ENOMEM;
  BufReg reg{};
  reg.ring_addr = reinterpret_cast<uint64_t>(ring_);
  reg.ring_entries = entries_;
  reg.bgid = kGroup;
  const int result = ring.register_with(kRegisterPbufRing, &reg, 1);
  if (result >= 0) top_up();
  return result;
}

bool Buffers::add_slab() {
  // Buffers start at pages, so that zero copy shares no page between two of them.
  const size_t step = round_up(size_, kPage);
  const size_t count = std::min<size_t>(slab_size_ / step, UINT16_MAX - places_.size());
  if (count == 0) return false;
  void* slab = sys_.map_memory(slab_size_);
  if (!slab) return false;
  slabs_.push_back(slab);
  for (size_t i = 0; i < count; ++i) {
    free_.push_back(static_cast<uint16_t>(places_.size()));
    places_.push_back(static_cast<uint8_t*>(slab) + i * step);
    holders_.push_back(0);
  }
  return true;
}

void Buffers::top_up() {
  if (missed_ > ready_ / 2u && ready_ < entries_) ready_ *= 2;
  missed_ = 0;
  const uint16_t before = tail_;
  while (in_kernel_ < ready_ && (!free_.empty() || add_slab())) {
    const uint16_t id = free_.back();
    free_.pop_back();
    Buf& buf = ring_[tail_ & (entries_ - 1)];
    buf.addr = reinterpret_cast<uint64_t>(places_[id]);
    buf.len = static_cast<uint32_t>(size_);
    buf.bid = id;
    ++tail_;
    ++in_kernel_;
  }
  if (tail_ != before) __atomic_store_n(&ring_[0].resv, tail_, __ATOMIC_RELEASE);
}

}  // namespace splicebench::uring
