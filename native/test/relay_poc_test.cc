// poc is held to what the 2008 program did: one connection at a time, one direction, one pipe, and
// its reading of EAGAIN and of the end. Also where that is not what one would want.
#include <unistd.h>

#include <cerrno>

#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

void downloads(uint64_t bytes, const BufferSizes& client, unsigned pause_us) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1, client);
  ends.upstream.to_send = bytes;
  ends.client.writing = false;
  ends.client.pause_us = pause_us;
  drive(ends);
  CHECK(ends.client.intact(bytes));
  // It closes both ends together, so that the upstream sees an end too.
  CHECK(ends.upstream.intact(0));
  CHECK(relay->stats().down_bytes.get() == bytes);
  CHECK(relay->stats().up_bytes.get() == 0);
  CHECK(relay->stats().resets.get() == 0);
  if (bytes > 0) CHECK(relay->stats().pipe_capacity.get() > 0);
}

// The end comes while the pipe is full: it takes the end for "pipe full", empties it, and only then
// goes.
void end_behind_full_pipe() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 2, {.receive = 8192, .send = 0});
  ends.upstream.to_send = UINT64_MAX;
  ends.client.writing = ends.client.reading = ends.upstream.reading = false;
  drive(ends, 100);
  end_sending(ends.upstream);
  read_to_end(ends.client);
  CHECK(ends.client.intact(ends.upstream.sent));
}

// A full pipe and a client that does not read: it waits in select, it does not spin.
void sleeps_when_full() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 3, {.receive = 8192, .send = 0});
  ends.upstream.to_send = UINT64_MAX;
  ends.client.writing = ends.client.reading = ends.upstream.reading = false;
  drive(ends, 100);
  const uint64_t before = relay->sys().counter(Call::kSelect).calls.get();
  usleep(200'000);
  CHECK(relay->sys().counter(Call::kSelect).calls.get() - before < 10);
}

// Segments without number: the pipe is out of slots while it holds few bytes, which it reads as
// full, rightly here.
void small_segments() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 4, {.receive = 8192, .send = 0});
  set_nodelay(ends.upstream.fd.get(), true);
  ends.upstream.to_send = 300'000;
  ends.upstream.send_low = 1;
  ends.upstream.send_high = 100;
  ends.client.writing = ends.client.reading = false;
  drive(ends, 50);
  ends.client.reading = true;
  drive(ends);
  CHECK(ends.client.intact(300'000));
}

// What the client says goes nowhere, not even its end.
void client_end_is_not_seen() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 5);
  end_sending(ends.client);
  ends.upstream.end_after = false;
  ends.upstream.to_send = 100'000;
  drive_until_received({&ends.client, &ends.upstream}, ends.client, 100'000);
  CHECK(ends.client.received == 100'000 && !ends.client.eof);
  CHECK(ends.upstream.received == 0 && !ends.upstream.eof);
  end_sending(ends.upstream);
  read_to_end(ends.client);
  CHECK(ends.client.intact(100'000));
}

// It serves the second client when the first has gone.
void one_at_a_time() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends first = open_ends(*relay, listener.get(), 6);
  Peer second;
  second.fd = connect_to(relay->address());
  second.receive_seed = 99;
  usleep(50'000);
  CHECK(relay->stats().accepted.get() == 1);
  end_sending(first.upstream);
  read_to_end(first.client);
  Peer upstream;
  upstream.fd = accept_from(listener.get());
  upstream.send_seed = 99;
  upstream.to_send = 1000;
  drive({&upstream, &second});
  CHECK(second.intact(1000));
}

// What `two-chunks` asks for is what the writes show, and the bytes are the same.
void two_chunks(const std::string& wanted) {
  const Fd listener = listen_upstream();
  Settings settings;
  settings.set("two-chunks", wanted);
  const auto relay = start_relay("poc", local_address(listener.get()),
                                 RelayOptions{.settings = std::move(settings)});
  Ends ends = open_ends(*relay, listener.get(), 11);
  set_nodelay(ends.upstream.fd.get(), true);
  ends.upstream.to_send = 1'000'000;
  ends.upstream.send_low = 500;
  ends.upstream.send_high = 1500;
  ends.client.writing = false;
  drive(ends);
  CHECK(ends.client.intact(1'000'000));
  // Where neither is asked for nobody counts, as the original did not.
  if (wanted == "as-it-comes") {
    CHECK(relay->details().empty());
    return;
  }
  const uint64_t joined = detail(*relay, "joined_writes");
  CHECK(wanted == "force" ? joined > 0 : joined == 0);
}

// The end of a broken upstream: the program leaves its loop and closes the client in the ordinary
// way. A transfer that was cut looks complete; the length tells.
void broken_upstream_looks_ended() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 7);
  ends.upstream.to_send = 100'000;
  ends.upstream.end_after = false;
  ends.client.writing = ends.upstream.reading = false;
  drive_until_received({&ends.client, &ends.upstream}, ends.client, 100'000);
  reset(ends.upstream);
  read_to_end(ends.client);
  CHECK(ends.client.intact(100'000));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 1);
  CHECK(relay->stats().last_errno.get() == ECONNRESET);
}

void broken_client() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("poc", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 8);
  ends.upstream.to_send = UINT64_MAX;
  ends.client.reading = ends.client.writing = ends.upstream.reading = false;
  drive(ends, 50);
  reset(ends.client);
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().resets.get() == 1);
  // It goes on with the next one.
  Ends next = open_ends(*relay, listener.get(), 9);
  next.upstream.to_send = 100'000;
  next.client.writing = false;
  drive(next);
  CHECK(next.client.intact(100'000));
}

void refused() {
  Fd listener = listen_upstream();
  const Address upstream = local_address(listener.get());
  listener.reset();
  const auto relay = start_relay("poc", upstream);
  Peer client;
  client.fd = connect_to(relay->address());
  read_to_end(client);
  CHECK(client.received == 0);
  CHECK(relay->stats().connect_failures.get() == 1);
  CHECK(relay->stats().last_errno.get() == ECONNREFUSED);
  listener = listen_on(upstream, {});
  Ends next = open_ends(*relay, listener.get(), 10);
  next.upstream.to_send = 1000;
  next.client.writing = false;
  drive(next);
  CHECK(next.client.intact(1000));
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const uint64_t bytes : {0, 1, 16, 65535, 65536, 65537, 3'000'000}) {
    cases.run("poc: downloads " + std::to_string(bytes), 20, [&] { downloads(bytes, {}, 0); });
  }
  cases.run("poc: slow client", 30,
            [] { downloads(2'000'000, {.receive = 8192, .send = 0}, 200); });
  cases.run("poc: end behind full pipe", 20, end_behind_full_pipe);
  cases.run("poc: sleeps when full", 20, sleeps_when_full);
  cases.run("poc: small segments", 20, small_segments);
  cases.run("poc: client's end is not seen", 20, client_end_is_not_seen);
  cases.run("poc: two chunks at once", 20, [] { two_chunks("force"); });
  cases.run("poc: one chunk at once", 20, [] { two_chunks("prevent"); });
  cases.run("poc: chunks as they come", 20, [] { two_chunks("as-it-comes"); });
  cases.run("poc: one at a time", 20, one_at_a_time);
  cases.run("poc: broken upstream looks ended", 20, broken_upstream_looks_ended);
  cases.run("poc: broken client", 20, broken_client);
  cases.run("poc: upstream refuses", 20, refused);
  return cases.finish();
}
