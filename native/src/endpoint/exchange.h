// Exchanges: requests one way, responses the other, over connections that stay open. All requests
// of a connection are one stamped stream, all responses another, so that every byte is checked as
// in any stream. A connection has one request under way at most.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "endpoint/peer.h"

namespace splicebench {

struct ExchangeOptions : PeerOptions {
  uint64_t request = 64;  // bytes
  uint64_t response = 64;
};

// Written by the client's loop, read by any thread.
struct ExchangeStats {
  Counter issued;     // requests begun
  Counter completed;  // responses received in full
  Counter unsent;     // due before stop(), but no connection had been free for them
};

class Exchange : public Peer {
 public:
  explicit Exchange(ExchangeOptions options);

  void run() final;

  // Requests per second in all from now on, at equal intervals whatever the responses do; 0 = each
  // as soon as the response before it has come (closed loop, how it begins). Of a client, from any
  // thread.
  void pace(double rate);
  const ExchangeStats& exchanges() const { return exchanges_; }

  // After run() has returned.
  const std::vector<ConnectionResult>& results() const { return results_; }
  const std::vector<std::unique_ptr<Receiver>>& receivers() const { return receivers_; }

 protected:
  struct Line {
    Fd fd;
    std::unique_ptr<Sender> sender;
    uint64_t allowed = 0;  // bytes that may have been sent by now
    bool connecting = false;
    bool readable = false;
    bool writable = false;
    bool hangup = false;     // read to the end: no further event will come
    bool finishing = false;  // shut down once everything allowed is sent
    bool shut = false;
    bool ended_input = false;
    bool queued = false;
    uint64_t incidents = 0;  // as counted in the stats
  };

  // What the two ends do. `total` = bytes received on this connection so far.
  virtual void connected(uint32_t) {}
  virtual void received(uint32_t index, uint64_t total, uint64_t now) = 0;
  virtual void closed(uint32_t) {}
  // After each batch of events has been dealt with.
  virtual void turn() {}

  void allow(uint32_t index, uint64_t total);
  void finish(uint32_t index);
  bool has_ended(uint32_t index) const { return !lines_[index].fd && index < opened_; }
  uint32_t opened() const { return opened_; }

  const ExchangeOptions options_;
  ExchangeStats exchanges_;
  std::atomic<double> rate_{0};
  std::atomic<uint32_t> paces_{0};  // calls of pace()

 private:
  void take_event(uint32_t index, uint32_t events);
  void accept_more();
  void connect_more();
  void open(Fd fd, bool connecting);
  void enqueue(uint32_t index);
  void serve_queue();
  void service(uint32_t index);
  bool receive(uint32_t index);
  void count_incidents(uint32_t index);
  bool send(uint32_t index);
  void end(uint32_t index, int error);
  void abandon_rest();

  std::vector<Line> lines_;
  std::vector<ConnectionResult> results_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::vector<uint32_t> queue_;
  std::vector<uint32_t> working_;
  uint32_t opened_ = 0;
  uint32_t in_progress_ = 0;
};

// Issues requests: one per connection at once, which proves the path, then nothing until go().
// stop() counts what was due and not sent as latencies of at least so long.
std::unique_ptr<Exchange> make_exchange_client(ExchangeOptions options);
// Answers each request that has arrived in full.
std::unique_ptr<Exchange> make_exchange_server(ExchangeOptions options);

}  // namespace splicebench
