// A forwarder's own life: `once`, stop in every state, and nothing left open afterwards.
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include "counters/clock.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr uint64_t kPromptly = 10'000'000'000;

void once(const std::string& mechanism) {
  const size_t before = open_descriptors();
  {
    const Fd listener = listen_upstream();
    const auto relay = start_relay(mechanism, local_address(listener.get()), {.once = true});
    Ends ends = open_ends(*relay, listener.get(), 1);
    ends.upstream.to_send = 1 << 20;
    Peer second;  // waits in the backlog, and is never served
    second.fd = connect_to(relay->address());
    drive(ends);
    CHECK(ends.client.intact(1 << 20));
    CHECK(eventually([&] { return relay->ended(); }));
    CHECK(relay->stats().accepted.get() == 1);
    CHECK(relay->stats().open.get() == 0);
  }
  CHECK(open_descriptors() == before);
}

// With `once`, an upstream that refuses ends it too.
void once_refused(const std::string& mechanism) {
  Fd listener = listen_upstream();
  const Address nobody = local_address(listener.get());
  listener.reset();
  const auto relay = start_relay(mechanism, nobody, {.once = true});
  const Fd client = start_connect(relay->address(), {}).fd;
  CHECK(eventually([&] { return relay->ended(); }));
  CHECK(relay->stats().connect_failures.get() == 1);
}

void stop_idle(const std::string& mechanism, bool with_session) {
  const size_t before = open_descriptors();
  {
    const Fd listener = listen_upstream();
    const auto relay = start_relay(mechanism, local_address(listener.get()));
    Ends ends;
    if (with_session) ends = open_ends(*relay, listener.get(), 2);
    usleep(20'000);
    const uint64_t start = monotonic_ns();
    relay->stop();
    CHECK(monotonic_ns() - start < kPromptly);
    if (with_session && mechanism != "poc") {
      read_to_end(ends.client);
      CHECK(!ends.client.eof && ends.client.error == ECONNRESET);
      read_to_end(ends.upstream);
      CHECK(!ends.upstream.eof && ends.upstream.error == ECONNRESET);
    }
  }
  CHECK(open_descriptors() == before);
}

// Stopped in the middle of several streams, one of them stalled: what comes at the other end is a
// reset, since a transfer that was cut must not look complete. Nothing is left open even while the
// forwarder's object lives on.
void stop_busy(const std::string& mechanism) {
  const size_t before = open_descriptors();
  {
    const Fd listener = listen_upstream();
    Relay relay(mechanism, local_address(listener.get()));
    const size_t own = open_descriptors();
    relay.start();
    std::vector<Ends> all;
    std::vector<Peer*> peers;
    for (uint64_t i = 0; i < 4; ++i) {
      all.push_back(open_ends(relay, listener.get(), 10 + i));
      all.back().upstream.to_send = UINT64_MAX;
      all.back().upstream.reading = false;
      all.back().client.writing = false;
      all.back().client.reading = i != 0;
    }
    for (Ends& ends : all) {
      peers.push_back(&ends.client);
      peers.push_back(&ends.upstream);
    }
    LoopThread driver(
        {}, [&] { drive(peers); }, [](const std::string&) {});
    CHECK(eventually([&] { return relay.stats().down_bytes.get() > 20 << 20; }));
    const uint64_t start = monotonic_ns();
    relay.stop();
    CHECK(monotonic_ns() - start < kPromptly);
    driver.join();
    CHECK(open_descriptors() == own + 8);  // the peers'
    for (Ends& ends : all) {
      read_to_end(ends.client);
      CHECK(!ends.client.eof && ends.client.error == ECONNRESET);
      CHECK(ends.client.equal == ends.client.received);
    }
  }
  CHECK(open_descriptors() == before);
}

// Ended sessions of all kinds leave nothing behind while the forwarder runs on.
void sessions_leave_nothing(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  const auto round = [&](uint64_t seed) {
    Ends ends = open_ends(*relay, listener.get(), seed);
    ends.upstream.to_send = seed % 3 == 0 ? UINT64_MAX : 200'000;
    ends.client.reading = seed % 3 != 0;
    ends.upstream.reading = false;
    drive(ends, 5);
    if (seed % 3 == 1) reset(ends.client);
    if (seed % 3 == 2) reset(ends.upstream);
    ends = {};
    CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  };
  round(0);
  round(1);
  round(2);
  const size_t before = open_descriptors();
  for (uint64_t seed = 3; seed < 60; ++seed) round(seed);
  // What may differ is pipes kept for reuse and the socket made ahead.
  CHECK(open_descriptors() <= before + 5);
}

// Neither socket of a session holds back small pieces.
void sends_at_once(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 70);
  ends.client.to_send = ends.upstream.to_send = 1;
  ends.client.end_after = ends.upstream.end_after = false;
  drive({&ends.client, &ends.upstream}, 0,
        [&] { return ends.client.received == 1 && ends.upstream.received == 1; });
  const uint16_t accepts = relay->address().port();
  const uint16_t upstream = local_address(listener.get()).port();
  int found = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    Address peer;
    peer.size = sizeof(peer.storage);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size) == -1) continue;
    if (local_address(fd).port() != accepts && peer.port() != upstream) continue;
    int nodelay = 0;
    socklen_t size = sizeof(nodelay);
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &size) == 0 && nodelay != 0);
    ++found;
  }
  CHECK(found == 2);
}

