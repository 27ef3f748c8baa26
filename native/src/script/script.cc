#include "script/script.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {
namespace {

// A connection must come up through the forwarder within this time.
constexpr uint64_t kConnectNs = 3'000'000'000;
constexpr int kLookMs = 20;

Address remote_address(int fd) {
  Address address;
  address.size = sizeof address.storage;
  getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
  return address;
}

SocketName name_of(int fd) {
  return {local_address(fd), remote_address(fd)};
}

}  // namespace

struct Script::Conversation {
  ConversationRecord record;
  std::unique_ptr<ScriptEnd> client;
  std::unique_ptr<ScriptEnd> server;
};

Script::Script(ScriptOptions options)
    : options_(std::move(options)),
      content_(make_stamped_content(options_.seed, {})),
      listener_(listen_on(options_.listen, options_.server_buffers)),
      observer_(options_.client_network, options_.forwarder_network, "") {}

Fd Script::accept_next(uint64_t deadline_ns) {
  while (!cancelled_ && monotonic_ns() < deadline_ns) {
    Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) return fd;
    pollfd readable{listener_.get(), POLLIN, 0};
    poll(&readable, 1, kLookMs);
  }
  return Fd();
}

// Reads the header that was declared, and not a byte of the stream. Why there is none; else empty.
std::string Script::take_prefix(int fd, Prefix version, uint64_t deadline_ns) {
  ProxyHeader header(version);
  int got = header.read(fd);
  while (got == -EAGAIN && !cancelled_ && monotonic_ns() < deadline_ns) {
    pollfd readable{fd, POLLIN, 0};
    poll(&readable, 1, kLookMs);
    got = header.read(fd);
  }
  if (got == 0) return "";
  const std::string none = "the forwarder sent no PROXY header of the declared version: ";
  if (got == -EAGAIN) return none + "nothing came within 3 s";
  if (got == -ENOMSG) return none + "its connection began with something else, or ended";
  if (got == -EPROTO) return none + "it is malformed or cut short";
  return none + errno_name(-got);
}

// Connections that nobody asked for would be taken for the next ones.
void Script::drain_backlog() {
  for (;;) {
    const Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
  }
}

// One after another, so that each client's is known from each server's.
std::unique_ptr<Script::Conversation> Script::open(const ScriptRun& run, uint32_t number) {
  auto made = std::make_unique<Conversation>();
  made->record.number = number;
  made->record.begin_ns = monotonic_ns();
  const uint64_t deadline = made->record.begin_ns + kConnectNs;
  Connecting connecting;
  {
    const InNamespace inside(options_.client_network);
    connecting = start_connect(run.address, run.client.buffers);
  }
  int refused = connecting.pending;
  if (refused == EINPROGRESS) {
    pollfd writable{connecting.fd.get(), POLLOUT, 0};
    const int ready = poll(&writable, 1, static_cast<int>(kConnectNs / 1'000'000));
    refused = ready == 1 ? socket_error(connecting.fd.get()) : ETIMEDOUT;
  }
  if (refused != 0) {
    made->record.failure = "connect " + run.address.text() + ": " + errno_name(refused);
    return made;
  }
  Fd accepted = accept_next(deadline);
  if (!accepted) {
    made->record.failure = "the forwarder made no connection to the server within 3 s";
    return made;
  }
  made->record.failure = take_prefix(accepted.get(), run.prefix, deadline);
  if (!made->record.failure.empty()) return made;
  made->record.connect_ns = monotonic_ns() - made->record.begin_ns;
  const Shared shared{
      {name_of(connecting.fd.get()), name_of(accepted.get()), run.direct}, &observer_, &cancelled_};
  made->client = std::make_unique<ScriptEnd>(std::move(connecting.fd), run.client, number,
                                             Direction::kUp, content_, shared);
  made->server = std::make_unique<ScriptEnd>(std::move(accepted), run.server, number,
                                             Direction::kDown, content_, shared);
  made->client->meet(made->server.get());
  made->server->meet(made->client.get());
  return made;
}

std::vector<ConversationRecord> Script::run(const ScriptRun& run) {
  std::vector<ConversationRecord> records;
  uint32_t number = run.first_number;
  for (uint32_t round = 0; round < run.rounds && !cancelled_; round++) {
    drain_backlog();
    std::vector<std::unique_ptr<Conversation>> open_now;
    for (uint32_t each = 0; each < run.connections && !cancelled_; each++) {
      open_now.push_back(open(run, number++ % kMaxConnections));
      // The others could only fail in the same way, after as long a time each.
      if (!open_now.back()->record.failure.empty()) break;
    }
    std::vector<std::thread> threads;
    for (auto& each : open_now) {
      if (!each->client) continue;
      threads.emplace_back([&each] { each->server->run(); });
      threads.emplace_back([&each] { each->client->run(); });
    }
    for (std::thread& thread : threads) thread.join();
    for (auto& each : open_now) {
      if (each->client) {
        each->client->close_socket();
        each->server->close_socket();
        const uint64_t up = each->client->sent(), down = each->server->sent();
        each->record.client = each->client->take_record(down);
        each->record.server = each->server->take_record(up);
      }
      records.push_back(std::move(each->record));
    }
  }
  return records;
}

}  // namespace splicebench
