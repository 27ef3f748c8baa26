// What only the sockmap mechanisms do: the known defect of the plain one, which
// is asserted so that a kernel without it is noticed, the bound of the paced
// one, and what both do with urgent bytes.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>

#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr uint64_t kMuch = uint64_t{96} << 20;

// The reader looks away until everything was sent. The kernel takes it all, and
// at the end of the stream throws away what the output's send queue had no room
// for.
void plain_loses() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1);
  ends.upstream.to_send = kMuch;
  ends.upstream.end_after = false;
  ends.upstream.reading = ends.client.reading = ends.client.writing = false;
  drive(ends);  // no backpressure: it returns
  CHECK(eventually([&] { return detail(*relay, "backlog_peak_bytes") > kMuch / 2; }));
  end_sending(ends.upstream);
  CHECK(eventually([&] { return detail(*relay, "lost_bytes") > kMuch / 2; }));
  read_to_end(ends.client);
  CHECK(ends.client.equal == ends.client.received);
  CHECK(ends.client.received < kMuch / 2);
  ends = {};
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(detail(*relay, "redirected_bytes") == kMuch);
  CHECK(relay->stats().down_bytes.get() + detail(*relay, "lost_bytes") == kMuch);
}

// While the reader keeps up and nothing ends, nothing is lost either.
void plain_forwards() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 2);
  for (Peer* peer : {&ends.client, &ends.upstream}) {
    peer->to_send = 20 << 20;
    peer->end_after = false;
  }
  drive({&ends.client, &ends.upstream}, 0,
        [&] { return ends.client.received == 20 << 20 && ends.upstream.received == 20 << 20; });
  CHECK(ends.client.equal == 20 << 20 && ends.upstream.equal == 20 << 20);
  CHECK(relay->sys().counter(Call::kRecv).calls.get() == 0);
  CHECK(relay->sys().counter(Call::kSend).calls.get() == 0);
}

// flags: ingress. The same reader gets everything, however late: what was
// redirected is counted, and read to its end. The kernel takes it all here too:
// that is the defect it shares.
void ingress_holds_everything() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap flags=ingress", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 5);
  ends.upstream.to_send = kMuch;
  ends.upstream.reading = ends.client.reading = ends.client.writing = false;
  drive(ends);  // no backpressure: it returns
  CHECK(ends.upstream.sent == kMuch);
  ends.client.reading = ends.client.writing = true;
  drive(ends);
  CHECK(ends.client.intact(kMuch));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(detail(*relay, "backlog_peak_bytes") > kMuch / 2);
  CHECK(detail(*relay, "redirected_bytes") == kMuch);
  CHECK(detail(*relay, "copied_bytes") == kMuch);
  CHECK(detail(*relay, "lost_bytes") == 0);
}

// A reader that looks away stops what it sends itself: both directions wait in
// the one receive buffer of its connection.
void ingress_couples() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap flags=ingress", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 6);
  ends.upstream.to_send = kMuch;
  ends.client.to_send = UINT64_MAX;
  ends.client.reading = ends.client.writing = false;
  drive({&ends.client, &ends.upstream}, 5000, [&] { return ends.upstream.sent == kMuch; });
  CHECK(ends.upstream.sent == kMuch);
  ends.client.writing = true;
  drive(ends, 500);  // the upstream reads all the time, and yet it returns
  ends.client.reading = true;
  end_sending(ends.client);
  drive(ends);
  CHECK(ends.client.intact(kMuch));
  CHECK(ends.upstream.intact(ends.client.sent));
}

// A reader that stands still does not keep what it sends itself from arriving, as long as there is
// room: its bytes come out of the socket whose own stream has nowhere to go.
void ingress_goes_on_beside_a_full_output() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap flags=ingress", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 7, {.receive = 16384, .send = 0});
  ends.upstream.end_after = ends.client.end_after = ends.client.reading = false;
  uint64_t delivered;
  do {
    delivered = relay->stats().down_bytes.get();
    ends.upstream.to_send += 65536;
    drive(ends, 20);
  } while (relay->stats().down_bytes.get() != delivered);
  for (uint64_t sent = 100; sent <= 1000; sent += 100) {
    ends.client.to_send = sent;
    drive({&ends.client, &ends.upstream}, 2000, [&] { return ends.upstream.received == sent; });
    CHECK(ends.upstream.received == sent);
  }
  ends.client.reading = ends.upstream.end_after = ends.client.end_after = true;
  drive(ends);
  CHECK(ends.client.intact(ends.upstream.to_send) && ends.upstream.intact(1000));
}

