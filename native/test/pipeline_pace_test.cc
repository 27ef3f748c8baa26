// Rates: a source that offers so much and no more, a sink that reads so much and no more, and
// connections that take turns message by message.
#include <algorithm>

#include "counters/clock.h"
#include "endpoint/pacer.h"
#include "pipeline_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;
// What a loop may catch up with, milliseconds.
constexpr uint64_t kCatchUp = 50;

// By a clock of our own: credit is what time gave, less what was spent.
void credit() {
  Pacer pacer(1'000'000);
  CHECK(pacer.limits() && !Pacer(0).limits());
  uint64_t now = 5 * kSecond;
  CHECK(pacer.credit(now) == 0);
  CHECK(pacer.wait_ns(now) >= 200'000 && pacer.wait_ns(now) <= 300'000);
  now += 10 * kMs;
  CHECK(pacer.credit(now) == 10'000);
  pacer.spend(10'000);
  CHECK(pacer.credit(now) == 0);
  // Overspent: the time for it passes first.
  pacer.spend(4000);
  CHECK(pacer.credit(now) == -4000);
  CHECK(pacer.wait_ns(now) >= 4 * kMs && pacer.wait_ns(now) <= 5 * kMs);
  now += 4 * kMs;
  CHECK(pacer.credit(now) == 0);
  // Nothing passed for a second: only so much is caught up with.
  now += kSecond;
  CHECK(pacer.credit(now) == kCatchUp * 1000);
}

void pieces() {
  CHECK(Pacer(100).piece() == 1);
  CHECK(Pacer(4'000'000).piece() == 1000);
  CHECK(Pacer(10'000'000'000).piece() == 65536);
}

// Whole pieces only: what a piece lacks is waited for, not moved in crumbs.
void whole_pieces() {
  Pacer pacer(4'000'000);
  uint64_t now = 5 * kSecond;
  CHECK(pacer.grant(now) == 0);
  now += 249'000;
  CHECK(pacer.credit(now) == 996 && pacer.grant(now) == 0);
  now += 1'000;
  CHECK(pacer.grant(now) == 1000);
  pacer.spend(1000);
  CHECK(pacer.grant(now + 1'000) == 0);
}

// What may have passed at most since `start`, at `rate` bytes per second.
uint64_t most_since(uint64_t start, uint64_t rate, uint64_t slack) {
  const uint64_t ms = (monotonic_ns() - start) / kMs + 1;
  return rate * (ms + kCatchUp) / 1000 + slack;
}

void paced_source(uint32_t connections, size_t message) {
  constexpr uint64_t kRate = 4'000'000;
  const uint64_t bytes = 1'200'000 / connections;
  EndpointOptions options = source(bytes, connections);
  options.send_rate = kRate;
  options.message = message;
  options.hold = true;
  Running from(std::move(options));
  Running to(sink(from->address(), connections));
  CHECK(eventually([&] { return to->stats().started.get() == connections; }));
  const uint64_t start = monotonic_ns();
  from->go();
  const uint64_t slack = connections * kPrologue + std::max<uint64_t>(message, 65536);
  while (!from.ended() && monotonic_ns() - start < 20 * kSecond) {
    const uint64_t sent = from->stats().sent.get();
    CHECK(sent <= most_since(start, kRate, slack));
    usleep(5000);
  }
  from.join();
  to.join();
  check_whole(from, to, bytes);
}

// Whoever stops waits for no credit.
void stop_while_waiting() {
  EndpointOptions options = source(UINT64_MAX, 3);
  options.send_rate = 10;
  options.message = 1000;
  Running from(std::move(options));
  Running to(sink(from->address(), 3));
  CHECK(eventually([&] { return to->stats().received.get() >= 1000; }));
  from->stop();
  from.join();
  to.join();
  CHECK(from->stats().sent.get() == to->stats().received.get());
  CHECK(from->stats().failed.get() == 0 && to->stats().failed.get() == 0);
}

// The sink reads slowly; what it leaves unread holds the source back, and once it is told to stop
// it reads the rest at any rate.
void slow_reader(uint32_t connections, ReceiveMode mode) {
  constexpr uint64_t kRate = 2'000'000;
  constexpr int kBuffer = 64 << 10;
  EndpointOptions options = source(UINT64_MAX, connections);
  options.buffers = {.receive = kBuffer, .send = kBuffer};
  Running from(std::move(options));
  EndpointOptions reader = sink(from->address(), connections);
  reader.buffers = {.receive = kBuffer, .send = kBuffer};
  reader.receive = mode;
  reader.receive_rate = kRate;
  const uint64_t start = monotonic_ns();
  Running to(std::move(reader));
  CHECK(eventually([&] { return to->stats().received.get() > 500'000; }));
  CHECK(to->stats().received.get() <= most_since(start, kRate, 65536));
  // Twice what was asked for, on both sides, and the kernel's overhead.
  const uint64_t between = uint64_t{8} * kBuffer * connections;
  for (int i = 0; i < 10; ++i) {
    // In this order: what is read between the two looks only adds to the second.
    const uint64_t sent = from->stats().sent.get();
    CHECK(sent <= to->stats().received.get() + between + kRate / 10);
    usleep(10'000);
  }
  from->stop();
  to->stop();
  from.join();
  to.join();
  CHECK(from->stats().sent.get() == to->stats().received.get());
  CHECK(from->stats().failed.get() == 0 && to->stats().failed.get() == 0);
  if (mode == ReceiveMode::kCheck) {
    for (const auto& receiver : to->receivers()) {
      receiver->checker()->finish(UINT64_MAX);
      CHECK(receiver->checker()->incidents().empty());
    }
  }
}

// Nobody is ever more than a message ahead of another.
void turns() {
  constexpr uint32_t kConnections = 8;
  constexpr size_t kMessage = 100;
  EndpointOptions options = source(UINT64_MAX, kConnections);
  options.message = kMessage;
  options.send_rate = 1'000'000;
  options.hold = true;
  options.send = SendMode::kBuffer;
  Running from(std::move(options));
  // Nobody reads: the messages stay in buffers that hold them all.
  std::vector<Peer> peers(kConnections);
  for (Peer& peer : peers) peer.fd = connect_to(from->address());
  CHECK(eventually([&] { return from->stats().sent.get() == kConnections * kPrologue; }));
  from->go();
  CHECK(eventually([&] { return from->stats().sent.get() > 20'000; }));
  from->stop_now();
  from.join();
  const auto by_sent = [](const ConnectionResult& a, const ConnectionResult& b) {
    return a.sent < b.sent;
  };
  const auto [least, most] =
      std::minmax_element(from->results().begin(), from->results().end(), by_sent);
  CHECK(least->sent > kPrologue);
  CHECK(most->sent - least->sent <= kMessage);
}

// The reader stops at the very byte, and what it does not read stays where it was: it would be seen
// to move in the counters and the time series.
void pause_at_a_byte(ReceiveMode mode) {
  constexpr uint64_t kAt = 100'003;
  constexpr uint64_t kBytes = 1 << 20;
  Running from(source(kBytes));
  EndpointOptions options = sink(from->address());
  options.receive = mode;
  options.pause_at = kAt;
  options.pause_ns = 3600 * kSecond;  // ended by stop()
  Running to(std::move(options));
  CHECK(eventually([&] { return to->stats().pauses.get() == 1; }));
  CHECK(eventually([&] { return from->stats().sent.get() > kAt; }));
  const size_t before = to->series().size();
  CHECK(eventually([&] { return to->series().size() >= before + 3; }));
  for (const SeriesSample& sample : to->series()) CHECK(sample.received <= kAt);
  CHECK(to->series().back().received == kAt);
  CHECK(to->stats().received.get() == kAt && to->stats().pauses.get() == 1);
  to->stop();
  to.join();
  from.join();
  check_whole(from, to, kBytes);
}

void pauses_again(uint32_t connections, uint64_t rate) {
  constexpr uint64_t kAt = 10'000;
  constexpr uint64_t kEvery = 64 << 10;
  constexpr uint64_t kBytes = 1 << 20;
  Running from(source(kBytes, connections));
  EndpointOptions options = sink(from->address(), connections);
  options.receive_rate = rate;
  options.pause_at = kAt;
  options.pause_every = kEvery;
  options.pause_ns = kMs;
  Running to(std::move(options));
  to.join();
  from.join();
  check_whole(from, to, kBytes);
  CHECK(to->stats().pauses.get() == connections * ((kBytes - kAt) / kEvery + 1));
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  cases.run("credit", 5, credit);
  cases.run("pieces", 5, pieces);
  cases.run("whole pieces", 5, whole_pieces);
  cases.run("paced source", 30, [] { paced_source(1, 0); });
  cases.run("paced source, 10 connections", 30, [] { paced_source(10, 0); });
  cases.run("paced source, messages", 30, [] { paced_source(10, 1460); });
  cases.run("paced source, one connection, small messages", 30, [] { paced_source(1, 100); });
  cases.run("stop while waiting", 20, stop_while_waiting);
  cases.run("slow reader", 30, [] { slow_reader(1, ReceiveMode::kCheck); });
  cases.run("slow reader, 5 connections", 30, [] { slow_reader(5, ReceiveMode::kCheck); });
  cases.run("slow reader that discards", 30, [] { slow_reader(3, ReceiveMode::kDiscard); });
  cases.run("turns", 20, turns);
  cases.run("pause at a byte", 30, [] { pause_at_a_byte(ReceiveMode::kCheck); });
  cases.run("pause at a byte, discarding", 30, [] { pause_at_a_byte(ReceiveMode::kDiscard); });
  cases.run("pauses again and again", 30, [] { pauses_again(1, 0); });
  cases.run("pauses of 3 connections", 30, [] { pauses_again(3, 0); });
  cases.run("pauses of a slow reader", 30, [] { pauses_again(2, 50'000'000); });
  return cases.finish();
}
