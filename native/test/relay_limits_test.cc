// What a forwarder does when descriptors run out, and that a pipe never carries one connection's
// bytes into another's stream.
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <thread>

#include "counters/clock.h"
#include "forward/pipe.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// Leaves this process `spare` descriptors from now on.
void leave_descriptors(size_t spare) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  int number = 0;
  for (size_t free = 0; free < spare; ++number) free += fcntl(number, F_GETFD) == -1;
  limit.rlim_cur = static_cast<rlim_t>(number);
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

// Peers in a process of their own, since the limit is per process. `spare` is what the forwarder
// has besides its epoll; `peers` gets the forwarder's address.
void starve(const std::string& mechanism, size_t spare,
            const std::function<void(const Address&, int listener)>& peers,
            const std::function<void(const Relay&)>& judge) {
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()));
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const uint64_t before = failures;
    peers(relay.address(), listener.get());
    _exit(failures == before ? 0 : 1);
  }
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  leave_descriptors(spare + 1 + descriptors_of_its_own(mechanism));
  relay.start();
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(eventually([&] { return relay.stats().open.get() == 0; }));
  judge(relay);
  relay.stop();
  setrlimit(RLIMIT_NOFILE, &old);
}

Ends connect_ends(const Address& address, int listener, uint64_t seed) {
  Ends ends;
  ends.client.fd = connect_to(address);
  ends.upstream.fd = accept_from(listener);
  set_seeds(ends, seed);
  return ends;
}

// Room for two sessions and no pipe at all.
void without_pipes(const std::string& mechanism, size_t spare) {
  starve(
      mechanism, spare,
      [](const Address& address, int listener) {
        Ends first = connect_ends(address, listener, 1);
        Ends second = connect_ends(address, listener, 2);
        for (Ends* ends : {&first, &second}) {
          ends->client.to_send = 5 << 20;
          ends->upstream.to_send = 5 << 20;
          ends->client.reading = false;  // what is not taken must be kept somewhere
        }
        const std::vector<Peer*> all = {&first.client, &first.upstream, &second.client,
                                        &second.upstream};
        drive(all, 100);
        first.client.reading = second.client.reading = true;
        drive(all);
        for (const Peer* peer : all) CHECK(peer->intact(5 << 20));
      },
      [&](const Relay& relay) {
        if (mechanism == "splice" && spare == 4) {
          // Until one of the two had ended and left room for a pipe.
          CHECK(relay.stats().copy_fallbacks.get() > 0);
          CHECK(relay.sys().counter(Call::kSend).bytes.get() > 5 << 20);
        }
        CHECK(relay.stats().down_bytes.get() == 10 << 20);
        CHECK(relay.stats().up_bytes.get() == 10 << 20);
      });
}

