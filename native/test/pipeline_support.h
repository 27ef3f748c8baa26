// An endpoint on a thread of its own, and the usual source and sink.
#pragma once

#include <cstdio>
#include <set>

#include "endpoint/endpoint.h"
#include "relay_support.h"

namespace splicebench::testing {

// An endpoint on its thread.
class Running {
 public:
  explicit Running(EndpointOptions options, bool start = true) : endpoint_(std::move(options)) {
    if (start) run();
  }
  ~Running() {
    if (!loop_) return;
    if (!ended_) endpoint_.stop_now();
    loop_->join();
  }
  void run() {
    loop_ = std::make_unique<LoopThread>(
        std::vector<int>{}, [this] { endpoint_.run(); },
        [this](std::string error) {
          error_ = std::move(error);
          ended_ = true;
        });
  }
  void join() {
    loop_->join();
    if (!error_.empty()) fprintf(stderr, "%s\n", error_.c_str());
    CHECK(error_.empty());
  }
  bool ended() const { return ended_; }
  uint64_t cpu_ns() const { return loop_->cpu_ns(); }
  Endpoint& operator*() { return endpoint_; }
  Endpoint* operator->() { return &endpoint_; }

 private:
  Endpoint endpoint_;
  std::atomic<bool> ended_{false};
  std::string error_;
  std::unique_ptr<LoopThread> loop_;
};

inline EndpointOptions source(uint64_t bytes, uint32_t connections = 1) {
  EndpointOptions options;
  options.listen = true;
  options.address = Address::parse("127.0.0.1", 0);
  options.connections = connections;
  options.seed = 42;
  options.send = SendMode::kContent;
  options.bytes = bytes;
  return options;
}

inline EndpointOptions sink(const Address& address, uint32_t connections = 1) {
  EndpointOptions options;
  options.address = address;
  options.connections = connections;
  options.seed = 42;
  options.receive = ReceiveMode::kCheck;
  return options;
}

// Every stream orderly and whole; the numbers that the streams were stamped with are all different.
inline void check_whole(Running& sender, Running& receiver, uint64_t bytes) {
  std::set<uint32_t> numbers;
  const size_t connections = receiver->results().size();
  CHECK(sender->results().size() == connections);
  for (size_t i = 0; i < connections; ++i) {
    const ConnectionResult& sent = sender->results()[i];
    const ConnectionResult& received = receiver->results()[i];
    CHECK(sent.orderly && sent.error == 0);
    CHECK(received.orderly && received.error == 0);
    if (bytes != UINT64_MAX) CHECK(sent.sent == bytes && received.received == bytes);
    Checker* checker = receiver->receivers()[i]->checker();
    if (!checker) continue;
    numbers.insert(checker->connection());
    CHECK(checker->finish(connections == 1 ? sent.sent : bytes) == 0);
    CHECK(checker->incidents().empty() && checker->beyond_end() == 0);
    CHECK(checker->totals().verified == received.received);
  }
  if (bytes > 0 && !numbers.empty()) CHECK(numbers.size() == connections);
  CHECK(sender->stats().failed.get() == 0 && receiver->stats().failed.get() == 0);
}

}  // namespace splicebench::testing
