// A flow that receives into shared buffers and sends from them: one multishot receive stays under
// way and picks a buffer whenever bytes arrive; everything received goes out by one send at a time,
// so that the order on the stream is the order of the sends. What sends is the mechanism's.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "forward/uring_relay.h"
#include "uring/buffers.h"

namespace splicebench {

// A send's arguments. The kernel reads them while it takes the submission
// (IORING_FEAT_SUBMIT_STABLE), so that they are free again once everything was submitted.
struct UringMessage {
  msghdr header;
  std::array<iovec, 64> parts;
};

class UringMessages {
 public:
  UringMessage& take() {
    if (used_ == messages_.size()) messages_.emplace_back();
    return messages_[used_++];
  }
  void submitted() { used_ = 0; }

 private:
  std::deque<UringMessage> messages_;
  size_t used_ = 0;
};

// What the flows of one forwarder share.
struct UringStreams {
  UringStreams(Sys& s, size_t buffer, uint16_t ready) : sys(s), buffers(s, buffer, ready) {}
  Sys& sys;
  uring::Buffers buffers;
  UringMessages messages;
  // Flows that found no buffer while all were held and no more could be made: to receive at once
  // would fail at once, again and again. They are advanced when a buffer has come back.
  std::vector<uint32_t> waiting;
  uint64_t round = 1;  // of waiting: counts how often those were advanced

  void advance_waiting(UringPort& port) {
    if (waiting.empty() || !buffers.any_left()) return;
    for (const uint32_t id : waiting) port.advance_later(id);
    waiting.clear();
    ++round;
  }
};

class UringStreamFlow : public UringFlow {
 public:
  UringStreamFlow(UringStreams& streams, UringPort& port, const UringEnds& ends,
                  Counter& delivered);

  void complete(UringOp op, const UringResult& result) override;
  void output_event() override;
  UringProgress advance() override;
  void abandon() override;

 protected:
  // Bytes received and not yet delivered, in a buffer that this flow holds.
  struct Piece {
    uint16_t buffer;
    uint32_t begin;
    uint32_t end;
  };

  // Submits one send of the oldest pieces, which stay where they are until it has completed.
  virtual void start_send() = 0;
  // What a completion of a send says: how much was sent, or that it has to be tried again in
  // another way, or nothing about bytes.
  enum class SendNote : uint8_t { kResult, kAgain, kNotification };
  virtual SendNote note_send(const UringResult& result) {
    (void)result;
    return SendNote::kResult;
  }
  virtual Call send_call() const = 0;
  // What has been sent may still be in use: whether to receive no more until it is not.
  virtual bool too_much_in_use() const { return false; }

  // Bytes received and not yet delivered.
  size_t held() const { return held_; }
  // Fills a send's arguments with the oldest pieces; returns their size.
  size_t gather(UringMessage& message) const;
  uring::Sqe& prepare_send(uint8_t opcode, uint32_t number = 0);
  const Piece* pieces_begin() const { return pieces_.data() + first_; }
  const Piece* pieces_end() const { return pieces_.data() + pieces_.size(); }

  UringStreams& streams_;

 private:
  void received(uint16_t buffer, uint32_t size);
  void sent(size_t size);
  void steer_receiving();
  bool finds_buffer();
  void take_completion(UringOp op, const UringResult& result);

  UringPort& port_;
  UringEnds ends_;
  Counter& delivered_;
  std::vector<Piece> pieces_;  // from first_ on
  size_t first_ = 0;
  size_t held_ = 0;   // bytes in pieces
  size_t asked_ = 0;  // bytes that the send under way was given
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  uint64_t waits_in_ = 0;  // the round in which it waits for a buffer
  int error_ = 0;
  bool receiving_ = false;
  bool stopping_ = false;  // its cancellation was asked
  bool missed_ = false;    // the last receive found no buffer
  bool ended_ = false;     // end of stream
  bool sending_ = false;
  bool blocked_ = false;  // the output is full
  bool event_ = false;    // it took bytes again since the send began
  bool abandoned_ = false;
};

// Makes flows of the kind Flow, whose constructor takes what UringStreamFlow's takes.
template <typename Flow, typename Streams>
class UringStreamMechanism final : public UringMechanism {
 public:
  explicit UringStreamMechanism(Streams& streams) : streams_(streams) {}
  std::unique_ptr<UringFlow> open(UringPort& port, const UringEnds& ends,
                                  Counter& delivered) override {
    return std::make_unique<Flow>(streams_, port, ends, delivered);
  }
  void prepare_to_wait() override { streams_.buffers.top_up(); }
  void submitted() override { streams_.messages.submitted(); }

 private:
  Streams& streams_;
};

}  // namespace splicebench
