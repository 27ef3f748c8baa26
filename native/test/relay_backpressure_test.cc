// Peers that take little, late or never: partial writes, full and dry pipes. Nothing is lost,
// nothing spins, and a reader that does not read stops its sender.
#include <unistd.h>

#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr BufferSizes kTiny{.receive = 1, .send = 1};  // the kernel makes it its least

// One byte per receive on both ends.
void one_byte_readers(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1);
  constexpr uint64_t kBytes = 100'000;
  for (Peer* peer : {&ends.client, &ends.upstream}) {
    peer->to_send = kBytes;
    peer->receive_most = 1;
  }
  drive(ends);
  CHECK(ends.client.intact(kBytes) && ends.upstream.intact(kBytes));
}

// Windows of two kilobytes everywhere, also in the forwarder: every send is a partial one.
void tiny_buffers(const std::string& mechanism, bool readers_too, size_t pipe) {
  const BufferSizes upstream_buffers = readers_too ? kTiny : BufferSizes{};
  const Fd listener = listen_upstream(upstream_buffers);
  const auto relay = start_relay(mechanism, local_address(listener.get()),
                                 {.pipe = pipe, .buffer = pipe, .buffers = kTiny});
  Ends ends = open_ends(*relay, listener.get(), 2, upstream_buffers);
  // Each window's odd end waits 40 ms for a delayed acknowledgement.
  const uint64_t bytes = readers_too ? 6'000 : 300'000;
  ends.client.to_send = ends.upstream.to_send = bytes;
  drive(ends);
  CHECK(ends.client.intact(bytes) && ends.upstream.intact(bytes));
}

// A reader that pauses after each receive, and a sender that is always ahead of it.
void slow_reader(const std::string& mechanism, bool down) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 3, {.receive = 8192, .send = 0});
  Peer& sender = down ? ends.upstream : ends.client;
  Peer& reader = down ? ends.client : ends.upstream;
  sender.to_send = 4 << 20;
  reader.receive_most = 16'000;
  reader.pause_us = 300;
  drive(ends);
  CHECK(reader.intact(4 << 20) && sender.intact(0));
}

// A reader that stops, with more waiting in the sender's socket than the way holds: the forwarder
// sleeps meanwhile, its other connections go on, and all bytes come when the reader wakes. Then the
// other meaning of EAGAIN: the socket is dry while the pipe still holds what the reader has not
// taken.
void stalled_reader(const std::string& mechanism, bool down, size_t size) {
  const Fd listener = listen_upstream();
  const auto relay =
      start_relay(mechanism, local_address(listener.get()), {.pipe = size, .buffer = size});
  Ends ends = open_ends(*relay, listener.get(), 4, {.receive = 16384, .send = 0});
  Peer& sender = down ? ends.upstream : ends.client;
  Peer& reader = down ? ends.client : ends.upstream;
  sender.to_send = UINT64_MAX;
  reader.reading = reader.writing = false;
  drive(ends, 150);
  CHECK(sender.sent < uint64_t{256} << 20);
  const uint64_t calls = relay->sys().system_calls();
  usleep(200'000);
  // sockmap-paced does not sleep: it looks again and again at what the kernel holds
  // (docs/sockmap.md).
  if (mechanism != "sockmap-paced") CHECK(relay->sys().system_calls() - calls < 10);
  Ends beside = open_ends(*relay, listener.get(), 5);
  beside.client.to_send = beside.upstream.to_send = 1 << 20;
  drive(beside);
  CHECK(beside.client.intact(1 << 20) && beside.upstream.intact(1 << 20));
  // The sender falls silent; the reader takes everything, in spite of no further event from there.
  sender.to_send = sender.sent;
  sender.end_after = false;
  reader.reading = true;
  drive_until_received({&ends.client, &ends.upstream}, reader, sender.sent);
  CHECK(reader.received == sender.sent && reader.equal == sender.sent && !reader.eof);
  // And stops again and again, at another fill each time.
  for (uint64_t i = 0; i < 10; ++i) {
    reader.reading = false;
    sender.to_send += 200'000 * (i + 1);
    drive(ends, 20);
    reader.reading = true;
    drive(ends, 20);
  }
  sender.end_after = reader.writing = true;
  drive(ends);
  CHECK(reader.intact(sender.to_send) && sender.intact(0));
}

// What arrives while the output is full wakes nobody: it could not go anywhere.
void arrivals_behind_a_full_output(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay =
      start_relay(mechanism, local_address(listener.get()),
                  {.pipe = 16384, .buffer = 16384, .buffers = {.receive = 0, .send = 16384}});
  Ends ends = open_ends(*relay, listener.get(), 6, {.receive = 16384, .send = 0});
  ends.upstream.end_after = ends.client.writing = ends.client.reading = false;
  const auto more = [&](uint64_t size, unsigned quiet_ms) {
    ends.upstream.to_send += size;
    drive(ends, quiet_ms);
  };
  const Counter& delivered = relay->stats().down_bytes;
  // Full is what does not take everything in time; a forwarder that has no CPU just now does,
  // later.
  do {
    more(65536, 20);
  } while (eventually([&] { return delivered.get() == ends.upstream.sent; }, 500));
  constexpr uint64_t kArrivals = 100;
  const CallCounter& waits = relay->sys().counter(Call::kEpollWait);
  const uint64_t before = waits.calls.get();
  for (uint64_t i = 0; i < kArrivals; ++i) more(100, 2);
  CHECK(ends.upstream.sent == ends.upstream.to_send);
  CHECK(waits.calls.get() - before < kArrivals / 10);
  ends.client.reading = ends.client.writing = true;
  ends.upstream.end_after = true;
  drive(ends);
  CHECK(ends.client.intact(ends.upstream.to_send) && ends.upstream.intact(0));
}

// io_uring receives ahead of a full output, and sockmap-paced looks again and again.
bool waits_for_readiness(const std::string& mechanism) {
  return mechanism.rfind("uring", 0) != 0 && mechanism.rfind("sockmap", 0) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const std::string& mechanism : relay_mechanisms()) {
    cases.run(mechanism + ": one-byte readers", 60, [&] { one_byte_readers(mechanism); });
    for (const size_t size : {size_t{700}, size_t{4096}, size_t{0}}) {
      const std::string sized = ", size " + std::to_string(size);
      cases.run(mechanism + ": tiny forwarder buffers" + sized, 60,
                [&] { tiny_buffers(mechanism, false, size); });
      cases.run(mechanism + ": tiny buffers everywhere" + sized, 60,
                [&] { tiny_buffers(mechanism, true, size); });
      for (const bool down : {true, false}) {
        cases.run(mechanism + ": stalled reader" + (down ? " down" : " up") + sized, 60,
                  [&] { stalled_reader(mechanism, down, size ? size + 3000 : 0); });
      }
    }
    if (waits_for_readiness(mechanism)) {
      cases.run(mechanism + ": arrivals behind a full output", 60,
                [&] { arrivals_behind_a_full_output(mechanism); });
    }
    for (const bool down : {true, false}) {
      cases.run(mechanism + ": slow reader" + (down ? " down" : " up"), 60,
                [&] { slow_reader(mechanism, down); });
    }
  }
  return cases.finish();
}
