// A flow's operations on the ring, and what is under way of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "uring/ring.h"

namespace splicebench {

// An operation of a flow. At most one of each is under way.
enum class UringOp : uint8_t { kReceive, kSend, kFill, kDrain };

struct UringResult {
  int32_t value;    // as the call would return it: bytes, or a negative errno
  uint32_t flags;   // the completion's
  uint32_t number;  // as given to prepare()
  bool more() const { return flags & uring::kCqeMore; }
};

// What a completion is of, beside the UringOps. A tag is a number, a flow or socket, and what it
// is.
enum UringKind : uint8_t { kWatch = 8, kListener, kWake, kCancel };
constexpr uint64_t uring_tag(uint32_t id, uint8_t kind, uint32_t number = 0) {
  return uint64_t{number} << 40 | uint64_t{id} << 8 | kind;
}

// A flow's way to the ring: keeps what is under way, which has to complete before a socket is
// closed.
class UringPort {
 public:
  explicit UringPort(uring::Ring& ring) : ring_(ring) {}
  static constexpr uint32_t kNumbers = 1u << 22;

  // A submission for an operation of flow `id`, of which none is under way. `number` comes back
  // with its completions; less than kNumbers.
  uring::Sqe& prepare(uint32_t id, UringOp op, uint32_t number = 0);
  // Two operations, of which the second begins when the first is done, whatever came of it.
  std::array<uring::Sqe*, 2> prepare_chain(uint32_t id, UringOp first, UringOp second);
  void cancel(uint32_t id, UringOp op);
  // Has a flow advanced though nothing of it has completed.
  void advance_later(uint32_t id) { later_.push_back(id); }

 private:
  friend class UringRelay;
  void mark(uring::Sqe& sqe, uint32_t id, UringOp op, uint32_t number);

  uring::Ring& ring_;
  struct UnderWay {
    std::array<uint64_t, 4> tags{};  // by UringOp; 0 = not under way
  };
  UnderWay& under_way(uint32_t id);
  std::vector<UnderWay> flows_;
  std::vector<uint32_t> later_;
};

}  // namespace splicebench
