// The end of a stream: half-close in each direction, with everything between the two ends full or
// empty. All bytes arrive, then exactly one end of stream, and only in the direction that ended.
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// `first` ends its direction at once; the other end sends only after it has seen that.
void answer_after_end(const std::string& mechanism, bool client_first) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1);
  Peer& first = client_first ? ends.client : ends.upstream;
  Peer& second = client_first ? ends.upstream : ends.client;
  constexpr uint64_t kAsked = 100'000;
  constexpr uint64_t kAnswer = 8 << 20;
  first.to_send = kAsked;
  second.writing = false;
  first.reading = false;
  drive(ends);
  CHECK(second.intact(kAsked));
  CHECK(first.received == 0);
  second.writing = true;
  second.to_send = kAnswer;
  first.reading = true;
  drive(ends);
  CHECK(first.intact(kAnswer));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 0);
  CHECK((client_first ? relay->stats().up_bytes : relay->stats().down_bytes).get() == kAsked);
  CHECK((client_first ? relay->stats().down_bytes : relay->stats().up_bytes).get() == kAnswer);
}

// `sender` fills every buffer on the way and ends; the reader ends its own direction meanwhile, and
// reads only then.
void end_behind_full_pipe(const std::string& mechanism, bool down, const RelayOptions& options) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()), options);
  Ends ends = open_ends(*relay, listener.get(), 2);
  Peer& sender = down ? ends.upstream : ends.client;
  Peer& reader = down ? ends.client : ends.upstream;
  sender.to_send = UINT64_MAX;
  sender.reading = reader.reading = false;
  reader.end_after = reader.writing = false;
  drive(ends, 100);
  CHECK(sender.sent > 0);
  // What fits is in the buffers now, and more than fits the receiver's waits in the pipe.
  end_sending(sender);
  end_sending(reader);
  read_to_end(sender);
  CHECK(sender.intact(0));
  CHECK(reader.received == 0);
  reader.reading = true;
  drive(ends);
  CHECK(reader.intact(sender.sent));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 0);
}

// Streams of every awkward length whose end comes right behind the last byte.
void short_streams(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  uint64_t seed = 10;
  for (const uint64_t size : {0, 1, 15, 16, 17, 1447, 1448, 1449, 4095, 4096, 65535, 65536, 65537,
                              262'144, 1'048'575, 1'048'577, 3'000'000}) {
    for (const bool down : {true, false}) {
      Ends ends = open_ends(*relay, listener.get(), ++seed);
      (down ? ends.upstream : ends.client).to_send = size;
      drive(ends);
      CHECK((down ? ends.client : ends.upstream).intact(size));
      CHECK((down ? ends.upstream : ends.client).intact(0));
    }
  }
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
}

// The sender is gone altogether, with everything it sent still on the way.
void sender_closes(const std::string& mechanism, bool down) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 3);
  Peer& sender = down ? ends.upstream : ends.client;
  Peer& reader = down ? ends.client : ends.upstream;
  sender.to_send = UINT64_MAX;
  sender.reading = reader.reading = reader.writing = false;
  drive(ends, 100);
  sender.fd.reset();
  read_to_end(reader);
  CHECK(reader.intact(sender.sent));
  // The reader has nothing to say: its end finishes the session.
  reader.fd.reset();
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
}

// One direction's end is not the other's: bytes still pass the other way, one at a time.
void other_direction_stays(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 4);
  ends.client.writing = true;  // ends at once
  ends.upstream.end_after = false;
  for (uint64_t i = 1; i <= 50; ++i) {
    ends.upstream.to_send = i;
    drive({&ends.upstream, &ends.client}, 0,
          [&] { return ends.client.received == i && ends.upstream.eof; });
    CHECK(ends.client.received == i && !ends.client.eof);
    CHECK(ends.upstream.eof);
  }
  ends.upstream.end_after = true;
  drive(ends);
  CHECK(ends.client.intact(50));
}

