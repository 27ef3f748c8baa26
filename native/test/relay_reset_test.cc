// A broken connection stays a broken one: a reset on one side is a reset on the other, never an
// orderly end that would make a torn transfer look complete.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "forward/flow.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

enum class State { kIdle, kFlowing, kStalled };

// `client_resets` says which end breaks; both streams are open.
void reset_in_stream(const std::string& mechanism, bool client_resets, State state) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1);
  Peer& breaker = client_resets ? ends.client : ends.upstream;
  Peer& other = client_resets ? ends.upstream : ends.client;
  other.writing = false;
  breaker.reading = false;
  breaker.writing = state != State::kIdle;
  breaker.to_send = UINT64_MAX;
  other.reading = state == State::kFlowing;
  if (state == State::kFlowing) {
    breaker.to_send = 3 << 20;
    breaker.end_after = false;
    other.receive_most = 5000;
  }
  drive(ends, 50);
  usleep(20'000);  // idle, the forwarder may still be connecting
  CHECK(!other.eof && other.error == 0);
  reset(breaker);
  read_to_end(other);
  CHECK(!other.eof);
  CHECK(other.error == ECONNRESET);
  CHECK(other.equal == other.received && other.received <= breaker.sent);
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 1);
  CHECK(relay->stats().last_errno.get() == ECONNRESET);
  // And the next one is served.
  Ends next = open_ends(*relay, listener.get(), 2);
  next.client.to_send = next.upstream.to_send = 100'000;
  drive(next);
  CHECK(next.client.intact(100'000) && next.upstream.intact(100'000));
}

// The side that breaks has ended its stream already, and that end has been passed on.
void reset_after_end(const std::string& mechanism, bool client_resets) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 3);
  Peer& breaker = client_resets ? ends.client : ends.upstream;
  Peer& other = client_resets ? ends.upstream : ends.client;
  breaker.to_send = 10'000;
  breaker.reading = other.writing = false;
  drive(ends);
  CHECK(other.intact(10'000));
  reset(breaker);
  CHECK(is_reset_by_other(other));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 1);
}

// Both ends of stream and reset are there before the forwarder looks.
void end_and_reset_at_once(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()));
  Peer client;
  client.fd = connect_to(relay.address());
  client.to_send = 1000;
  client.reading = false;
  drive(std::vector<Peer*>{&client});
  reset(client);
  relay.start();
  CHECK(eventually([&] { return relay.stats().resets.get() == 1; }));
  CHECK(eventually([&] { return relay.stats().open.get() == 0; }));
}

// The client gives up while the upstream does not answer: its backlog is full.
void reset_while_connecting(const std::string& mechanism) {
  const Fd listener = listen_upstream({}, 0);
  const Address upstream = local_address(listener.get());
  const Fd filler = connect_to(upstream);
  const auto relay = start_relay(mechanism, upstream);
  Peer client;
  client.fd = connect_to(relay->address());
  CHECK(eventually([&] { return relay->stats().open.get() == 1; }));
  client.to_send = 1000;
  client.reading = client.end_after = false;
  drive(std::vector<Peer*>{&client});
  usleep(20'000);
  CHECK(relay->stats().open.get() == 1);
  reset(client);
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 1);
}

void refused(const std::string& mechanism) {
  Fd listener = listen_upstream();
  const Address upstream = local_address(listener.get());
  listener.reset();
  const auto relay = start_relay(mechanism, upstream);
  for (uint64_t i = 1; i <= 20; ++i) {
    Peer client;
    // The reset may come before the connect is seen to have succeeded.
    client.fd = start_connect(relay->address(), {}).fd;
    read_to_end(client);
    CHECK(!client.eof);
    CHECK(client.error == ECONNRESET);
    CHECK(relay->stats().connect_failures.get() == i);
  }
  CHECK(relay->stats().last_errno.get() == ECONNREFUSED);
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  // The upstream comes back.
  listener = listen_on(upstream, {});
  Ends ends = open_ends(*relay, listener.get(), 4);
  ends.client.to_send = ends.upstream.to_send = 10'000;
  drive(ends);
  CHECK(ends.client.intact(10'000) && ends.upstream.intact(10'000));
}

