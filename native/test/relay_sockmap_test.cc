// What only the sockmap mechanisms do: the known defect of the plain one, which
// is asserted so that a kernel without it is noticed, the bound of the paced
// one, and what both do with urgent bytes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <iterator>
#include <map>

#include "counters/clock.h"
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
  const Counter& delivered = relay->stats().down_bytes;
  do {
    ends.upstream.to_send += 65536;
    drive(ends, 20);
  } while (eventually([&] { return delivered.get() == ends.upstream.sent; }, 500));
  for (uint64_t sent = 100; sent <= 1000; sent += 100) {
    ends.client.to_send = sent;
    drive_until_received({&ends.client, &ends.upstream}, ends.upstream, sent);
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

// Two ends that both send and do not read: the kernel puts what is left on an input behind the
// backlog of the other direction, where no account stops the sender. The window does, and when they
// read at last everything is there.
void paced_stops_both() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()));
  for (uint64_t round = 0; round < 6; ++round) {
    Ends ends = open_ends(*relay, listener.get(), 100 + round);
    ends.upstream.to_send = ends.client.to_send = UINT64_MAX;
    ends.upstream.reading = ends.client.reading = false;
    const auto most = [&] { return std::max(ends.upstream.sent, ends.client.sent); };
    drive({&ends.upstream, &ends.client}, 100, [&] { return most() > 8 * kMuch; });
    CHECK(most() <= 8 * kMuch);
    end_sending(ends.upstream);
    end_sending(ends.client);
    ends.upstream.reading = ends.client.reading = true;
    drive(ends);
    CHECK(ends.upstream.intact(ends.client.sent) && ends.client.intact(ends.upstream.sent));
    CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  }
  CHECK(relay->stats().resets.get() == 0);
}

// The same, and then one end reads and the other never does until the first has everything: a
// direction has nothing to wait for in the other.
void paced_directions_are_apart() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()));
  for (uint64_t round = 0; round < 4; ++round) {
    Ends ends = open_ends(*relay, listener.get(), 9 + round);
    Peer& first = round % 2 == 0 ? ends.upstream : ends.client;
    Peer& later = round % 2 == 0 ? ends.client : ends.upstream;
    first.to_send = later.to_send = kMuch;
    first.reading = later.reading = false;
    drive({&first, &later}, 100);
    first.reading = true;
    drive_until_received({&first, &later}, first, kMuch);
    CHECK(first.received == kMuch);
    later.reading = true;
    drive(ends);
    CHECK(first.intact(kMuch) && later.intact(kMuch));
  }
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 0);
}

// What was copied between two stretches that the kernel redirected has, on both sides, the place in
// the stream that it had.
void copied_in_place() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()), {.record = true});
  Ends ends = open_ends(*relay, listener.get(), 3);
  ends.upstream.to_send = 24 << 20;
  ends.upstream.end_after = false;
  // Beyond what the program may redirect to a reader that looks away it is copied.
  ends.upstream.reading = ends.client.reading = ends.client.writing = false;
  drive(ends, 200);
  ends.client.reading = true;
  drive({&ends.client, &ends.upstream}, 0, [&] { return ends.client.received == 24 << 20; });
  ends.client.writing = ends.upstream.reading = ends.upstream.end_after = true;
  drive(ends);
  CHECK(ends.client.intact(24 << 20));
  relay->stop();
  CHECK(detail(*relay, "redirected_bytes") > 0 && detail(*relay, "copied_bytes") > 0);
  std::map<CallSide, std::map<uint64_t, uint64_t>> stretches;  // ends by beginnings
  const std::vector<RecordedCall> calls = relay->sys().recorder().calls();
  CHECK(calls.size() < 1 << 14);
  for (const RecordedCall& call : calls) {
    if (call.flow % 2 != 0 || call.got <= 0) continue;
    std::map<uint64_t, uint64_t>& side = stretches[call.side];
    const auto last = side.empty() ? side.end() : std::prev(side.end());
    const uint64_t end = call.offset + static_cast<uint64_t>(call.got);
    if (last != side.end() && last->second == call.offset) {
      last->second = end;
    } else {
      CHECK(last == side.end() || call.offset > last->second);
      side[call.offset] = end;
    }
  }
  CHECK(!stretches[CallSide::kIn].empty() && stretches[CallSide::kWithin].empty());
  CHECK(stretches[CallSide::kIn] == stretches[CallSide::kOut]);
}

// An urgent byte becomes an ordinary one: the program sees the packet, not
// TCP's mark in it.
void plain_keeps_urgent_byte() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap", local_address(listener.get()));
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

