// Many connections at once, many idle ones, and many one after another.
#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "counters/clock.h"
#include "posix/error.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// The descriptors this process may have, after asking for so many.
rlim_t allowed_descriptors(rlim_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  for (const rlim_t most : {std::max(limit.rlim_max, wanted), limit.rlim_max}) {
    const rlimit raised{.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, most)),
                        .rlim_max = most};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  }
  return limit.rlim_cur;
}

// A table of descriptors of its own for the calling thread: the limit holds for each.
void separate_descriptors() {
  if (unshare(CLONE_FILES) == -1) throw SystemError("unshare", "");
}

std::vector<Peer*> peers_of(std::vector<Ends>& all) {
  std::vector<Peer*> peers;
  for (Ends& ends : all) {
    peers.push_back(&ends.client);
    peers.push_back(&ends.upstream);
  }
  return peers;
}

// A size in kB from a file of lines "NAME: 123 kB".
uint64_t kilobytes(const char* path, const char* name) {
  FILE* file = fopen(path, "r");
  if (!file) return 0;
  char line[256];
  uint64_t value = 0;
  while (fgets(line, sizeof(line), file)) {
    if (strncmp(line, name, strlen(name)) == 0) sscanf(line + strlen(name), ": %lu", &value);
  }
  fclose(file);
  return value;
}

// `may_reset`: some sessions may end with a reset, which both they and the relay then say. No
// stream is ever passed off as complete that is not, and no byte is wrong.
void active(const std::string& mechanism, unsigned connections, uint64_t bytes, bool may_reset) {
  if (allowed_descriptors(connections * 8 + 200) < connections * 8 + 200) {
    return unavailable(mechanism + ": active connections", "the limit of descriptors");
  }
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  std::vector<Ends> all;
  for (unsigned i = 0; i < connections; ++i) {
    all.push_back(open_ends(*relay, listener.get(), i + 1));
    all.back().client.to_send = all.back().upstream.to_send = bytes;
    all.back().client.reading = i % 3 != 0;  // a third of them lets it pile up first
  }
  const std::vector<Peer*> peers = peers_of(all);
  drive(peers, 100);
  for (Peer* peer : peers) peer->reading = true;
  drive(peers);
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().accepted.get() == connections);
  CHECK(relay->stats().connect_failures.get() == 0);
  const uint64_t resets = relay->stats().resets.get();
  if (!may_reset) {
    for (const Peer* peer : peers) CHECK(peer->intact(bytes));
    CHECK(resets == 0);
    return;
  }
  uint64_t broken = 0;
  for (const Ends& ends : all) {
    for (const Peer* peer : {&ends.client, &ends.upstream}) {
      CHECK(peer->equal == peer->received);
      if (!peer->error) CHECK(peer->intact(bytes));
    }
    if (ends.client.error || ends.upstream.error) ++broken;
  }
  CHECK(broken <= resets && resets < connections);
  printf("%s: %lu of %u active sessions reset\n", mechanism.c_str(), resets, connections);
}

// The sanitizers map memory as well.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Behind many full outputs each flow holds a buffer. They must not all be large ones: what the
// kernel would have to map and clear for them is far more than what passes.
void held_back(const std::string& mechanism, uint64_t most_mib) {
  constexpr unsigned kConnections = 150;
  constexpr uint64_t kBytes = 8 << 20;  // more than the sockets take
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  std::vector<Ends> all;
  for (unsigned i = 0; i < kConnections; ++i) {
    all.push_back(open_ends(*relay, listener.get(), i + 1));
    all.back().client.to_send = 0;
    all.back().client.reading = false;
    all.back().upstream.to_send = kBytes;
  }
  const uint64_t before = kilobytes("/proc/self/status", "VmSize");
  const std::vector<Peer*> peers = peers_of(all);
  drive(peers, 500);
  const uint64_t held = (kilobytes("/proc/self/status", "VmSize") - before) >> 10;
  for (Peer* peer : peers) peer->reading = true;
  drive(peers);
  for (const Ends& ends : all) CHECK(ends.client.intact(kBytes));
  printf("%s: %lu MiB of buffers behind %u full outputs\n", mechanism.c_str(), held, kConnections);
  CHECK(held > 16);  // else nothing was tried
  CHECK(kSanitized || held <= most_mib);
}