// A flow whose first visit waits for a gate, so that events can pile up meanwhile.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  bool reached_ = false;
};

class GatedFlow final : public Flow {
 public:
  GatedFlow(Sys& sys, Gate* gate) : sys_(sys), gate_(gate) {}
  bool holds_data() const override { return false; }
  PumpResult pump(int in, int out, size_t) override {
    if (gate_) gate_->pass();
    uint8_t bytes[4096];
    const ssize_t got = sys_.recv(in, bytes, sizeof(bytes), 0, {});
    if (got == -EAGAIN) return {PumpEnd::kInputDry};
    if (got == 0) return {PumpEnd::kFinished};
    if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
    const ssize_t sent = sys_.send(out, bytes, static_cast<size_t>(got), MSG_NOSIGNAL, {});
    if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
    return {PumpEnd::kBudget};
  }

 private:
  Sys& sys_;
  Gate* gate_;
};

class GatedFactory final : public FlowFactory {
 public:
  GatedFactory(Sys& sys, Gate& gate) : sys_(sys), gate_(gate) {}
  std::unique_ptr<Flow> open(uint32_t id, Counter&) override {
    return std::make_unique<GatedFlow>(sys_, id == 1 ? &gate_ : nullptr);  // client 0 to upstream
  }

 private:
  Sys& sys_;
  Gate& gate_;
};

// End of stream and reset of an established session arrive in one turn of the loop: after the end
// nobody reads from that side any more, but the other must still be told.
void end_and_reset_in_one_turn() {
  const Fd listener = listen_upstream();
  const Fd relay_listener = listen_upstream();
  const Fd wake = listen_upstream();  // never readable until it is connected to
  Gate gate;
  Sys sys(false);
  ForwarderStats stats;
  ForwarderOptions options;
  options.upstream = local_address(listener.get());
  std::atomic<bool> stop{false};
  ForwarderContext context{options, sys, stats, relay_listener.get(), wake.get(), stop};
  GatedFactory flows(sys, gate);
  LoopThread loop(
      {}, [&] { run_relay(context, flows); }, [](const std::string&) {});

  const Address address = local_address(relay_listener.get());
  Peer gated;
  gated.fd = connect_to(address);
  const Fd gated_upstream = accept_from(listener.get());
  Peer client;
  client.fd = connect_to(address);
  Peer upstream;
  upstream.fd = accept_from(listener.get());
  CHECK(eventually([&] { return stats.open.get() == 2; }));
  usleep(20'000);  // both connects are finished
  gated.to_send = 10;
  gated.reading = gated.end_after = false;
  drive(std::vector<Peer*>{&gated});
  gate.wait_until_reached();
  client.to_send = 1000;
  client.reading = false;
  drive(std::vector<Peer*>{&client});
  reset(client);
  usleep(20'000);
  gate.open();
  CHECK(is_reset_by_other(upstream));
  CHECK(eventually([&] { return stats.open.get() == 1; }));
  stop = true;
  const Fd waker = connect_to(local_address(wake.get()));
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const std::string& mechanism : relay_mechanisms()) {
    for (const bool client : {true, false}) {
      const std::string who = client ? ": client" : ": upstream";
      cases.run(mechanism + who + " resets, idle", 20,
                [&] { reset_in_stream(mechanism, client, State::kIdle); });
      cases.run(mechanism + who + " resets, flowing", 20,
                [&] { reset_in_stream(mechanism, client, State::kFlowing); });
      cases.run(mechanism + who + " resets, other end stalled", 20,
                [&] { reset_in_stream(mechanism, client, State::kStalled); });
      cases.run(mechanism + who + " resets after its end", 20,
                [&] { reset_after_end(mechanism, client); });
    }
    cases.run(mechanism + ": end and reset at once", 20, [&] { end_and_reset_at_once(mechanism); });
    cases.run(mechanism + ": client resets while connecting", 20,
              [&] { reset_while_connecting(mechanism); });
    cases.run(mechanism + ": upstream refuses", 20, [&] { refused(mechanism); });
  }
  cases.run("end and reset in one turn", 20, end_and_reset_in_one_turn);
  return cases.finish();
}
