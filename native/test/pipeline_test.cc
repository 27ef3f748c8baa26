// Endpoints: the source and the sink of a trial, on threads of their own, against each other and
// against raw sockets.
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "counters/clock.h"
#include "pipeline_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr uint64_t kPromptly = 10'000'000'000;

void fixed_bytes(uint64_t bytes, uint32_t connections, size_t message) {
  const size_t before = open_descriptors();
  {
    EndpointOptions options = source(bytes, connections);
    options.message = message;
    options.nodelay = message != 0;
    Running from(std::move(options));
    Running to(sink(from->address(), connections));
    from.join();
    to.join();
    check_whole(from, to, bytes);
    CHECK(to->stats().received.get() == bytes * connections);
    CHECK(from->stats().sent.get() == bytes * connections);
    CHECK(to->stats().established.get() == connections && to->stats().ended.get() == connections);
    if (bytes > 0) CHECK(to->stats().last_byte_ns.get() >= to->stats().first_byte_ns.get());
  }
  CHECK(open_descriptors() == before);
}

// Two pairs with one seed: each has numbers of its own, so that a stream of the other pair is not
// taken for one of this.
void pairs_of_one_trial(bool crossed) {
  constexpr uint32_t kEach = 3;
  const uint32_t first = crossed ? 0 : kEach;
  EndpointOptions writer = source(200'000, kEach);
  writer.first_connection = first;
  Running from(std::move(writer));
  EndpointOptions reader = sink(from->address(), kEach);
  reader.first_connection = kEach;
  Running to(std::move(reader));
  from.join();
  to.join();
  uint32_t seen = 0;
  for (uint32_t i = 0; i < kEach; ++i) {
    CHECK(from->results()[i].connection == first + i);
    CHECK(to->results()[i].connection == kEach + i);
    const uint32_t number = to->receivers()[i]->checker()->connection();
    CHECK(number >= first && number < first + kEach);
    seen |= 1u << number;
  }
  CHECK(seen == 7u << first);
  if (!crossed) check_whole(from, to, 200'000);
}

// One connection each: nothing to tell apart, so the other pair's bytes are foreign.
void one_of_the_other_pair() {
  Running from(source(200'000));
  EndpointOptions reader = sink(from->address());
  reader.first_connection = 1;
  Running to(std::move(reader));
  from.join();
  to.join();
  Checker& checker = *to->receivers()[0]->checker();
  checker.finish(200'000);
  CHECK(checker.totals().incidents > 0 && checker.totals().verified == 0);
}

// Both directions of each connection at once.
void both_directions() {
  EndpointOptions one = source(3'000'000, 3);
  one.receive = ReceiveMode::kCheck;
  one.receive_direction = Direction::kUp;
  Running from(std::move(one));
  EndpointOptions other = sink(from->address(), 3);
  other.send = SendMode::kContent;
  other.send_direction = Direction::kUp;
  other.bytes = 2'000'000;
  Running to(std::move(other));
  from.join();
  to.join();
  for (const ConnectionResult& r : from->results()) {
    CHECK(r.orderly && r.sent == 3'000'000 && r.received == 2'000'000);
  }
  for (const ConnectionResult& r : to->results()) {
    CHECK(r.orderly && r.sent == 2'000'000 && r.received == 3'000'000);
  }
  for (Running* end : {&from, &to}) {
    for (const auto& receiver : (*end)->receivers()) {
      receiver->checker()->finish(UINT64_MAX);
      CHECK(receiver->checker()->incidents().empty());
    }
  }
}

// Held, each stream is its prologue and no more; go() sends the rest.
void prologue() {
  EndpointOptions options = source(1'000'000, 5);
  options.hold = true;
  Running from(std::move(options));
  Running to(sink(from->address(), 5));
  CHECK(eventually([&] { return to->stats().started.get() == 5; }));
  CHECK(eventually([&] { return to->stats().received.get() == 5 * kPrologue; }));
  usleep(50'000);
  CHECK(to->stats().received.get() == 5 * kPrologue);
  CHECK(!from.ended());
  from->go();
  from.join();
  to.join();
  check_whole(from, to, 1'000'000);
}

// Held and never let go: stop() ends it in the orderly way.
void stop_held() {
  EndpointOptions options = source(1'000'000);
  options.hold = true;
  Running from(std::move(options));
  Running to(sink(from->address()));
  CHECK(eventually([&] { return to->stats().received.get() == kPrologue; }));
  from->stop();
  from.join();
  to.join();
  check_whole(from, to, kPrologue);
}

void stop_in_stream(uint32_t connections) {
  Running from(source(UINT64_MAX, connections));
  Running to(sink(from->address(), connections));
  CHECK(eventually([&] { return to->stats().started.get() == connections; }));
  usleep(50'000);
  const uint64_t start = monotonic_ns();
  from->stop();
  from.join();
  to.join();
  CHECK(monotonic_ns() - start < kPromptly);
  CHECK(from->stats().sent.get() == to->stats().received.get());
  CHECK(from->stats().failed.get() == 0 && to->stats().failed.get() == 0);
  CHECK(!to->series().empty());
}

// Closes everything at once; the other end sees a broken stream, or an end that is too early to be
// orderly.
void stop_now() {
  Running from(source(UINT64_MAX, 8));
  Running to(sink(from->address(), 8));
  CHECK(eventually([&] { return to->stats().started.get() == 8; }));
  const uint64_t start = monotonic_ns();
  to->stop_now();
  to.join();
  CHECK(monotonic_ns() - start < kPromptly);
  from.join();
  for (const ConnectionResult& result : to->results()) {
    CHECK(!result.orderly && result.error == ECANCELED);
  }
  for (const ConnectionResult& result : from->results()) {
    CHECK(!result.orderly && is_reset(result.error));
  }
  CHECK(to->stats().ended.get() == 8);
}

// Connections that have not been opened when the end is asked for are not opened any more.
void stop_before_all_are_open(bool now) {
  const Fd listener = listen_upstream({}, 0);  // most of them hang in their connect
  Running to(sink(local_address(listener.get()), 2000));
  usleep(30'000);
  const uint64_t start = monotonic_ns();
  to->stop();
  if (now) to->stop_now();
  // Without `now`, those whose connect has begun are still waited for.
  const uint32_t begun = 257;
  CHECK(eventually([&] { return to->stats().ended.get() >= 2000 - begun; }));
  if (!now) to->stop_now();
  to.join();
  CHECK(monotonic_ns() - start < kPromptly);
  CHECK(to->stats().ended.get() == 2000);
  CHECK(to->stats().established.get() < 20);
  size_t cancelled = 0;
  for (const ConnectionResult& result : to->results()) {
    cancelled += !result.orderly && result.error == ECANCELED;
  }
  CHECK(cancelled == 2000);
}

// stop() alone ends an endpoint that has not begun, on either side.
void stop_before_run(bool listen) {
  const Fd listener = listen_upstream();
  Running end(listen ? source(1000, 10) : sink(local_address(listener.get()), 10), false);
  end->stop();
  end.run();
  CHECK(eventually([&] { return end.ended(); }));
  CHECK(end->stats().ended.get() == 10 && end->stats().failed.get() == 10);
  for (const ConnectionResult& result : end->results()) CHECK(!result.orderly);
}

void refused() {
  Fd listener = listen_upstream();
  const Address nobody = local_address(listener.get());
  listener.reset();
  Running to(sink(nobody, 300));
  to.join();
  CHECK(to->stats().failed.get() == 300 && to->stats().ended.get() == 300);
  CHECK(to->stats().last_errno.get() == ECONNREFUSED);
  CHECK(to->stats().established.get() == 0);
  for (const ConnectionResult& result : to->results()) CHECK(result.error == ECONNREFUSED);
}

// When it is over, nothing listens there any more.
void listener_closed() {
  Running from(source(1000));
  {
    Running to(sink(from->address()));
    to.join();
  }
  from.join();
  Running late(sink(from->address()));
  late.join();
  CHECK(late->results()[0].error == ECONNREFUSED);
}

// A connection that comes while no descriptor is free waits, without the loop spinning for it.
void no_descriptor_free() {
  Running from(source(1000), /*start=*/false);
  Peer peer;
  peer.fd = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const size_t before = open_descriptors();
  from.run();
  // One to wait with and two timers; then it sleeps.
  CHECK(eventually([&] { return open_descriptors() >= before + 3; }));
  usleep(20'000);
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  const rlimit none{.rlim_cur = 0, .rlim_max = old.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Address address = from->address();
  CHECK(connect(peer.fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) ==
        0);
  const uint64_t cpu = from.cpu_ns();
  usleep(400'000);
  CHECK(from.cpu_ns() - cpu < 50'000'000);
  CHECK(from->stats().established.get() == 0);
  CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
  CHECK(eventually([&] { return from->stats().sent.get() == 1000; }));
  peer.fd.reset();
  from.join();
}

// A peer that breaks is reported as broken.
void reset_by_peer() {
  const Fd listener = listen_upstream();
  Running to(sink(local_address(listener.get())));
  Peer peer;
  peer.fd = accept_from(listener.get());
  CHECK(eventually([&] { return to->stats().established.get() == 1; }));
  reset(peer);
  to.join();
  CHECK(!to->results()[0].orderly && to->results()[0].error == ECONNRESET);
  CHECK(to->stats().failed.get() == 1 && to->stats().last_errno.get() == ECONNRESET);
}

// So quickly that the endpoint has not yet seen its connections come up: they are broken ones all
// the same, not some that nobody took.
void reset_at_once() {
  constexpr uint32_t kConnections = 200;
  const Fd listener = listen_upstream();
  Running to(sink(local_address(listener.get()), kConnections));
  for (uint32_t i = 0; i < kConnections; ++i) {
    Peer peer;
    peer.fd = accept_from(listener.get());
    reset(peer);
  }
  to.join();
  CHECK(to->stats().established.get() == kConnections);
  CHECK(to->stats().failed.get() == kConnections);
  for (const ConnectionResult& result : to->results()) CHECK(result.error == ECONNRESET);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const uint64_t bytes : {0, 1, 64, 65, 100'000, 5'000'011}) {
    cases.run("fixed bytes " + std::to_string(bytes), 20, [&] { fixed_bytes(bytes, 1, 0); });
  }
  for (const size_t message : {1, 100, 1500}) {
    cases.run("messages of " + std::to_string(message), 20,
              [&] { fixed_bytes(30'001, 3, message); });
  }
  // More than are connected at a time, and short, so that endings and openings mix.
  cases.run("waves", 60, [&] { fixed_bytes(4096, 1000, 0); });
  cases.run("waves of a byte", 60, [&] { fixed_bytes(17, 1000, 0); });
  for (const bool crossed : {false, true}) {
    cases.run(crossed ? "pairs, crossed" : "pairs", 20, [&] { pairs_of_one_trial(crossed); });
  }
  cases.run("one of the other pair", 20, one_of_the_other_pair);
  cases.run("both directions", 20, both_directions);
  cases.run("prologue", 20, prologue);
  cases.run("stop while held", 20, stop_held);
  cases.run("stop in stream", 20, [] { stop_in_stream(1); });
  cases.run("stop in many streams", 30, [] { stop_in_stream(50); });
  cases.run("stop_now", 20, stop_now);
  cases.run("stop before all are open", 20, [] { stop_before_all_are_open(false); });
  cases.run("stop_now before all are open", 20, [] { stop_before_all_are_open(true); });
  cases.run("stop before run, listening", 20, [] { stop_before_run(true); });
  cases.run("stop before run, connecting", 20, [] { stop_before_run(false); });
  cases.run("refused", 20, refused);
  cases.run("listener closed", 20, listener_closed);
  cases.run("no descriptor free", 20, no_descriptor_free);
  cases.run("reset by peer", 20, reset_by_peer);
  cases.run("reset at once", 20, reset_at_once);
  return cases.finish();
}