// The upstream's ends of idle connections: each gets a byte and an end, and then answers in kind.
struct IdleUpstreams {
  std::vector<Peer> peers;
  std::atomic<bool> accepted{false};
  std::atomic<bool> received{false};

  void run(int listener) {
    std::vector<Peer*> all;
    for (size_t i = 0; i < peers.size(); ++i) {
      Peer& peer = peers[i];
      peer.fd = accept_from(listener);
      peer.receive_seed = i * 2;
      peer.send_seed = i * 2 + 1;
      peer.writing = false;
      peer.to_send = 1;
      all.push_back(&peer);
    }
    accepted = true;
    drive(all);
    received = true;
    for (Peer* peer : all) peer->writing = true;
    drive(all);
  }
};

void idle(const std::string& mechanism, unsigned wanted) {
  // Two for each session in the forwarder; four with both peers in the same table.
  const rlim_t limit = allowed_descriptors(wanted * 4 + 300);
  const bool separate = limit < wanted * 4 + 300;
  const auto connections = static_cast<unsigned>(std::min<rlim_t>(wanted, (limit - 60) / 2));
  if (connections < wanted) {
    // The host's limit, which no test can lift: as many as it allows are held, and it is said.
    printf("%s: the limit of descriptors, %lu, allows %u of %u idle connections\n",
           mechanism.c_str(), static_cast<unsigned long>(limit), connections, wanted);
  }
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()));
  relay.start([&] {
    if (separate) separate_descriptors();
  });
  std::vector<Peer> clients(connections);
  IdleUpstreams upstreams;
  upstreams.peers.resize(connections);
  const uint64_t slab = kilobytes("/proc/meminfo", "Slab");
  const auto heap = mallinfo2();
  std::thread upstream_side([&] {
    if (separate) separate_descriptors();
    upstreams.run(listener.get());
  });
  for (unsigned i = 0; i < connections; ++i) {
    clients[i].fd = connect_to(relay.address());
    clients[i].send_seed = i * 2;
    clients[i].receive_seed = i * 2 + 1;
    clients[i].to_send = 1;
    clients[i].reading = false;
    if (i % 256 == 0) CHECK(eventually([&] { return relay.stats().accepted.get() > i; }));
  }
  CHECK(eventually([&] { return upstreams.accepted.load(); }));
  CHECK(relay.stats().open.get() == connections);
  usleep(50'000);
  const auto now = mallinfo2();
  const auto each = [&](double bytes) { return bytes / connections; };
  const double ours = each(static_cast<double>(now.uordblks + now.hblkhd) -
                           static_cast<double>(heap.uordblks + heap.hblkhd));
  const double kernels = each(
      (static_cast<double>(kilobytes("/proc/meminfo", "Slab")) - static_cast<double>(slab)) * 1024);
  if (ours > 0) {  // a sanitizer's allocator does not tell
    printf(
        "%s: %u idle connections: %.0f bytes of this process each, %.0f of the kernel's for its "
        "two sockets and the peers' two, %lu pipes\n",
        mechanism.c_str(), connections, ours, kernels, relay.stats().pipes_created.get());
  }
  CHECK(relay.stats().pipes_created.get() == 0);
  const uint64_t cpu = relay.cpu_ns();
  usleep(100'000);
  CHECK(relay.cpu_ns() - cpu < 20'000'000);  // idle means idle
  std::vector<Peer*> all;
  for (Peer& client : clients) all.push_back(&client);
  drive(all);
  CHECK(eventually([&] { return upstreams.received.load(); }));
  // They took turns with few pipes.
  CHECK(relay.stats().pipes_created.get() <= (mechanism == "uring-splice" ? 16u : 2u));
  for (Peer* client : all) client->reading = true;
  drive(all);
  upstream_side.join();
  for (const Peer& client : clients) CHECK(client.intact(1));
  for (const Peer& upstream : upstreams.peers) CHECK(upstream.intact(1));
  CHECK(eventually([&] { return relay.stats().open.get() == 0; }));
  CHECK(relay.stats().resets.get() == 0 && relay.stats().copy_fallbacks.get() == 0);
  // Closed in the table that they belong to.
  for (Peer& upstream : upstreams.peers) {
    if (separate) upstream.fd.release();
  }
}

// Short connections, a window of them at a time, each with a half-close in between: the client asks
// and ends, the upstream answers after that end, and goes.
void churn(const std::string& mechanism, unsigned connections) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Random random(7);
  const uint64_t start = monotonic_ns();
  uint64_t bytes = 0;
  constexpr unsigned kWindow = 50;
  for (unsigned done = 0; done < connections; done += kWindow) {
    std::vector<Ends> all;
    all.reserve(kWindow);
    std::vector<uint64_t> asked;
    std::vector<uint64_t> answered;
    std::vector<Peer*> upstreams;
    for (unsigned i = 0; i < kWindow; ++i) {
      all.push_back(open_ends(*relay, listener.get(), done + i + 1));
      asked.push_back(random.range(4096, 65537));
      answered.push_back(random.range(4096, 65537));
      all.back().client.to_send = asked.back();
      all.back().upstream.writing = false;
      upstreams.push_back(&all.back().upstream);
    }
    std::vector<Peer*> asking = upstreams;
    for (Ends& ends : all) {
      ends.client.reading = false;
      asking.push_back(&ends.client);
    }
    drive(asking);
    for (unsigned i = 0; i < kWindow; ++i) {
      CHECK(all[i].upstream.intact(asked[i]));
      all[i].upstream.writing = true;
      all[i].upstream.to_send = answered[i];
      all[i].client.reading = true;
    }
    drive(upstreams);
    for (Peer* upstream : upstreams) upstream->fd.reset();  // gone before the answer was read
    std::vector<Peer*> clients;
    for (Ends& ends : all) clients.push_back(&ends.client);
    drive(clients);
    for (unsigned i = 0; i < kWindow; ++i) {
      CHECK(all[i].client.intact(answered[i]));
      bytes += asked[i] + answered[i];
    }
  }
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  CHECK(relay->stats().accepted.get() == connections);
  CHECK(relay->stats().resets.get() == 0);
  CHECK(relay->stats().down_bytes.get() + relay->stats().up_bytes.get() == bytes);
  const double seconds = static_cast<double>(monotonic_ns() - start) / 1e9;
  printf("%s: %u short connections in %.1f s (%.0f per second)\n", mechanism.c_str(), connections,
         seconds, connections / seconds);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const auto number = [&](const char* name, uint64_t otherwise) {
    return static_cast<unsigned>(argument(argc, argv, name, otherwise));
  };
  for (const std::string& mechanism : relay_mechanisms()) {
    // A known defect (docs/sockmap.md): with so many at once it may reset some.
    const bool may_reset = mechanism == "sockmap-paced";
    cases.run(mechanism + ": active", 120,
              [&] { active(mechanism, number("--active", 1000), 100 << 10, may_reset); });
    if (mechanism == "copy") {
      // Large ones up to a limit and small ones beyond it; all large would be 300 MiB.
      cases.run("copy: held back", 120, [&] { held_back("copy", 200); });
    }
    cases.run(mechanism + ": idle", 120, [&] { idle(mechanism, number("--idle", 10'000)); });
    cases.run(mechanism + ": churn", 120, [&] { churn(mechanism, number("--churn", 5000)); });
  }
  return cases.finish();
}
