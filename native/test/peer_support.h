// The ends of exchanges and of churn on threads of their own, and servers that misbehave.
#pragma once

#include <poll.h>

#include <cstdio>
#include <functional>
#include <thread>

#include "endpoint/churn.h"
#include "endpoint/exchange.h"
#include "relay_support.h"

namespace splicebench::testing {

// A client or server on its thread.
template <class P>
class RunningPeer {
 public:
  explicit RunningPeer(std::unique_ptr<P> peer)
      : peer_(std::move(peer)),
        loop_(
            std::vector<int>{}, [this] { peer_->run(); },
            [this](std::string error) {
              if (!error.empty()) fprintf(stderr, "%s\n", error.c_str());
              CHECK(error.empty());
              ended_ = true;
            }) {}
  ~RunningPeer() {
    if (!ended_) peer_->stop_now();
    loop_.join();
  }
  // Waits for its end by itself; a failure, and the end by force, when it does not come.
  void join() {
    CHECK(eventually([this] { return ended_.load(); }));
    if (!ended_) peer_->stop_now();
    loop_.join();
  }
  bool ended() const { return ended_; }
  P* operator->() { return peer_.get(); }
  P& operator*() { return *peer_; }

 private:
  std::unique_ptr<P> peer_;
  std::atomic<bool> ended_{false};
  LoopThread loop_;
};

// A server on raw sockets: `serve` gets each connection, one after another, and the descriptor of
// the next one is waited for until the object ends.
class RawServer {
 public:
  explicit RawServer(std::function<void(Fd)> serve)
      : listener_(listen_upstream()), thread_([this, serve = std::move(serve)] {
          while (!stop_) {
            pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
            if (poll(&waiting, 1, 20) != 1) continue;
            Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (fd) serve(std::move(fd));
          }
        }) {}
  ~RawServer() {
    stop_ = true;
    thread_.join();
  }
  Address address() const { return local_address(listener_.get()); }

 private:
  Fd listener_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

template <class Options>
Options peer_options(bool listen, const Address& address, uint32_t connections) {
  Options options;
  options.listen = listen;
  options.address = address;
  options.connections = connections;
  options.seed = 42;
  return options;
}

inline Address any_port() {
  return Address::parse("127.0.0.1", 0);
}

}  // namespace splicebench::testing
