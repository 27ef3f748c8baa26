// What an endpoint that serves several forwarders in turn knows of them: an arm is one of these,
// with connections of its own, and a slice is its turn. The loop writes, any thread reads and
// waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "counters/counter.h"

namespace splicebench {

// Written by the loop.
struct ArmStats {
  Counter established;
  Counter started;  // connections that received their first byte
  Counter ended;
  Counter sent;
  Counter received;
  Counter incidents;
};

// One arm's turn. Times are ns: at an end that sends from its begin, at an end that receives from
// the first byte of the slice on.
struct SliceOrder {
  uint32_t arm = 0;
  uint64_t settle_ns = 0;   // left out of what is measured
  uint64_t measure_ns = 0;  // what follows is sent as well, and drained
};

// What an end saw of a slice. Times are CLOCK_MONOTONIC, ns; 0 = did not happen.
struct SliceFigures {
  uint64_t sent = 0;      // of the arm in all, so far
  uint64_t received = 0;  // likewise
  uint64_t first_ns = 0;
  // The measured part at an end that receives: between the first arrival after the settle time and
  // the first one after the measured time, or the last one where it came earlier.
  uint64_t from_ns = 0;
  uint64_t to_ns = 0;
  uint64_t bytes = 0;
  uint64_t last_ns = 0;    // of the last byte
  uint64_t incidents = 0;  // of the arm in all, so far
  bool complete = false;   // waited for and seen: all was sent, or all has arrived
  bool ended = false;      // a connection of the arm has ended
};

class Slices {
 public:
  explicit Slices(uint32_t arms);

  // From any thread.
  void order(const SliceOrder& order);
  // Waits until this end has given its bytes, for the order's times and `patience_ns` at most.
  SliceFigures wait_sent(uint64_t patience_ns);
  // Waits until the arm has received `total` bytes in all; until nothing more comes for stall_ns,
  // or one of its connections ends.
  SliceFigures wait_received(uint64_t total, uint64_t stall_ns);
  const ArmStats& arm(uint32_t index) const { return arms_[index]; }
  uint32_t count() const { return count_; }

  // From the loop. True with the order that is new.
  bool take(SliceOrder& order);
  void note_received(uint32_t arm, uint64_t size, uint64_t now);
  void note_sent(uint32_t arm, uint64_t size) { arms_[arm].sent.add(size); }
  void note_established(uint32_t arm) { arms_[arm].established.add(1); }
  void note_started(uint32_t arm) { arms_[arm].started.add(1); }
  void note_incidents(uint32_t arm, uint64_t count) { arms_[arm].incidents.add(count); }
  void note_ended(uint32_t arm);
  // The bytes of the order under way are given.
  void sending_over();
  // Nobody is to be waited for any more.
  void loop_over();

 private:
  SliceFigures figures(bool complete) const;

  const uint32_t count_;
  const std::unique_ptr<ArmStats[]> arms_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under the mutex.
  SliceOrder ordered_;
  uint64_t orders_ = 0;
  uint64_t given_ = 0;  // orders whose bytes are given
  bool over_ = false;
  // Of the loop's own.
  SliceOrder current_;
  uint64_t taken_ = 0;
  // Written by the loop, read by who waits.
  Counter first_ns_;
  Counter from_ns_;
  Counter from_bytes_;
  Counter to_ns_;
  Counter to_bytes_;
  Counter last_ns_;
  // Received bytes of the arm at which whoever waits is to be woken.
  std::atomic<uint64_t> awaited_{UINT64_MAX};
};

}  // namespace splicebench
