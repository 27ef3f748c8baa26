// Decoys: user memory, pipes, TCP sockets and a pseudo-terminal kept full of stamped data, part of
// which is freed and made again all the time. In 2008 the bytes of other processes turned up in
// forwarded streams; a checker that meets these can say so, since their stamps are under a key of
// their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "counters/counter.h"
#include "posix/fd.h"
#include "stream/decoy_mark.h"
#include "stream/stamp.h"

namespace splicebench {

struct DecoyOptions {
  uint64_t seed = 0;
  uint32_t number = 0;  // that the stamps name
  uint64_t bytes = 0;   // to keep, about
  uint64_t rate = 0;    // bytes per second that are freed and made again
};

// Written by the loop, read by any thread. Bytes.
struct DecoyStats {
  Counter memory;
  Counter pipes;
  Counter sockets;
  Counter terminal;
  Counter made;  // so far, in all places
};

// One place that holds marked data.
class DecoyPlace {
 public:
  virtual ~DecoyPlace() = default;
  // Frees what it holds and fills it with these bytes, or as many of them as it takes; how many.
  virtual size_t renew(const uint8_t* bytes, size_t size) = 0;
};

class Decoys {
 public:
  static constexpr size_t kUnit = size_t{64} << 10;  // bytes of one place, but for the terminal

  // Makes all places, still empty. Throws SystemError.
  explicit Decoys(const DecoyOptions& options);

  // Fills all places, then renews one after another at the rate, until stop(). On a thread of its
  // own, called once.
  void run();
  void stop();
  const DecoyStats& stats() const { return stats_; }

 private:
  struct Held {
    std::unique_ptr<DecoyPlace> place;
    Counter& total;  // of places of its kind
    DecoyHome home;
    size_t size = 0;
  };
  void renew(Held& held);

  const DecoyOptions options_;
  const StampKey key_;
  Fd wake_;
  std::atomic<bool> stop_{false};
  DecoyStats stats_;
  std::vector<Held> places_;
  std::vector<uint8_t> buffer_;
  uint64_t offset_ = 0;  // of the decoy's stream of stamps
};

}  // namespace splicebench