// nonblock=false with reading on while the pipe holds data: a reader that pauses is enough, and the
// loop waits for ever in a splice to a full pipe, as the 2008 report says. It hears no stop; the
// interruption ends it, and it leaves nothing behind.
void blocked_in_splice(const std::string& mechanism) {
  const size_t before = open_descriptors();
  {
    const Fd listener = listen_upstream();
    const auto relay = start_relay(mechanism, local_address(listener.get()));
    Ends ends = open_ends(*relay, listener.get(), 80, {.receive = 8192, .send = 0});
    ends.upstream.to_send = UINT64_MAX;
    ends.upstream.reading = ends.client.reading = ends.client.writing = false;
    drive(ends, 100);
    // Slower than the sender, which goes on: sooner or later the pipe is full at a fill.
    ends.client.reading = true;
    ends.client.receive_most = 4096;
    drive(ends, 300);
    CHECK(ends.client.received < ends.upstream.sent);  // the rest is stuck
    CHECK(ends.client.equal == ends.client.received);
    relay->ask_to_stop();
    CHECK(!eventually([&] { return relay->ended(); }, 100));
    relay->stop();
    read_to_end(ends.client);
    CHECK(ends.client.equal == ends.client.received);
  }
  CHECK(open_descriptors() == before);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const std::string& mechanism : all_mechanisms()) {
    cases.run(mechanism + ": once", 20, [&] { once(mechanism); });
    cases.run(mechanism + ": once, refused", 20, [&] { once_refused(mechanism); });
    cases.run(mechanism + ": stop without a session", 20, [&] { stop_idle(mechanism, false); });
    cases.run(mechanism + ": stop with an idle session", 20, [&] { stop_idle(mechanism, true); });
  }
  for (const std::string& mechanism : relay_mechanisms()) {
    cases.run(mechanism + ": sends at once", 20, [&] { sends_at_once(mechanism); });
    cases.run(mechanism + ": stop while busy", 20, [&] { stop_busy(mechanism); });
    cases.run(mechanism + ": sessions leave nothing", 30,
              [&] { sessions_leave_nothing(mechanism); });
  }
  for (const std::string mechanism :
       {"splice nonblock=false read-when-pipe-holds-data", "poc nonblock=false"}) {
    cases.run(mechanism + ": blocked in splice", 20, [&] { blocked_in_splice(mechanism); });
  }
  return cases.finish();
}
