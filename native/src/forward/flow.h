// One direction of one session, as a readiness-based mechanism implements it.
#pragma once

#include <sys/epoll.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "forward/forwarder.h"

namespace splicebench {

// Why a pump stopped.
enum class PumpEnd : uint8_t {
  kInputDry,    // the input has no more now; everything taken from it was delivered
  kOutputFull,  // the output takes no more now; the flow may hold bytes
  kBudget,      // more could be moved: others' turn first
  kFinished,    // end of stream, and everything taken was delivered
  kFailed,      // error on either side; the session cannot go on
  kWait,        // nothing to do for wait_ms, unless an event comes first
};

struct PumpResult {
  PumpEnd end;
  int error = 0;         // errno of kFailed
  uint32_t wait_ms = 0;  // of kWait
};

// What a pump says when its input gave no bytes: 0 at the end of the stream, or a negative errno.
inline PumpResult without_input(ssize_t got) {
  if (got == -EAGAIN) return {PumpEnd::kInputDry};
  if (got == 0) return {PumpEnd::kFinished};
  return {PumpEnd::kFailed, static_cast<int>(-got)};
}

// And when its output took none, by the same call's result.
inline PumpResult without_output(ssize_t sent) {
  if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
  return {PumpEnd::kFailed, sent == 0 ? EPIPE : static_cast<int>(-sent)};
}

class Flow {
 public:
  virtual ~Flow() = default;
  // Moves bytes from in to out, both non-blocking, until one of the ends above. `budget` bounds the
  // bytes taken in one visit, so that one busy flow cannot starve the rest.
  virtual PumpResult pump(int in, int out, size_t budget) = 0;
  // Both sockets are connected; called once, before the first pump. As pump, it says what to do
  // next.
  virtual PumpResult connected(int /*in*/, int /*out*/) { return {PumpEnd::kInputDry}; }
  // The input's peer has ended its stream, or the connection is broken.
  virtual void note_end() {}
  // The other direction has ended: the input's own write side is about to be shut down, after which
  // its peer can close it for good. False = not yet; asked again until it may be.
  virtual bool allow_shutdown(int /*in*/) { return true; }
  // The input holds an urgent byte, which calls other than recv do not pass. Such a byte is not
  // part of the stream: it is dropped.
  virtual void note_urgent() {}
  // The output's error queue holds messages; only where the factory uses_error_queue().
  virtual void note_error_queue(int /*out*/) {}
  // True while the flow holds bytes taken from the input and not yet delivered.
  virtual bool holds_data() const = 0;
};

// Makes the flows of a readiness-based forwarder. Lives as long as the relay loop.
class FlowFactory {
 public:
  virtual ~FlowFactory() = default;
  // `delivered` counts the bytes that the output took.
  virtual std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) = 0;
  // True when its outputs have messages in their error queues, which epoll reports as an error.
  virtual bool uses_error_queue() const { return false; }
  // What the relay loop waits for on each socket, beside errors. Without EPOLLIN a flow is pumped
  // when its input ends or breaks, and when it asked for it by kWait.
  virtual uint32_t events() const { return EPOLLIN | EPOLLPRI | EPOLLOUT; }
  // Whether what arrives on a socket is taken by the flow whose input it is, and by no other. Only
  // then may the loop not listen to an input whose output is full.
  virtual bool reads_inputs_only() const { return true; }
  // Descriptors have run out: give back what is kept only for speed.
  virtual void release_spare() {}
};

// The relay loop: accept, connect, epoll (edge-triggered, each socket registered once), half-close
// in both directions, resets passed on. See relay.cc.
void run_relay(ForwarderContext& context, FlowFactory& flows);

}  // namespace splicebench
