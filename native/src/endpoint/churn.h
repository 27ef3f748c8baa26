// Churn: short connections, each with a body of one size, opened as fast as those before them end.
// Every body is stamped with the number of its connection at the end that sends it; the receiving
// end checks it as soon as the connection has ended, and keeps only what went wrong. Numbers wrap
// at kMaxConnections.
#pragma once

#include <memory>
#include <vector>

#include "endpoint/peer.h"

namespace splicebench {

struct ChurnOptions : PeerOptions {
  uint64_t body = 16384;            // bytes of each connection and direction
  uint64_t transfers = UINT64_MAX;  // of a client: connections in all; UINT64_MAX = until stop()
  bool send = false;
  bool receive = false;
};

// A connection that did not bring over what it should.
struct ChurnFailure {
  uint64_t connection = 0;  // by order of opening at this end
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t cut = 0;  // bytes that never came at the end
  int error = 0;     // errno; 0 = ended in order
};

// How the connections of one end ended. Each is counted once, by the worst that happened to it.
struct ChurnResults {
  uint64_t begun = 0;
  uint64_t whole = 0;      // everything sent, everything received, ended in order
  uint64_t corrupt = 0;    // with wrong bytes, however it ended; the others had none
  uint64_t broken = 0;     // ended with an error, or could not connect
  uint64_t truncated = 0;  // ended in order, with less than the body
  uint64_t cut_bytes = 0;  // that those lacked
  uint64_t beyond = 0;     // ended in order, with more
  uint64_t beyond_bytes = 0;
  uint64_t starved = 0;  // times that this host had no port or descriptor for another
  bool gave_up = false;  // nothing but failures, for long
  CheckTotals totals;
  std::vector<Incident> incidents;
  std::vector<ChurnFailure> failures;  // the first ones
  // Sums over the numbers of the whole bodies: equal at both ends when each arrived exactly once.
  uint64_t sent_numbers = 0;
  uint64_t received_numbers = 0;
};

class Churn final : public Peer {
 public:
  explicit Churn(ChurnOptions options);

  // A client opens one connection, which proves the path, and the others after go(); it ends when
  // all have been. A server takes what comes until stop().
  void run() override;

  // Connections that ended with everything, so far. From any thread.
  uint64_t whole() const { return whole_.get(); }
  // After run() has returned.
  const ChurnResults& results() const { return results_; }

 private:
  struct Slot {
    Fd fd;
    std::unique_ptr<Sender> sender;
    std::unique_ptr<Receiver> receiver;
    uint64_t connection = 0;
    uint64_t began = 0;
    uint64_t sent = 0;
    uint64_t received = 0;
    uint32_t generation = 0;  // tells events of an earlier connection
    bool connecting = false;
    bool readable = false;
    bool writable = false;
    bool ended_input = false;
    bool send_done = false;
    bool queued = false;
  };

  bool over() const;
  void accept_more();
  void connect_more();
  void open(Fd fd, uint64_t began, bool connecting);
  void take_event(uint64_t tag, uint32_t events);
  void enqueue(uint32_t index);
  void service(uint32_t index);
  bool receive(uint32_t index);
  bool send(uint32_t index);
  void end(uint32_t index, int error);
  void judge(Slot& slot, int error);

  const ChurnOptions options_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> queue_;
  std::vector<uint32_t> working_;
  uint64_t open_ = 0;
  uint64_t failed_in_a_row_ = 0;
  Counter whole_;
  ChurnResults results_;
};

}  // namespace splicebench
