// The session loop of the io_uring mechanisms, and a flow as they implement it.
//
// The ring carries the bytes. Connections are made and ended with the same calls as in the relay
// loop of the readiness-based mechanisms, so that a comparison with those is one of the data paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "forward/forwarder.h"
#include "forward/uring_port.h"

namespace splicebench {

// What came of advancing.
struct UringProgress {
  enum : uint8_t { kGoing, kFinished, kFailed } state = kGoing;
  int error = 0;  // errno of kFailed
};

// One direction of one session.
class UringFlow {
 public:
  virtual ~UringFlow() = default;
  // Takes note of a completion; what follows from it is advance()'s.
  virtual void complete(UringOp op, const UringResult& result) = 0;
  // The input became readable; the output became writable.
  virtual void input_event() {}
  virtual void output_event() = 0;
  // Starts whatever can be started now.
  virtual UringProgress advance() = 0;
  // The session is over. Nothing new is started; what is under way will complete.
  virtual void abandon() = 0;
  // The kernel still uses memory of this flow, though nothing is under way.
  virtual bool lingers() const { return false; }
};

// Where a flow begins and ends.
struct UringEnds {
  uint32_t id;      // to the port; used again when the session is over
  uint32_t serial;  // to the flight recorder; never used again
  int in;
  int out;
};

class UringMechanism {
 public:
  virtual ~UringMechanism() = default;
  // `delivered` counts the bytes that the output took.
  virtual std::unique_ptr<UringFlow> open(UringPort& port, const UringEnds& ends,
                                          Counter& delivered) = 0;
  // Whether flows want input_event: else only a receive tells of input.
  virtual bool watches_input() const { return false; }
  // Called before each submission.
  virtual void prepare_to_wait() {}
  // The kernel has taken every submission, and read what it points to (IORING_FEAT_SUBMIT_STABLE).
  // Not called as long as some still wait: the kernel may take a part, or none.
  virtual void submitted() {}
  // Descriptors have run out: give back what is kept only for speed.
  virtual void release_spare() {}
};

void run_uring_relay(ForwarderContext& context, uring::Ring& ring, UringMechanism& mechanism);

}  // namespace splicebench