// One that is in no stream: before, between and behind the bytes of a packet, several, and where
// the other direction has ended, so that recv meets it instead of the program.
void paced_leaves_out_urgent_bytes(bool half_closed) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()));
  for (uint64_t round = 0; round < 40; ++round) {
    Ends ends = open_ends(*relay, listener.get(), 200 + round);
    Peer& sender = round % 2 == 0 ? ends.upstream : ends.client;
    Peer& receiver = round % 2 == 0 ? ends.client : ends.upstream;
    sender.end_after = false;
    receiver.end_after = false;
    const auto until = [&](const std::function<bool()>& reached) {
      if (!reached()) drive({&ends.client, &ends.upstream}, 5000, reached);
      CHECK(reached());
    };
    if (half_closed) {
      end_sending(receiver);
      until([&] { return sender.eof; });
    }
    // Corked, the urgent byte and what is around it come in one packet. TCP has one mark at a time:
    // the next urgent byte is sent when the one before has been passed.
    const int cork = round % 4 < 2 ? 1 : 0;
    const int push = 0;
    for (uint64_t part = 0; part < 5; ++part) {
      setsockopt(sender.fd.get(), IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
      sender.to_send += part * round * 331 + 1;
      until([&] { return sender.sent == sender.to_send; });
      CHECK(send(sender.fd.get(), "!", 1, MSG_OOB) == 1);
      sender.to_send += part * 1000 + 1;
      until([&] { return sender.sent == sender.to_send; });
      setsockopt(sender.fd.get(), IPPROTO_TCP, TCP_CORK, &push, sizeof(push));
      until([&] { return receiver.received >= sender.sent; });
    }
    CHECK(send(sender.fd.get(), "!", 1, MSG_OOB) == 1);
    end_sending(sender);
    sender.end_after = receiver.end_after = true;
    drive(ends);
    CHECK(receiver.intact(sender.sent));
  }
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 0);
}

// Small buffers and a slow reader: what waits is waited for. Looking makes an event, so a loop that
// looks at each event never sleeps (433 million calls per GB were measured).
void paced_waits() {
  const BufferSizes small{.receive = 32 << 10, .send = 4 << 10};
  const Fd listener = listen_upstream(small);
  RelayOptions options{.buffers = small};
  options.settings.set("backlog", 65536.0);
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()), options);
  Ends ends = open_ends(*relay, listener.get(), 5, small);
  constexpr uint64_t kBytes = 4 << 20;
  ends.upstream.to_send = kBytes;
  ends.upstream.end_after = false;
  ends.client.writing = false;
  ends.client.receive_most = 16 << 10;
  ends.client.pause_us = 300;
  drive({&ends.client, &ends.upstream}, 0, [&] { return ends.client.received == kBytes; });
  CHECK(ends.client.equal == kBytes);
  CHECK(relay->sys().system_calls() < kBytes / 100);
}

// Of all sockets of this process, the peers' and the relay's.
int least_window_clamp() {
  int least = INT_MAX;
  for (int fd = 0; fd < 1024; ++fd) {
    int clamp = 0;
    socklen_t size = sizeof(clamp);
    if (getsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &clamp, &size) != 0 || clamp == 0) continue;
    least = std::min(least, clamp);
  }
  return least;
}

// A reader that stands still and goes on leaves much on the input, where the window is closed for
// it. Once nothing is left it opens again: what is redirected from then on tells the loop of
// nothing, and a stream went on with a few kilobytes a second for ever.
void paced_opens_its_window_again() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 11);
  ends.upstream.to_send = UINT64_MAX;
  ends.client.writing = false;
  ends.client.receive_most = size_t{1} << 20;
  const std::vector<Peer*> both = {&ends.client, &ends.upstream};
  for (uint64_t round = 0; round < 24; ++round) {
    ends.upstream.writing = ends.client.reading = true;
    drive_until_received(both, ends.client, ends.client.received + kMuch / 4);
    ends.client.reading = false;
    drive(both, 30);
    ends.upstream.writing = false;
    ends.client.reading = true;
    drive_until_received(both, ends.client, ends.upstream.sent);
    CHECK(ends.client.received == ends.upstream.sent && ends.client.equal == ends.client.received);
    if (!eventually([] { return least_window_clamp() > 4096; })) {
      CHECK(!"a window stays closed");
      return;
    }
  }
}

// One end has ended its stream and the other breaks off in the middle of its own, at any moment:
// no session stays.
void paced_ends_what_breaks() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("sockmap-paced", local_address(listener.get()));
  for (uint64_t round = 0; round < 1500; ++round) {
    Ends ends = open_ends(*relay, listener.get(), round);
    ends.upstream.to_send = UINT64_MAX;
    ends.upstream.reading = false;
    ends.client.reading = round % 2 == 0;
    const uint64_t until = monotonic_ns() + round * 7919 % 3000 * 1000;
    drive({&ends.client, &ends.upstream}, 1, [&] { return monotonic_ns() > until; });
    if (round % 2 == 0) reset(ends.upstream);
    ends = {};
    if (!eventually([&] { return relay->stats().open.get() == 0; })) {
      CHECK(!"a session stays");
      return;
    }
  }
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
  cases.run("sockmap-paced: stops both", 60, paced_stops_both);
  cases.run("sockmap-paced: directions are apart", 60, paced_directions_are_apart);
  cases.run("sockmap-paced: waits", 30, paced_waits);
  cases.run("sockmap-paced: opens its window again", 60, paced_opens_its_window_again);
  cases.run("sockmap-paced: ends what breaks", 60, paced_ends_what_breaks);
  for (const size_t backlog : {size_t{64} << 10, size_t{4} << 20}) {
    cases.run("sockmap-paced: backlog of " + std::to_string(backlog), 30,
              [&] { paced_bounds(backlog); });
  }
  cases.run("sockmap: keeps an urgent byte", 20, plain_keeps_urgent_byte);
  for (const bool half_closed : {false, true}) {
    cases.run(std::string("sockmap-paced: urgent bytes") + (half_closed ? ", half closed" : ""), 60,
              [&] { paced_leaves_out_urgent_bytes(half_closed); });
  }
  cases.run("sockmap-paced: copied in place", 60, copied_in_place);
  return cases.finish();
}
