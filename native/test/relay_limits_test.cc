// What a forwarder does when descriptors run out, and that a pipe never carries one connection's
// bytes into another's stream.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

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
          drive(peers, 50);
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

// A session that breaks with its pipe full; the next one would get that pipe if it were kept, and
// the broken one's bytes with it.
void broken_session_keeps_its_bytes(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  for (uint64_t round = 0; round < 20; ++round) {
    Ends broken = open_ends(*relay, listener.get(), 1000 + round);
    broken.upstream.to_send = broken.client.to_send = UINT64_MAX;
    broken.client.reading = broken.upstream.reading = false;
    drive(broken, 15);
    const Call call = mechanism == "splice" ? Call::kSplice : Call::kUringSplice;
    const uint64_t fills = relay->sys().counter(call).bytes.get();
    CHECK((mechanism != "splice" && mechanism != "uring-splice") ||
          fills > relay->stats().down_bytes.get() + relay->stats().up_bytes.get());
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
    cases.run(mechanism + ": broken session keeps its bytes", 60,
              [&] { broken_session_keeps_its_bytes(mechanism); });
  }
  cases.run("kept pipes make room", 30, kept_pipes_make_room);
  cases.run("pipes are reused", 30, pipes_are_reused);
  return cases.finish();
}
