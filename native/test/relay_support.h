// What the relay and pipeline tests share: cases with deadlines, a forwarder on
// its own thread, and peers on raw sockets that are as difficult as a case
// wants them. Every byte that a peer sends is a function of a seed and its
// offset, so that every byte received is compared.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "forward/forwarder.h"
#include "posix/fd.h"
#include "posix/socket.h"
#include "testing.h"
#include "thread/loop_thread.h"

namespace splicebench::testing {

// --- Cases ---

// Connections that a peer found reset, or a relay says it reset, since the case began.
inline std::atomic<unsigned> resets_seen = 0;

// Runs the cases of one program. `--case TEXT` picks those whose name contains
// TEXT.
class Cases {
 public:
  Cases(int argc, char** argv);
  // Ends the program with a failure when the body hangs: when it takes several times the `seconds`
  // that are plenty for it.
  void run(const std::string& name, unsigned seconds, const std::function<void()>& body);
  // The program's exit code.
  int finish() const;

 private:
  const char* only_ = nullptr;
  unsigned count_ = 0;
};

// Says that something cannot be tested here; a failure where REQUIRE_ALL=1 asks
// for everything.
void unavailable(const std::string& what, const std::string& reason);

// Waits until `condition` holds, at most so long; whether it came to hold.
bool eventually(const std::function<bool()>& condition, unsigned milliseconds = 20'000);

size_t open_descriptors();

// --- The forwarder under test ---

// What the relay tests are run with: everything that forwards any number of connections in both
// directions, as NAME or as NAME with options, for example "splice chunk=4096 more". A flag stands
// for true; a number is a size.
const std::vector<std::string>& relay_mechanisms();
// How many descriptors a mechanism holds as long as it runs, beside the relay's: a mirror, a file.
unsigned descriptors_of_its_own(const std::string& mechanism);
// The same and those of one direction.
const std::vector<std::string>& all_mechanisms();
// Those of a list that work here; says why the others do not.
std::vector<std::string> available(const std::vector<std::string>& mechanisms);

struct RelayOptions {
  bool once = false;
  size_t pipe = 0;
  size_t buffer = 0;
  bool record = false;
  Settings settings{};    // beside pipe and buffer
  BufferSizes buffers{};  // of the sockets it accepts
};

// A mechanism, with options as in relay_mechanisms(), on a LoopThread, listening on a port that the
// kernel chose.
class Relay {
 public:
  Relay(const std::string& mechanism, const Address& upstream, const RelayOptions& options = {});
  ~Relay();  // what a check failed with may be the relay's: standard error has how it fared
  const Address& address() const { return address_; }
  const ForwarderStats& stats() const { return stats_; }
  const Sys& sys() const { return *sys_; }
  auto details() const { return forwarder_->details(); }
  Sys& sys() { return *sys_; }
  // The thread starts with start(), so that connections can wait in the backlog
  // before. `inside` is called on the thread when the forwarder has returned.
  void start(std::function<void()> before = {}, std::function<void()> after = {});
  pid_t tid() const { return thread_->tid(); }
  uint64_t cpu_ns() const { return thread_->cpu_ns(); }
  bool ended() const { return ended_; }
  void ask_to_stop();
  void stop();  // asks, interrupts a loop that does not hear, and joins

 private:
  ForwarderOptions options_;
  Fd listener_;
  Fd wake_;
  Address address_;
  std::unique_ptr<Sys> sys_;
  ForwarderStats stats_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::string error_;  // written before ended_
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<LoopThread> thread_;
  const uint64_t failures_before_ = failures;
};

// A relay that was started, for the usual case.
std::unique_ptr<Relay> start_relay(const std::string& mechanism, const Address& upstream,
                                   const RelayOptions& options = {});

// What a mechanism counts beside the usual; a failure where it has no such count.
uint64_t detail(const Relay& relay, std::string_view name);

// --- Peers ---

// The bytes of a stream.
void pattern_fill(uint64_t seed, uint64_t offset, uint8_t* out, size_t size);
// How many leading bytes are the stream's.
size_t pattern_match(uint64_t seed, uint64_t offset, const uint8_t* bytes, size_t size);

// One end of a connection and its script.
struct Peer {
  Fd fd;
  uint64_t send_seed = 0;
  uint64_t to_send = 0;
  size_t send_low = 65536;  // bytes per send: at least low, at most high
  size_t send_high = 65536;
  bool writing = true;
  bool end_after = true;  // shut down the write side after the last byte
  uint64_t receive_seed = 0;
  size_t receive_most = 65536;
  bool reading = true;
  unsigned pause_us = 0;  // after each receive

  // What came of it.
  uint64_t sent = 0;
  bool ended_sending = false;
  uint64_t received = 0;
  uint64_t equal = 0;  // leading bytes received as they were sent
  bool eof = false;
  int error = 0;

  // Everything expected came, nothing else, and then an orderly end.
  // Where it is not so, standard error has what arrived instead.
  bool intact(uint64_t expected) const;
};

// Both ends of one connection through a relay. Seeds are set such that each end
// expects what the other sends.
struct Ends {
  Peer client;
  Peer upstream;
};

// A listener for the upstream's end, on 127.0.0.1.
Fd listen_upstream(const BufferSizes& buffers = {}, int backlog = 4096);
// A non-blocking socket whose connect has been done.
Fd connect_to(const Address& address, const BufferSizes& buffers = {});
// Accepts within 20 s; an empty Fd (and a failure) otherwise.
Fd accept_from(int listener);
Ends open_ends(const Relay& relay, int listener, uint64_t seed, const BufferSizes& client = {});
void set_seeds(Ends& ends, uint64_t seed);

// Runs the scripts of all peers in one thread, one send and one receive at a
// time, until all are done or, with quiet_ms, until nothing has moved for so
// long, or until `enough` says so.
void drive(const std::vector<Peer*>& peers, unsigned quiet_ms = 0,
           const std::function<bool()>& enough = {});
inline void drive(Ends& ends, unsigned quiet_ms = 0) {
  drive(std::vector<Peer*>{&ends.client, &ends.upstream}, quiet_ms);
}
// Until the peer has received so many bytes, or nothing has moved for 5 s. Not for as long as a
// machine usually takes: a segment that is held back for more, or sent again, waits for TCP's
// timers of 200 ms and their multiples.
inline void drive_until_received(const std::vector<Peer*>& peers, const Peer& peer,
                                 uint64_t bytes) {
  drive(peers, 5'000, [&] { return peer.received >= bytes; });
}

// Ends the peer's direction now, whatever its script still had to send.
void end_sending(Peer& peer);
// Closes with RST.
void reset(Peer& peer);
// Reads (and compares) up to the end of the stream or an error. The peer's
// `eof` and `error` say which it was.
void read_to_end(Peer& peer);
// Whether the other end resets this connection within 5 s, without reading from
// it: for an end whose stream has already ended, where a read can only say so
// again.
bool is_reset_by_other(const Peer& peer);

}  // namespace splicebench::testing