// The same reader stops the sender, and gets everything.
void paced_bounds(size_t backlog) {
  const Fd listener = listen_upstream();
  RelayOptions options;
  options.settings.set("backlog", static_cast<double>(backlog));
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()), options);
  Ends ends = open_ends(*relay, listener.get(), 3);
  ends.upstream.to_send = UINT64_MAX;
  ends.upstream.reading = ends.client.reading = ends.client.writing = false;
  drive(ends, 200);
  CHECK(ends.upstream.sent < kMuch / 2);
  // At most one packet is beyond the limit.
  CHECK(detail(*relay, "backlog_peak_bytes") < backlog + (512 << 10));
  end_sending(ends.upstream);
  ends.client.reading = ends.client.writing = true;
  drive(ends);
  CHECK(ends.client.intact(ends.upstream.sent));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(detail(*relay, "lost_bytes") == 0);
  CHECK(detail(*relay, "redirected_bytes") > 0);
  CHECK(detail(*relay, "redirected_bytes") + detail(*relay, "copied_bytes") == ends.upstream.sent);
}

// Two ends that both send and never read. The kernel may put what is left on an input behind the
// backlog of the other direction, where it stops no sender: the session is ended then, and the
// reason said, before the kernel's memory is full. Otherwise the buffers fill, and it waits.
void paced_ends_what_it_cannot_bound() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()));
  for (uint64_t round = 0; round < 12; ++round) {
    Ends ends = open_ends(*relay, listener.get(), 100 + round);
    ends.upstream.to_send = ends.client.to_send = UINT64_MAX;
    ends.upstream.reading = ends.client.reading = false;
    const auto most = [&] { return std::max(ends.upstream.sent, ends.client.sent); };
    drive({&ends.upstream, &ends.client}, 100, [&] { return most() > 8 * kMuch; });
    CHECK(most() <= 8 * kMuch);
  }
  const uint64_t ended = relay->stats().resets.get();
  const std::string why = relay->stats().trouble.text();
  CHECK((ended > 0) == (why.find("bound what the kernel holds") != std::string::npos));
  if (getenv("VERBOSE")) fprintf(stderr, "%" PRIu64 " of 12 ended: %s\n", ended, why.c_str());
}

// An urgent byte becomes an ordinary one: the program sees the packet, not
// TCP's mark in it.
void urgent_byte_stays(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 4);
  ends.client.writing = false;
  ends.upstream.to_send = 1;
  ends.upstream.end_after = false;
  const auto arrives = [&](uint64_t bytes) {
    drive({&ends.client, &ends.upstream}, 5000, [&] { return ends.client.received >= bytes; });
  };
  arrives(1);  // connected and redirected, then
  CHECK(send(ends.upstream.fd.get(), "!", 1, MSG_OOB) == 1);
  arrives(2);
  CHECK(ends.client.received == 2 && ends.client.equal == 1);
}

// Without the right to load programs, the mechanism says what is missing.
void denied(const char* mechanism) {
  if (geteuid() != 0) return testing::unavailable("bpf denied", "not root");
  CHECK(find_forwarder(mechanism)->unavailable().empty());
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) == -1) _exit(2);
    const std::string why = find_forwarder(mechanism)->unavailable();
    const bool named = why.find("bpf") != std::string::npos &&
                       why.find("Operation not permitted") != std::string::npos &&
                       why.find("CAP_BPF and CAP_NET_ADMIN") != std::string::npos;
    if (!named) fprintf(stderr, "said: %s\n", why.c_str());
    _exit(named ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const char* mechanism : {"sockmap", "sockmap-paced"}) {
    cases.run(std::string(mechanism) + ": denied", 20, [&] { denied(mechanism); });
  }
  if (const std::string why = find_forwarder("sockmap")->unavailable(); !why.empty()) {
    testing::unavailable("sockmap", why);
    return cases.finish();
  }
  cases.run("sockmap: loses what it holds at the end", 30, plain_loses);
  cases.run("sockmap: forwards", 30, plain_forwards);
  cases.run("sockmap flags=ingress: holds everything", 30, ingress_holds_everything);
  cases.run("sockmap flags=ingress: couples", 30, ingress_couples);
  cases.run("sockmap flags=ingress: goes on beside a full output", 30,
            ingress_goes_on_beside_a_full_output);
  cases.run("sockmap-paced: ends what it cannot bound", 60, paced_ends_what_it_cannot_bound);
  for (const size_t backlog : {size_t{64} << 10, size_t{4} << 20}) {
    cases.run("sockmap-paced: backlog of " + std::to_string(backlog), 30,
              [&] { paced_bounds(backlog); });
  }
  for (const std::string mechanism : {"sockmap", "sockmap-paced"}) {
    cases.run(mechanism + ": urgent byte", 20, [&] { urgent_byte_stays(mechanism); });
  }
  return cases.finish();
}
