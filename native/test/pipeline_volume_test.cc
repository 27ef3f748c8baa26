// A gibibyte through each mechanism, twice: stamped by a source and compared by a sink, and as raw
// bytes hashed at both ends by code that knows nothing of stamps.
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "counters/clock.h"
#include "endpoint/endpoint.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

void stamped(const std::string& mechanism, uint64_t bytes) {
  EndpointOptions from_options;
  from_options.listen = true;
  from_options.address = Address::parse("127.0.0.1", 0);
  from_options.send = SendMode::kContent;
  from_options.seed = 5;
  from_options.bytes = bytes;
  Endpoint from(from_options);
  const auto relay = start_relay(mechanism, from.address(), {.record = true});
  EndpointOptions to_options;
  to_options.address = relay->address();
  to_options.receive = ReceiveMode::kCheck;
  to_options.seed = 5;
  Endpoint to(to_options);
  const auto ended = [](const std::string& error) { CHECK(error.empty()); };
  LoopThread from_thread(
      {}, [&] { from.run(); }, ended);
  LoopThread to_thread(
      {}, [&] { to.run(); }, ended);
  to_thread.join();
  from_thread.join();
  resets_seen += relay->stats().resets.get();
  Checker& checker = *to.receivers()[0]->checker();
  CHECK(to.results()[0].orderly && from.results()[0].orderly);
  CHECK(to.results()[0].received == bytes && from.results()[0].sent == bytes);
  CHECK(checker.finish(bytes) == 0);
  CHECK(checker.totals().verified == bytes && checker.totals().incidents == 0);
  CHECK(checker.beyond_end() == 0);
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().down_bytes.get() == bytes);
}

// FNV-1a over 64-bit words.
class Hash {
 public:
  void add(const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i + 8 <= size; i += 8) {
      uint64_t word;
      memcpy(&word, bytes + i, 8);
      value_ = (value_ ^ word) * 0x100000001B3u;
      value_ ^= value_ >> 29;
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xCBF29CE484222325u;
};

constexpr size_t kPart = size_t{1} << 20;

void hashed(const std::string& mechanism, uint64_t bytes) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1);
  for (const Peer* peer : {&ends.client, &ends.upstream}) fcntl(peer->fd.get(), F_SETFL, 0);
  Hash sent;
  std::thread sender([&] {
    Random random(9);
    std::vector<uint8_t> part(kPart * 2);
    random.fill(part.data(), part.size());
    for (uint64_t done = 0; done < bytes; done += kPart) {
      // Another window of the noise each time, and its own number in front.
      uint8_t* window = part.data() + done / kPart * 4999 % kPart;
      memcpy(window, &done, sizeof(done));
      sent.add(window, kPart);
      for (size_t put = 0; put < kPart;) {
        const ssize_t now = send(ends.upstream.fd.get(), window + put, kPart - put, MSG_NOSIGNAL);
        CHECK(now > 0);
        if (now <= 0) return;
        put += static_cast<size_t>(now);
      }
    }
    shutdown(ends.upstream.fd.get(), SHUT_WR);
  });
  Hash received;
  uint64_t total = 0;
  std::vector<uint8_t> part(kPart);
  ssize_t got;
  while ((got = recv(ends.client.fd.get(), part.data(), kPart, MSG_WAITALL)) > 0) {
    received.add(part.data(), static_cast<size_t>(got));
    total += static_cast<uint64_t>(got);
  }
  sender.join();
  resets_seen += relay->stats().resets.get();
  CHECK(got == 0);
  CHECK(total == bytes);
  CHECK(received.value() == sent.value());
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const uint64_t bytes = argument(argc, argv, "--mib", 1024) << 20;
  for (const std::string& mechanism : all_mechanisms()) {
    cases.run(mechanism + ": stamped", 90, [&] { stamped(mechanism, bytes); });
    cases.run(mechanism + ": hashed", 90, [&] { hashed(mechanism, bytes); });
  }
  return cases.finish();
}
