#include "forward/uring_stream.h"

#include <algorithm>
#include <cstring>

namespace splicebench {
namespace {

// What a flow holds before it stops receiving, and of what it must have got rid before it receives
// again. A receive is told to stop only after the fact, so that what is ready may come on top.
constexpr size_t kMostHeld = size_t{1} << 20;
constexpr size_t kMostPieces = 16;
// Up to this is moved behind what the flow holds already, and its buffer is free at once. With a
// full output anything is: what a stalled flow holds shall not cost a buffer for each little piece.
constexpr size_t kSmall = 4096;

}  // namespace

UringStreamFlow::UringStreamFlow(UringStreams& streams, UringPort& port, const UringEnds& ends,
                                 Counter& delivered)
    : streams_(streams), port_(port), ends_(ends), delivered_(delivered) {}

void UringStreamFlow::complete(UringOp op, const UringResult& result) {
  take_completion(op, result);
  streams_.advance_waiting(port_);
}

void UringStreamFlow::take_completion(UringOp op, const UringResult& result) {
  if (op == UringOp::kSend) {
    const SendNote note = note_send(result);
    if (note == SendNote::kNotification) return;
    sending_ = false;
    if (abandoned_) return abandon();
    if (note == SendNote::kAgain) return;
    streams_.sys.completed(send_call(), result.value, asked_,
                           {ends_.serial, sent_, CallSide::kOut});
    if (result.value < 0 && result.value != -EAGAIN) {
      error_ = -result.value;
      return;
    }
    const size_t size = result.value > 0 ? static_cast<size_t>(result.value) : 0;
    // A short send means a full output, unless it took bytes again meanwhile.
    blocked_ = size < asked_ && !event_;
    sent(size);
    return;
  }
  if (!result.more()) receiving_ = stopping_ = false;
  if (result.flags & uring::kCqeBuffer) {
    const auto buffer = static_cast<uint16_t>(result.flags >> 16);
    streams_.buffers.taken(buffer);
    if (result.value > 0 && !abandoned_) {
      received(buffer, static_cast<uint32_t>(result.value));
    } else {
      streams_.buffers.release(buffer);
    }
  }
  if (result.value == -ENOBUFS) {
    missed_ = true;
    return streams_.buffers.missed();
  }
  if (result.value == -ECANCELED) return;
  if (result.value <= 0) {
    streams_.sys.completed(Call::kUringRecv, result.value, streams_.buffers.size(),
                           {ends_.serial, received_});
  }
  if (result.value == 0) ended_ = true;
  if (result.value < 0) error_ = -result.value;
}

void UringStreamFlow::received(uint16_t buffer, uint32_t size) {
  streams_.sys.completed(Call::kUringRecv, size, streams_.buffers.size(),
                         {ends_.serial, received_});
  received_ += size;
  held_ += size;
  if ((size <= kSmall || blocked_) && first_ < pieces_.size()) {
    Piece& last = pieces_.back();
    if (last.end + size <= streams_.buffers.size()) {
      memcpy(streams_.buffers.data(last.buffer) + last.end, streams_.buffers.data(buffer), size);
      last.end += size;
      streams_.buffers.release(buffer);
      return;
    }
  }
  pieces_.push_back({buffer, 0, size});
}

void UringStreamFlow::sent(size_t size) {
  delivered_.add(size);
  sent_ += size;
  held_ -= size;
  while (size > 0) {
    Piece& piece = pieces_[first_];
    const auto part = static_cast<uint32_t>(std::min<size_t>(size, piece.end - piece.begin));
    piece.begin += part;
    size -= part;
    if (piece.begin < piece.end) break;
    streams_.buffers.release(piece.buffer);
    ++first_;
  }
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
  } else if (first_ >= 64) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void UringStreamFlow::output_event() {
  event_ = true;
  blocked_ = false;
}

UringProgress UringStreamFlow::advance() {
  if (error_ != 0) return {UringProgress::kFailed, error_};
  if (!sending_ && !blocked_ && held_ > 0) start_send();
  if (ended_ && held_ == 0) return {UringProgress::kFinished};
  if (!ended_) steer_receiving();
  return {};
}

void UringStreamFlow::steer_receiving() {
  const size_t pieces = pieces_.size() - first_;
  // While the output takes everything, what was received goes out before more can come.
  const bool full = blocked_ && (held_ >= kMostHeld || pieces >= kMostPieces);
  if (receiving_ && !stopping_ && (full || too_much_in_use())) {
    port_.cancel(ends_.id, UringOp::kReceive);
    stopping_ = true;
  }
  const bool room = !blocked_ || (held_ < kMostHeld / 2 && pieces < kMostPieces / 2);
  if (!receiving_ && room && !too_much_in_use() && finds_buffer()) {
    uring::Sqe& sqe = port_.prepare(ends_.id, UringOp::kReceive);
    sqe.opcode = uring::kOpRecv;
    sqe.fd = ends_.in;
    sqe.ioprio = uring::kRecvMultishot;
    sqe.flags = uring::kBufferSelect;
    sqe.buf_group = uring::Buffers::kGroup;
    receiving_ = true;
  }
}

// False = it waits for one.
bool UringStreamFlow::finds_buffer() {
  if (missed_ && !streams_.buffers.any_left()) streams_.buffers.top_up();
  if (missed_ && !streams_.buffers.any_left()) {
    if (waits_in_ != streams_.round) streams_.waiting.push_back(ends_.id);
    waits_in_ = streams_.round;
    return false;
  }
  missed_ = false;
  return true;
}

void UringStreamFlow::abandon() {
  abandoned_ = true;
  if (sending_) return;
  for (; first_ < pieces_.size(); ++first_) streams_.buffers.release(pieces_[first_].buffer);
  streams_.advance_waiting(port_);
}

size_t UringStreamFlow::gather(UringMessage& message) const {
  message.header = {};
  message.header.msg_iov = message.parts.data();
  size_t size = 0;
  for (const Piece* piece = pieces_begin(); piece != pieces_end(); ++piece) {
    if (message.header.msg_iovlen == message.parts.size()) break;
    iovec& part = message.parts[message.header.msg_iovlen++];
    part.iov_base = streams_.buffers.data(piece->buffer) + piece->begin;
    part.iov_len = piece->end - piece->begin;
    size += part.iov_len;
  }
  return size;
}

uring::Sqe& UringStreamFlow::prepare_send(uint8_t opcode, uint32_t number) {
  UringMessage& message = streams_.messages.take();
  asked_ = gather(message);
  uring::Sqe& sqe = port_.prepare(ends_.id, UringOp::kSend, number);
  sqe.opcode = opcode;
  sqe.fd = ends_.out;
  sqe.addr = reinterpret_cast<uint64_t>(&message.header);
  sqe.len = 1;
  sqe.op_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  sending_ = true;
  event_ = false;
  return sqe;
}

}  // namespace splicebench
