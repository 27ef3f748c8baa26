// Churn: short connections against each other, through forwarders, and against servers that cut
// them short, mix them up, reset them, or are gone.
#include <unistd.h>

#include <chrono>
#include <memory>

#include "peer_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

using End = RunningPeer<Churn>;

ChurnOptions options_of(bool listen, const Address& address, uint32_t connections, uint64_t body) {
  auto options = peer_options<ChurnOptions>(listen, address, connections);
  options.body = body;
  options.send = listen;
  options.receive = !listen;
  return options;
}

End end(const ChurnOptions& options) {
  return End(std::make_unique<Churn>(options));
}

enum class Way { kDown, kUp, kBoth };

void through(const char* mechanism, Way way, uint32_t connections, uint64_t body,
             uint64_t transfers) {
  const size_t before = open_descriptors();
  {
    ChurnOptions listening = options_of(true, any_port(), connections, body);
    listening.send = way != Way::kUp;
    listening.receive = way != Way::kDown;
    End server = end(listening);
    std::unique_ptr<Relay> relay;
    Address entry = server->address();
    if (mechanism) {
      relay = start_relay(mechanism, entry);
      entry = relay->address();
    }
    ChurnOptions connecting = options_of(false, entry, connections, body);
    connecting.send = listening.receive;
    connecting.receive = listening.send;
    connecting.transfers = transfers;
    End client = end(connecting);
    CHECK(eventually([&] { return client->stats().ended.get() == 1; }));
    client->go();
    client.join();
    server->stop();
    server.join();
    for (const ChurnResults* results : {&client->results(), &server->results()}) {
      CHECK(results->begun == transfers && results->whole == transfers);
      CHECK(results->failures.empty() && results->totals.incidents == 0);
    }
    const uint64_t bytes = transfers * body;
    const ChurnResults& up = server->results();
    const ChurnResults& down = client->results();
    if (way != Way::kUp) {
      CHECK(down.totals.verified == bytes && down.received_numbers == up.sent_numbers);
    }
    if (way != Way::kDown) {
      CHECK(up.totals.verified == bytes && up.received_numbers == down.sent_numbers);
    }
  }
  CHECK(open_descriptors() == before);
}

// `received` gets the client's counter of bytes.
ChurnResults results_against(std::function<void(Fd)> serve, uint64_t transfers, bool check,
                             std::atomic<const Counter*>* received = nullptr) {
  auto server = std::make_unique<RawServer>(std::move(serve));
  ChurnOptions options = options_of(false, server->address(), 2, 4096);
  options.transfers = transfers;
  options.check = check;
  End client = end(options);
  if (received) *received = &client->stats().received;
  client->go();
  client.join();
  server.reset();  // it reads the client's counter
  return client->results();
}

