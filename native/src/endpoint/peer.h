// What the ends of exchanges and of churn share: listener, wake-up, epoll, counters, time series.
// A peer is one epoll loop on a thread of its own; TypeScript drives it as it drives an Endpoint.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "counters/latency_window.h"
#include "endpoint/endpoint.h"
#include "posix/fd.h"
#include "posix/socket.h"
#include "stream/content.h"

namespace splicebench {

struct PeerOptions {
  bool listen = false;
  Address address;
  uint32_t connections = 1;  // at the same time
  BufferSizes buffers;
  uint64_t seed = 0;
  std::vector<uint64_t> earlier_seeds;
  bool check = true;               // compare what is received; else it is discarded in the kernel
  size_t stored_incidents = 1000;  // of all connections; each open one may hold at least one
};

class Peer {
 public:
  // Opens the listener, if any. Throws SystemError.
  explicit Peer(PeerOptions options);
  virtual ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // The loop; called once, on a thread of its own. Returns when everything has ended in the orderly
  // way, or stop_now() was called. Throws SystemError when it cannot start.
  virtual void run() = 0;

  // From any thread.
  void go();        // the load begins
  void stop();      // nothing new is begun; what is under way ends in the orderly way
  void stop_now();  // closes everything
  LatencyWindow& window() { return window_; }
  const LatencyWindow& window() const { return window_; }
  const EndpointStats& stats() const { return stats_; }
  Address address() const { return address_; }
  std::vector<SeriesSample> series() const;

 protected:
  static constexpr int kEventsAtOnce = 256;
  static constexpr size_t kBuffer = size_t{256} << 10;
  // Tags of what is no connection.
  static constexpr uint64_t kListenerTag = UINT64_MAX;
  static constexpr uint64_t kWakeTag = UINT64_MAX - 1;
  static constexpr uint64_t kTickTag = UINT64_MAX - 2;
  static constexpr uint64_t kPaceTag = UINT64_MAX - 3;

  void wake();
  void open_loop();  // epoll, the tick, the wake-up
  void watch(int fd, uint32_t events, uint64_t tag);
  void unwatch(int fd);
  // Waits, or only looks when `poll`; takes care of wake-ups and ticks, which are events as well.
  int wait(std::array<epoll_event, kEventsAtOnce>& events, bool poll);
  void sample();
  void count_received(uint64_t size);
  std::unique_ptr<Receiver> make_receiver(uint32_t connection, Direction direction, bool adopt);

  PeerOptions base_;
  std::shared_ptr<const Content> content_;
  SendBuffer send_buffer_{kBuffer};
  std::vector<uint8_t> receive_buffer_;
  Fd listener_;
  Fd epoll_;
  std::atomic<bool> go_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> stop_now_{false};
  EndpointStats stats_;
  LatencyWindow window_;

 private:
  Fd wake_;
  Fd tick_;
  Address address_;
  mutable std::mutex series_mutex_;
  std::vector<SeriesSample> series_;
};

}  // namespace splicebench
