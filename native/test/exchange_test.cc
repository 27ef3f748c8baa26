// Exchanges: client and server against each other, through forwarders, and against servers that are
// slow, wrong, or gone.
#include <unistd.h>

#include <chrono>

#include "counters/clock.h"
#include "peer_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

using Client = RunningPeer<Exchange>;

ExchangeOptions options_of(bool listen, const Address& address, uint32_t connections,
                           uint64_t request = 64, uint64_t response = 64) {
  auto options = peer_options<ExchangeOptions>(listen, address, connections);
  options.request = request;
  options.response = response;
  return options;
}

void nap(unsigned milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// Every byte of both ends was verified, and nothing but that.
void check_intact(Exchange& client, Exchange& server) {
  for (const auto& [receiving, sending] :
       {std::pair{&client, &server}, std::pair{&server, &client}}) {
    for (size_t i = 0; i < receiving->receivers().size(); ++i) {
      Checker& checker = *receiving->receivers()[i]->checker();
      const uint64_t sent = sending->results()[checker.connection()].sent;
      CHECK(sent > 0);
      CHECK(checker.finish(sent) == 0);
      CHECK(checker.totals().incidents == 0);
      CHECK(checker.totals().verified == sent);
      CHECK(receiving->results()[i].orderly);
    }
  }
}

// Runs for a while, then ends in order. Returns the responses that came in the window; each of them
// was due in it too, since it begins first and ends last.
uint64_t load(Client& client, double rate, unsigned milliseconds) {
  client->pace(rate);
  client->window().begin(monotonic_ns());
  const uint64_t before = client->exchanges().completed.get();
  client->go();
  nap(milliseconds);
  CHECK(eventually([&] { return client->exchanges().completed.get() > before; }));
  const uint64_t after = client->exchanges().completed.get();
  client->window().end(monotonic_ns());
  client->stop();
  client.join();
  return after - before;
}

void through(const char* mechanism, uint32_t connections, uint64_t request, uint64_t response,
             double rate) {
  const size_t before = open_descriptors();
  {
    RunningPeer<Exchange> server(
        make_exchange_server(options_of(true, any_port(), connections, request, response)));
    std::unique_ptr<Relay> relay;
    Address entry = server->address();
    if (mechanism) {
      relay = start_relay(mechanism, entry);
      entry = relay->address();
    }
    Client client(make_exchange_client(options_of(false, entry, connections, request, response)));
    CHECK(eventually([&] { return client->stats().started.get() == connections; }));
    const uint64_t done = load(client, rate, 300);
    server.join();
    CHECK(done > 0);
    CHECK(client->window().histogram().count() >= done);
    CHECK(client->exchanges().completed.get() == client->exchanges().issued.get());
    check_intact(*client, *server);
  }
  CHECK(open_descriptors() == before);
}

// Answers each 64 bytes with 64, and sleeps once when `stall_after` requests have come.
RawServer slow_server(unsigned stall_after, unsigned stall_ms) {
  return RawServer([=](Fd fd) {
    uint8_t buffer[64];
    for (unsigned n = 0;; ++n) {
      if (recv(fd.get(), buffer, sizeof(buffer), MSG_WAITALL) != sizeof(buffer)) return;
      if (n == stall_after) nap(stall_ms);
      if (send(fd.get(), buffer, sizeof(buffer), MSG_NOSIGNAL) != sizeof(buffer)) return;
    }
  });
}

// The proof against coordinated omission: 1,000 requests per second, one stall of 200 ms. About 200
// of 1,000 requests fall due meanwhile, so the stall is in the 99th percentile, although a client
// that waits for each response would have sent one of them.
void stall_is_seen_in_the_open_loop() {
  RawServer server = slow_server(500, 200);
  ExchangeOptions options = options_of(false, server.address(), 1);
  options.check = false;
  Client client(make_exchange_client(options));
  CHECK(eventually([&] { return client->stats().started.get() == 1; }));
  const uint64_t start = monotonic_ns();
  load(client, 1000, 1000);
  const uint64_t longest = (monotonic_ns() - start) / 1'000'000;  // a nap may last longer
  const Histogram& latency = client->window().histogram();
  CHECK(latency.count() >= 900 && latency.count() <= longest + 2);
  CHECK(latency.percentile(0.99) > 100'000'000);
  CHECK(latency.percentile(0.9) > 50'000'000);
  CHECK(latency.max() >= 195'000'000);
}

// The same stall in the closed loop: one request of many thousands.
void stall_is_one_request_in_the_closed_loop() {
  RawServer server = slow_server(500, 200);
  ExchangeOptions options = options_of(false, server.address(), 1);
  options.check = false;
  Client client(make_exchange_client(options));
  CHECK(eventually([&] { return client->stats().started.get() == 1; }));
  client->window().begin(monotonic_ns());
  client->go();
  CHECK(eventually([&] { return client->exchanges().completed.get() > 5000; }));
  client->window().end(monotonic_ns());
  client->stop();
  client.join();
  const Histogram& latency = client->window().histogram();
  CHECK(latency.count() > 4900);
  CHECK(latency.percentile(0.99) < 195'000'000);
  CHECK(latency.max() >= 195'000'000);
}

// More than the server can do: what was due and not sent counts too, as at least so late.
void overload_is_told() {
  RawServer server([](Fd fd) {
    uint8_t buffer[64];
    while (recv(fd.get(), buffer, sizeof(buffer), MSG_WAITALL) == sizeof(buffer)) {
      nap(5);
      if (send(fd.get(), buffer, sizeof(buffer), MSG_NOSIGNAL) != sizeof(buffer)) return;
    }
  });
  ExchangeOptions options = options_of(false, server.address(), 1);
  options.check = false;
  Client client(make_exchange_client(options));
  CHECK(eventually([&] { return client->stats().started.get() == 1; }));
  const uint64_t start = monotonic_ns();
  const uint64_t done = load(client, 2000, 500);
  CHECK(done <= (monotonic_ns() - start) / 5'000'000 + 1);
  CHECK(client->exchanges().unsent.get() > 5 * done);
  CHECK(client->window().histogram().count() > 900);
  CHECK(client->window().histogram().percentile(0.5) > 100'000'000);
}

// Far less than the server can do: nothing waits, whatever the requests before it did.
void open_loop_keeps_its_rate() {
  for (const uint32_t connections : {1u, 16u}) {
    RunningPeer<Exchange> server(make_exchange_server(options_of(true, any_port(), connections)));
    Client client(make_exchange_client(options_of(false, server->address(), connections)));
    CHECK(eventually([&] { return client->stats().started.get() == connections; }));
    load(client, 500, 1000);
    CHECK(client->window().histogram().count() >= 490);
    CHECK(client->exchanges().unsent.get() < 250);
    CHECK(client->exchanges().issued.get() > 250);
  }
}

void wrong_bytes_are_incidents() {
  RawServer server([](Fd fd) {
    uint8_t buffer[64];
    while (recv(fd.get(), buffer, sizeof(buffer), MSG_WAITALL) == sizeof(buffer)) {
      if (send(fd.get(), buffer, sizeof(buffer), MSG_NOSIGNAL) != sizeof(buffer)) return;
    }
  });
  Client client(make_exchange_client(options_of(false, server.address(), 1)));
  CHECK(eventually([&] { return client->stats().started.get() == 1; }));
  load(client, 0, 50);
  Checker& checker = *client->receivers()[0]->checker();
  CHECK(client->stats().incidents.get() <= checker.totals().incidents);
  checker.finish(UINT64_MAX);
  CHECK(checker.totals().incidents > 0);
  CHECK(checker.totals().verified < 64);
}

void reset_ends_it() {
  RawServer server([](Fd fd) {
    uint8_t buffer[64];
    for (int n = 0; n < 100; ++n) {
      if (recv(fd.get(), buffer, sizeof(buffer), MSG_WAITALL) != sizeof(buffer)) return;
      if (send(fd.get(), buffer, sizeof(buffer), MSG_NOSIGNAL) != sizeof(buffer)) return;
    }
    reset_on_close(fd.get());
  });
  ExchangeOptions options = options_of(false, server.address(), 1);
  options.check = false;
  Client client(make_exchange_client(options));
  client->go();
  client.join();
  CHECK(client->stats().failed.get() == 1);
  CHECK(!client->results()[0].orderly && is_reset(client->results()[0].error));
  CHECK(client->exchanges().completed.get() <= 100);
}

void early_end_ends_it() {
  RawServer server([](Fd fd) {
    uint8_t buffer[64];
    if (recv(fd.get(), buffer, sizeof(buffer), MSG_WAITALL) != sizeof(buffer)) return;
    send(fd.get(), buffer, 30, MSG_NOSIGNAL);
  });
  ExchangeOptions options = options_of(false, server.address(), 1);
  options.check = false;
  Client client(make_exchange_client(options));
  client->go();
  client.join();
  CHECK(client->exchanges().completed.get() == 0);
  CHECK(client->results()[0].received == 30);
}

void nobody_listens() {
  const Fd closed = listen_upstream();
  const Address address = local_address(closed.get());
  shutdown(closed.get(), SHUT_RDWR);
  Client client(make_exchange_client(options_of(false, address, 3)));
  client.join();
  CHECK(client->stats().failed.get() == 3);
  CHECK(client->results()[0].error == ECONNREFUSED);
}

// A server that takes the request and says nothing: only stop_now ends it.
void silence_does_not_hang() {
  std::atomic<bool> over{false};
  RawServer server([&](Fd fd) {
    while (!over) nap(5);
    fd.reset();
  });
  {
    Client client(make_exchange_client(options_of(false, server.address(), 1)));
    // Before its request is sent, a client that is told to stop has nothing to wait for.
    CHECK(eventually([&] { return client->exchanges().issued.get() == 1; }));
    client->go();
    client->stop();
    nap(50);
    CHECK(!client.ended());
    client->stop_now();
    client.join();
    CHECK(client->results()[0].error == ECANCELED);
  }
  over = true;
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const char* mechanism : {static_cast<const char*>(nullptr), "copy", "splice"}) {
    const std::string name = mechanism ? mechanism : "direct";
    cases.run(name + ": closed loop", 30, [&] { through(mechanism, 1, 64, 64, 0); });
    cases.run(name + ": open loop", 30, [&] { through(mechanism, 4, 64, 64, 2000); });
    cases.run(name + ": 100 connections", 30, [&] { through(mechanism, 100, 100, 1000, 0); });
    cases.run(name + ": large responses", 30, [&] { through(mechanism, 3, 1, 3'000'000, 0); });
    cases.run(name + ": large requests", 30, [&] { through(mechanism, 3, 3'000'000, 17, 0); });
  }
  cases.run("stall, open loop", 30, stall_is_seen_in_the_open_loop);
  cases.run("stall, closed loop", 30, stall_is_one_request_in_the_closed_loop);
  cases.run("rate", 30, open_loop_keeps_its_rate);
  cases.run("overload", 30, overload_is_told);
  cases.run("wrong bytes", 30, wrong_bytes_are_incidents);
  cases.run("reset", 30, reset_ends_it);
  cases.run("early end", 30, early_end_ends_it);
  cases.run("nobody listens", 30, nobody_listens);
  cases.run("silence", 30, silence_does_not_hang);
  return cases.finish();
}