void send_stamped(const Fd& fd, uint32_t connection, uint64_t from, size_t size) {
  const auto content = make_stamped_content(42, {});
  std::vector<uint8_t> bytes(size);
  content->fill(connection, Direction::kDown, from, bytes.data(), size);
  CHECK(send(fd.get(), bytes.data(), size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
}

void cut_short() {
  for (const bool check : {true, false}) {
    uint32_t number = 0;
    const ChurnResults results = results_against(
        [&](Fd fd) {
          const uint32_t own = number++;
          send_stamped(fd, own, 0, own % 3 == 0 ? 1000 : 4096);
        },
        30, check);
    CHECK(results.begun == 30 && results.truncated == 10 && results.whole == 20);
    CHECK(results.failures.size() == 10 && results.failures[0].received == 1000);
    CHECK(results.failures[0].cut == 3096 && results.failures[0].error == 0);
    CHECK(results.totals.incidents == 0);
  }
}

void nothing_at_all() {
  const ChurnResults results = results_against([](Fd) {}, 5, true);
  CHECK(results.truncated == 5 && results.failures[0].cut == 4096);
  CHECK(results.cut_bytes == 5 * 4096 && results.beyond_bytes == 0);
}

void beyond_the_end() {
  uint32_t number = 0;
  const ChurnResults results =
      results_against([&](Fd fd) { send_stamped(fd, number++, 0, 5000); }, 5, true);
  CHECK(results.beyond + results.corrupt == 5 && results.whole == 0);
  CHECK(results.beyond_bytes == results.beyond * (5000 - 4096));
}

void wrong_bytes() {
  const ChurnResults results = results_against(
      [](Fd fd) {
        send_stamped(fd, 3, 0, 2048);
        send_stamped(fd, 9, 2048, 2048);
      },
      5, true);
  CHECK(results.corrupt == 5 && results.totals.incidents == 5);
  CHECK(results.incidents.size() == 5 && results.incidents[0].kind == IncidentClass::kForeign);
}

// A connection counts once, by the worst: wrong bytes come before how it ended.
void wrong_bytes_and_an_early_end() {
  for (const bool reset : {false, true}) {
    std::atomic<const Counter*> received = nullptr;
    uint64_t sent = 0;
    const ChurnResults results = results_against(
        [&](Fd fd) {
          send_stamped(fd, 3, 0, 1024);
          send_stamped(fd, 9, 1024, 512);
          send_stamped(fd, 3, 1536, 512);
          if (!reset) return;
          // Once all of it was read: a reset takes what is still under way with it.
          sent += 2048;
          CHECK(eventually([&] { return received.load() && received.load()->get() == sent; }));
          reset_on_close(fd.get());
        },
        5, true, &received);
    CHECK(results.corrupt == 5 && results.truncated == 0 && results.broken == 0);
    CHECK(results.begun == 5 && results.whole == 0 && results.totals.incidents == 5);
  }
}

// Each body is whole, but it is always the same one: only the numbers tell.
void mixed_up() {
  const ChurnResults same = results_against([](Fd fd) { send_stamped(fd, 0, 0, 4096); }, 6, true);
  uint32_t number = 0;
  const ChurnResults each =
      results_against([&](Fd fd) { send_stamped(fd, number++, 0, 4096); }, 6, true);
  CHECK(same.whole == 6 && each.whole == 6);
  CHECK(same.received_numbers != each.received_numbers);
}

void resets() {
  const ChurnResults results = results_against([](Fd fd) { reset_on_close(fd.get()); }, 20, true);
  CHECK(results.broken == 20 && results.whole == 0 && !results.gave_up);
  CHECK(is_reset(results.failures[0].error));
}

// Without an end of its own: nothing but failures must not go on for ever.
void gives_up() {
  const Fd closed = listen_upstream();
  const Address address = local_address(closed.get());
  shutdown(closed.get(), SHUT_RDWR);
  End client = end(options_of(false, address, 2, 4096));
  client->go();
  client.join();
  CHECK(client->results().gave_up && client->results().whole == 0);
  CHECK(client->results().broken > 100 && client->results().broken < 200);
  CHECK(client->results().failures.size() == 100);
  CHECK(client->results().failures[0].error == ECONNREFUSED);
}

// stop() lets what is under way come to its end; stop_now() does not wait.
void stops() {
  End server = end(options_of(true, any_port(), 4, 1 << 20));
  End client = end(options_of(false, server->address(), 4, 1 << 20));
  client->go();
  CHECK(eventually([&] { return client->whole() > 20; }));
  client->stop();
  client.join();
  CHECK(client->results().whole == client->results().begun);
  server->stop();
  server.join();
  CHECK(server->results().whole == server->results().begun);

  std::atomic<bool> over{false};
  RawServer silent([&](Fd fd) {
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    fd.reset();
  });
  {
    End waiting = end(options_of(false, silent.address(), 1, 4096));
    CHECK(eventually([&] { return waiting->stats().established.get() == 1; }));
    waiting->stop();
    waiting->stop_now();
    waiting.join();
    CHECK(waiting->results().broken == 1 && waiting->results().failures[0].error == ECANCELED);
  }
  over = true;
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const uint64_t transfers = argument(argc, argv, "--transfers", 2000);
  for (const char* mechanism : {static_cast<const char*>(nullptr), "copy", "splice"}) {
    const std::string name = mechanism ? mechanism : "direct";
    const auto run = [&](const char* what, Way way, uint32_t connections, uint64_t body,
                         uint64_t n) {
      cases.run(name + ": " + what, 60, [&] { through(mechanism, way, connections, body, n); });
    };
    run("download", Way::kDown, 16, 16384, transfers);
    run("upload", Way::kUp, 16, 16384, transfers);
    run("both ways", Way::kBoth, 16, 65536, transfers);
    run("one at a time", Way::kDown, 1, 4096, transfers / 4);
    run("least body", Way::kDown, 16, 16, transfers / 4);
    run("large bodies", Way::kBoth, 4, 5'000'000, 12);
  }
  cases.run("cut short", 30, cut_short);
  cases.run("nothing at all", 30, nothing_at_all);
  cases.run("beyond the end", 30, beyond_the_end);
  cases.run("wrong bytes", 30, wrong_bytes);
  cases.run("mixed up", 30, mixed_up);
  cases.run("wrong bytes and an early end", 30, wrong_bytes_and_an_early_end);
  cases.run("resets", 30, resets);
  cases.run("gives up", 30, gives_up);
  cases.run("stops", 30, stops);
  return cases.finish();
}