// The client has sent, and ended, before the forwarder accepts.
void sent_before_accept(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()));
  Ends ends;
  set_seeds(ends, 5);
  ends.client.fd = connect_to(relay.address());
  ends.client.to_send = 50'000;
  ends.client.reading = false;
  drive(std::vector<Peer*>{&ends.client});
  CHECK(ends.client.ended_sending);
  relay.start();
  ends.upstream.fd = accept_from(listener.get());
  ends.client.reading = true;
  ends.upstream.to_send = 70'000;
  drive(ends);
  CHECK(ends.upstream.intact(50'000));
  CHECK(ends.client.intact(70'000));
}

// An urgent byte is dropped, as recv drops it, and nothing of what is behind it: neither while the
// stream is open nor when its end is there already, in front or at the end of it.
void urgent_byte(const std::string& mechanism, bool down, bool end_at_once, bool last) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 7);
  Peer& sender = down ? ends.upstream : ends.client;
  Peer& reader = down ? ends.client : ends.upstream;
  sender.end_after = reader.writing = sender.reading = false;
  uint64_t expected = 0;
  // One at a time: the next one makes an urgent byte that was not read past yet an ordinary one.
  const int rounds = end_at_once ? 1 : 20;
  for (int i = 0; i < rounds; ++i) {
    for (const bool before : {true, false}) {
      sender.to_send += before || !last ? 1000 : 0;
      drive(std::vector<Peer*>{&sender});
      if (before) CHECK(send(sender.fd.get(), "!", 1, MSG_OOB) == 1);
    }
    expected = sender.sent;
    if (end_at_once) break;
    drive(std::vector<Peer*>{&reader}, 0, [&] { return reader.received == expected; });
  }
  CHECK(reader.equal == reader.received);
  end_sending(sender);
  read_to_end(reader);
  CHECK(reader.eof && reader.equal == reader.received);
  CHECK(reader.intact(expected));
}

void full_duplex(const std::string& mechanism, uint64_t bytes) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 6);
  ends.client.to_send = ends.upstream.to_send = bytes;
  drive(ends);
  CHECK(ends.client.intact(bytes));
  CHECK(ends.upstream.intact(bytes));
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const uint64_t duplex = argument(argc, argv, "--duplex-mib", 64) << 20;
  for (const std::string& mechanism : relay_mechanisms()) {
    cases.run(mechanism + ": client ends first", 20, [&] { answer_after_end(mechanism, true); });
    cases.run(mechanism + ": upstream ends first", 20, [&] { answer_after_end(mechanism, false); });
    for (const bool down : {true, false}) {
      const std::string way = down ? " down" : " up";
      for (const size_t size : {size_t{0}, size_t{4096}, size_t{65536}}) {
        cases.run(mechanism + ": end behind full pipe" + way + " " + std::to_string(size), 20,
                  [&] { end_behind_full_pipe(mechanism, down, {.pipe = size, .buffer = size}); });
      }
      cases.run(mechanism + ": sender closes" + way, 20, [&] { sender_closes(mechanism, down); });
    }
    // What sockmap-paced does with urgent bytes instead: relay_sockmap_test.
    for (const bool down : {true, false}) {
      if (mechanism == "sockmap-paced") break;
      for (const bool end_at_once : {true, false}) {
        const std::string when = end_at_once ? ", end at once" : ", stream open";
        cases.run(mechanism + ": urgent byte" + (down ? " down" : " up") + when, 20,
                  [&] { urgent_byte(mechanism, down, end_at_once, false); });
        cases.run(mechanism + ": urgent byte last" + (down ? " down" : " up") + when, 20,
                  [&] { urgent_byte(mechanism, down, end_at_once, true); });
      }
    }
    cases.run(mechanism + ": short streams", 30, [&] { short_streams(mechanism); });
    cases.run(mechanism + ": other direction stays", 20, [&] { other_direction_stays(mechanism); });
    cases.run(mechanism + ": sent before accept", 20, [&] { sent_before_accept(mechanism); });
    cases.run(mechanism + ": full duplex", 60, [&] { full_duplex(mechanism, duplex); });
  }
  return cases.finish();
}