// More clients than descriptors: those that do not fit wait, and none is turned away.
void more_clients_than_descriptors(const std::string& mechanism, size_t spare) {
  constexpr unsigned kClients = 12;
  starve(
      mechanism, spare,
      [](const Address& address, int listener) {
        std::vector<Peer> clients(kClients);
        std::vector<Peer*> all;
        for (unsigned i = 0; i < kClients; ++i) {
          clients[i].fd = connect_to(address);
          clients[i].send_seed = 1;
          clients[i].receive_seed = 2;
          clients[i].to_send = 100'000;
          all.push_back(&clients[i]);
        }
        // One at a time at the upstream: each frees what the next one needs.
        for (unsigned i = 0; i < kClients; ++i) {
          Peer upstream;
          upstream.fd = accept_from(listener);
          upstream.receive_seed = 1;
          upstream.send_seed = 2;
          upstream.to_send = 100'000;
          std::vector<Peer*> now = all;
          now.push_back(&upstream);
          drive(now, 0, [&] { return upstream.eof && upstream.ended_sending; });
          CHECK(upstream.intact(100'000));
        }
        drive(all);
        for (const Peer* client : all) CHECK(client->intact(100'000));
      },
      [&](const Relay& relay) {
        CHECK(relay.stats().accepted.get() == kClients);
        CHECK(relay.stats().connect_failures.get() == 0);
        CHECK(relay.stats().resets.get() == 0);
        CHECK(relay.stats().last_errno.get() == EMFILE);
      });
}

// A pipe that is kept for reuse makes room for a connection: three sessions, where a pipe was used
// before.
void kept_pipes_make_room() {
  starve(
      "splice", 6,
      [](const Address& address, int listener) {
        std::vector<Ends> all(3);
        std::vector<Peer*> peers;
        for (uint64_t i = 0; i < 3; ++i) {
          all[i] = connect_ends(address, listener, i + 1);
          for (Peer* peer : {&all[i].client, &all[i].upstream}) {
            peer->to_send = 50'000;
            peer->end_after = false;
            peers.push_back(peer);
          }
          drive_until_received(peers, all[i].client, 50'000);
          CHECK(all[i].client.received == 50'000);
        }
        for (Peer* peer : peers) peer->end_after = true;
        drive(peers);
        for (const Peer* peer : peers) CHECK(peer->intact(50'000));
      },
      [](const Relay& relay) { CHECK(relay.stats().pipes_created.get() > 0); });
}

// Nothing at all is free at first, and no session is there whose end could free something: the
// forwarder tries again by itself, without spinning.
void nothing_free_at_first(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()));
  Ends ends;
  ends.client.fd = connect_to(relay.address());
  set_seeds(ends, 3);
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  // One for epoll, and what the mechanism opens before it serves anybody.
  leave_descriptors(1 + descriptors_of_its_own(mechanism));
  relay.start();
  CHECK(eventually([&] { return relay.stats().last_errno.get() == EMFILE; }));
  usleep(300'000);
  CHECK(relay.stats().accepted.get() == 0);
  CHECK(relay.sys().counter(Call::kEpollWait).calls.get() < 30);
  CHECK(relay.sys().counter(Call::kUringEnter).calls.get() < 30);
  setrlimit(RLIMIT_NOFILE, &old);
  ends.upstream.fd = accept_from(listener.get());
  ends.client.to_send = ends.upstream.to_send = 10'000;
  drive(ends);
  CHECK(ends.client.intact(10'000) && ends.upstream.intact(10'000));
}

// A client that found no descriptor free is taken once there is one, though the session before it
// neither ends nor ever pauses.
void busy_session_delays_nobody(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends busy = open_ends(*relay, listener.get(), 6);
  CHECK(eventually([&] { return relay->stats().accepted.get() == 1; }));
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  leave_descriptors(1);  // the next client's own
  Ends next;
  next.client.fd = connect_to(relay->address());
  set_seeds(next, 7);
  CHECK(eventually([&] { return relay->stats().last_errno.get() == EMFILE; }));
  CHECK(relay->stats().accepted.get() == 1);
  setrlimit(RLIMIT_NOFILE, &old);
  // A byte at a time: the loop is woken for each, and never left without events for long.
  busy.client.to_send = UINT64_MAX;
  busy.client.send_low = busy.client.send_high = 1;
  busy.upstream.writing = busy.client.reading = false;
  const uint64_t until = monotonic_ns() + 20'000'000'000;  // only a failure waits for it
  drive({&busy.client, &busy.upstream}, 0,
        [&] { return relay->stats().accepted.get() == 2 || monotonic_ns() > until; });
  CHECK(relay->stats().accepted.get() == 2);
  reset(busy.client);
  next.upstream.fd = accept_from(listener.get());
  next.client.to_send = next.upstream.to_send = 10'000;
  drive(next);
  CHECK(next.client.intact(10'000) && next.upstream.intact(10'000));
}

// What has left it, both ways. While it has taken in no more, it had no CPU yet or was not held up:
// a time without a byte does not tell, and the case's deadline ends what never comes.
uint64_t moved_by(const Relay& relay) {
  return relay.stats().down_bytes.get() + relay.stats().up_bytes.get();
}

// A session that breaks with its pipe full; the next one would get that pipe if it were kept, and
// the broken one's bytes with it.
void broken_session_keeps_its_bytes(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  for (uint64_t round = 0; round < 20; ++round) {
    Ends broken = open_ends(*relay, listener.get(), 1000 + round);
    broken.upstream.to_send = broken.client.to_send = UINT64_MAX;
    broken.client.reading = broken.upstream.reading = false;
    const Call call = mechanism == "splice" ? Call::kSplice : Call::kUringSplice;
    const auto holds = [&] { return relay->sys().counter(call).bytes.get() > moved_by(*relay); };
    do {
      drive(broken, 15);
    } while ((mechanism == "splice" || mechanism == "uring-splice") && !holds());
    reset(round % 2 ? broken.client : broken.upstream);
    broken = {};
    CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
    Ends next = open_ends(*relay, listener.get(), 2000 + round);
    next.client.to_send = next.upstream.to_send = 300'000;
    drive(next);
    CHECK(next.client.intact(300'000));
    CHECK(next.upstream.intact(300'000));
  }
}

// Pipes go from session to session while all is in order: few serve many.
void pipes_are_reused() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("splice", local_address(listener.get()));
  for (uint64_t round = 0; round < 50; ++round) {
    Ends ends = open_ends(*relay, listener.get(), 3000 + round);
    ends.client.to_send = ends.upstream.to_send = 20'000;
    drive(ends);
    CHECK(ends.client.intact(20'000) && ends.upstream.intact(20'000));
  }
  CHECK(relay->stats().pipes_created.get() >= 1 && relay->stats().pipes_created.get() <= 2);
  CHECK(relay->stats().pipe_capacity.get() >= 4096);
}

// Pipes that were granted too small do not stay so, nor are they taken while there are larger ones.
void small_pipes_grow() {
  constexpr size_t kWanted = size_t{1} << 20;
  Sys sys(false);
  ForwarderStats stats;
  PipePool pool(sys, stats, kWanted);
  const auto give_small = [&] {
    std::optional<Pipe> small = make_pipe(sys, 4096);
    CHECK(small && small->capacity == 4096);
    pool.give_back_empty(small);
  };
  std::optional<Pipe> first = pool.take();
  if (!first || first->capacity < kWanted) {
    return unavailable("pipes that grow", "this host grants no pipe of 1 MiB");
  }
  const int end = first->write.get();
  pool.give_back_empty(first);
  give_small();
  std::optional<Pipe> large = pool.take();
  CHECK(large && large->write.get() == end);
  // Only small ones are left.
  std::optional<Pipe> small = pool.take();
  CHECK(small && small->capacity == kWanted);
  CHECK(small && sys.fcntl(small->write.get(), F_GETPIPE_SZ) == static_cast<int>(kWanted));
  for (std::optional<Pipe>* pipe : {&large, &small}) pool.give_back_empty(*pipe);
  CHECK(stats.pipes_created.get() == 1);
}

// Gives up, for this thread, the right to exceed the host's limits of pipes.
void drop_privileges() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2]{};
  CHECK(syscall(SYS_capset, &header, none) == 0);
}

// Where the host never grants the wanted size, a pipe is used as it is, mostly without asking
// again.
void pipes_small_for_good() {
  constexpr uint64_t kTakes = 1000;
  std::thread([] {
    drop_privileges();
    Sys sys(false);
    ForwarderStats stats;
    PipePool pool(sys, stats, size_t{1} << 30);
    std::optional<Pipe> pipe = pool.take();
    CHECK(pipe && pipe->capacity < size_t{1} << 30);
    const uint64_t before = sys.counter(Call::kFcntl).calls.get();
    for (uint64_t i = 0; i < kTakes && pipe; ++i) {
      pool.give_back_empty(pipe);
      pipe = pool.take();
    }
    const uint64_t asked = sys.counter(Call::kFcntl).calls.get() - before;
    CHECK(asked >= kTakes / PipePool::kTakesPerAttempt);
    CHECK(asked <= kTakes / PipePool::kTakesPerAttempt + 1);
  }).join();
}

// Sessions that end while `copy` holds their bytes, more than there are large buffers: the next
// flow still gets a large one.
void broken_sessions_give_buffers_back() {
  constexpr uint64_t kSessions = 40;  // two flows each; 64 buffers are large
  constexpr size_t kLarge = size_t{1} << 20;
  const Fd listener = listen_upstream();
  const auto relay = start_relay("copy", local_address(listener.get()), {.record = true});
  for (uint64_t i = 0; i < kSessions; ++i) {
    Ends ends = open_ends(*relay, listener.get(), 4000 + i);
    ends.upstream.to_send = ends.client.to_send = UINT64_MAX;
    ends.client.reading = ends.upstream.reading = false;
    do {
      drive(ends, 15);
    } while (relay->sys().counter(Call::kRecv).bytes.get() <= moved_by(*relay));
    reset(ends.client);
    ends = {};
    CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  }
  Ends next = open_ends(*relay, listener.get(), 5000);
  next.client.to_send = next.upstream.to_send = 300'000;
  drive(next);
  CHECK(next.client.intact(300'000) && next.upstream.intact(300'000));
  relay->stop();
  unsigned receives = 0;
  for (const RecordedCall& call : relay->sys().recorder().calls()) {
    if (call.call != Call::kRecv || call.flow / 2 != kSessions) continue;
    CHECK(call.asked == kLarge);
    ++receives;
  }
  CHECK(receives > 0);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const std::string& mechanism : relay_mechanisms()) {
    // With 4, and with 5 for an odd one out, pipes cannot be made; with 8 some can.
    for (const size_t spare : {4, 5, 6, 8}) {
      cases.run(mechanism + ": two sessions in " + std::to_string(spare) + " descriptors", 30,
                [&] { without_pipes(mechanism, spare); });
    }
    for (const size_t spare : {2, 3, 4, 5, 6, 7, 9}) {
      cases.run(mechanism + ": more clients than " + std::to_string(spare) + " descriptors", 30,
                [&] { more_clients_than_descriptors(mechanism, spare); });
    }
    cases.run(mechanism + ": nothing free at first", 30, [&] { nothing_free_at_first(mechanism); });
    cases.run(mechanism + ": busy session delays nobody", 30,
              [&] { busy_session_delays_nobody(mechanism); });
    cases.run(mechanism + ": broken session keeps its bytes", 60,
              [&] { broken_session_keeps_its_bytes(mechanism); });
  }
  cases.run("kept pipes make room", 30, kept_pipes_make_room);
  cases.run("pipes are reused", 30, pipes_are_reused);
  cases.run("small pipes grow", 10, small_pipes_grow);
  cases.run("pipes small for good", 10, pipes_small_for_good);
  cases.run("broken sessions give buffers back", 30, broken_sessions_give_buffers_back);
  return cases.finish();
}
