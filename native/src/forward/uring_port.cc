#include "forward/uring_port.h"

namespace splicebench {

using uring::Sqe;

Sqe& UringPort::prepare(uint32_t id, UringOp op, uint32_t number) {
  Sqe& sqe = ring_.next();
  mark(sqe, id, op, number);
  return sqe;
}

std::array<Sqe*, 2> UringPort::prepare_chain(uint32_t id, UringOp first, UringOp second) {
  Sqe* sqes = ring_.take(2);
  sqes[0].flags = uring::kHardlink;
  mark(sqes[0], id, first, 0);
  mark(sqes[1], id, second, 0);
  return {&sqes[0], &sqes[1]};
}

void UringPort::mark(Sqe& sqe, uint32_t id, UringOp op, uint32_t number) {
  sqe.user_data = uring_tag(id, static_cast<uint8_t>(op), number) | uint64_t{1} << 63;
  under_way(id).tags[static_cast<size_t>(op)] = sqe.user_data;
}

void UringPort::cancel(uint32_t id, UringOp op) {
  const uint64_t tag = under_way(id).tags[static_cast<size_t>(op)];
  if (tag == 0) return;
  Sqe& sqe = ring_.next();
  sqe.opcode = uring::kOpAsyncCancel;
  sqe.fd = -1;
  sqe.addr = tag;
  sqe.user_data = uring_tag(id, kCancel);
}

UringPort::UnderWay& UringPort::under_way(uint32_t id) {
  if (id >= flows_.size()) flows_.resize(id + 1);
  return flows_[id];
}

}  // namespace splicebench
