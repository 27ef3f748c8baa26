// An endpoint that serves several arms in turn: only whose slice it is sends, what it gave arrives,
// and an arm that ends takes no other with it.
#include <unistd.h>

#include "counters/clock.h"
#include "pipeline_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kPatience = 10'000 * kMs;

EndpointOptions upstream(uint32_t arms, uint32_t connections) {
  EndpointOptions options = source(UINT64_MAX, connections);
  options.arms.assign(arms, {options.address, options.send, options.receive});
  options.hold = true;
  return options;
}

EndpointOptions downstream(Running& from, uint32_t connections) {
  EndpointOptions options = sink(from->address(), connections);
  for (const Address& address : from->addresses()) {
    options.arms.push_back({address, options.send, options.receive});
  }
  return options;
}

void await_started(Running& to, uint32_t arm, uint32_t connections) {
  const uint64_t deadline = monotonic_ns() + kPatience;
  while (to->slices().arm(arm).started.get() < connections && monotonic_ns() < deadline) {
    usleep(1000);
  }
  CHECK(to->slices().arm(arm).started.get() == connections);
}

SliceFigures slice(Running& from, Running& to, uint32_t arm) {
  const SliceOrder order{arm, 5 * kMs, 10 * kMs};
  to->begin_slice(order);
  from->begin_slice(order);
  const SliceFigures given = from->slices().wait_sent(kPatience);
  CHECK(given.complete && !given.ended);
  const SliceFigures got = to->slices().wait_received(given.sent, kPatience);
  CHECK(got.complete && got.received == given.sent);
  return got;
}

void turns(uint32_t connections) {
  constexpr uint32_t kArms = 3;
  Running from(upstream(kArms, connections));
  Running to(downstream(from, connections));
  for (uint32_t arm = 0; arm < kArms; ++arm) await_started(to, arm, connections);
  uint64_t before[kArms];
  for (uint32_t arm = 0; arm < kArms; ++arm) before[arm] = to->slices().arm(arm).received.get();
  uint32_t measured = 0;
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t arm = 0; arm < kArms; ++arm) {
      const SliceFigures got = slice(from, to, arm);
      CHECK(got.received > before[arm]);
      CHECK(got.first_ns != 0);
      // An end that was not given its CPU has nothing after the settle time.
      if (got.from_ns == 0) CHECK(got.bytes == 0);
      if (got.from_ns != 0) CHECK(got.from_ns >= got.first_ns && got.to_ns >= got.from_ns);
      measured += got.from_ns != 0;
      CHECK(got.last_ns >= got.to_ns && got.bytes <= got.received - before[arm]);
      before[arm] = got.received;
      for (uint32_t other = 0; other < kArms; ++other) {
        CHECK(to->slices().arm(other).received.get() == before[other]);
      }
    }
  }
  CHECK(measured > 0);
  from->stop();
  from.join();
  to.join();
  std::set<uint32_t> numbers;
  for (uint32_t i = 0; i < kArms * connections; ++i) {
    Checker* checker = to->receivers()[i]->checker();
    CHECK(checker->incidents().empty());
    CHECK(to->results()[i].orderly && from->results()[i].orderly);
    numbers.insert(checker->connection());
  }
  CHECK(numbers.size() == size_t{kArms} * connections);
}

// One arm is closed in the middle of its slice: whoever waits hears of it, and the other goes on.
void an_arm_ends() {
  Running from(upstream(2, 1));
  Running to(downstream(from, 1));
  for (uint32_t arm = 0; arm < 2; ++arm) await_started(to, arm, 1);
  from->begin_slice({0, 0, kPatience});
  from->end_arm(0);
  CHECK(!from->slices().wait_sent(kPatience).complete);
  to->begin_slice({0, 0, kMs});
  const SliceFigures got = to->slices().wait_received(UINT64_MAX - 1, kPatience);
  CHECK(!got.complete && got.ended);
  slice(from, to, 1);
  from->stop();
  from.join();
  to.join();
  CHECK(from->results()[0].error == ECANCELED && from->results()[1].orderly);
}

// Bytes that never come are waited for as long as the stall limit, no longer.
void bytes_that_never_come() {
  Running from(upstream(2, 1));
  Running to(downstream(from, 1));
  for (uint32_t arm = 0; arm < 2; ++arm) await_started(to, arm, 1);
  const SliceFigures got = slice(from, to, 0);
  const SliceFigures waited = to->slices().wait_received(got.received + 1, 50 * kMs);
  CHECK(!waited.complete && !waited.ended && waited.received == got.received);
  slice(from, to, 1);
}

// An arm without a forwarder is given up at once.
void an_arm_without_place() {
  Running from(upstream(2, 1));
  EndpointOptions options = downstream(from, 1);
  options.arms[0].address = Address::parse("127.0.0.1", 0);
  Running to(std::move(options));
  await_started(to, 1, 1);
  CHECK(to->slices().arm(0).ended.get() == 1);
  from->end_arm(0);
  slice(from, to, 1);
  from->stop();
  from.join();
  to.join();
  CHECK(to->results()[1].orderly);
}

// Each arm's bytes are made and taken in its own way, whatever those of the others are.
void arms_of_their_own() {
  EndpointOptions options = upstream(3, 2);
  options.arms[1].send = SendMode::kPrepared;
  options.arms[2].send = SendMode::kBuffer;
  const PageKind kind = PageKind::kSingle;
  if (pages_unavailable(kind).empty()) options.arms[1].pages = kind;
  Running from(std::move(options));
  EndpointOptions other = downstream(from, 2);
  other.arms[1].receive = ReceiveMode::kDiscard;
  other.arms[2].receive = ReceiveMode::kBuffer;
  Running to(std::move(other));
  for (uint32_t arm = 0; arm < 3; ++arm) await_started(to, arm, 2);
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t arm = 0; arm < 3; ++arm) slice(from, to, arm);
  }
  from->stop();
  from.join();
  to.join();
  for (uint32_t arm = 0; arm < 3; ++arm) CHECK(from->pages()[arm].has_value() == (arm == 1));
  for (uint32_t i = 0; i < 6; ++i) {
    Checker* checker = to->receivers()[i]->checker();
    CHECK((checker != nullptr) == (i < 2));
    CHECK(to->results()[i].orderly);
    CHECK(to->results()[i].received == from->results()[i].sent && to->results()[i].received > 0);
    if (!checker) continue;
    CHECK(checker->incidents().empty());
    CHECK(checker->totals().verified == to->results()[i].received);
  }
}

// Bytes that were not made for whoever checks them are held against their own arm alone.
void wrong_bytes_of_one_arm() {
  EndpointOptions options = upstream(2, 1);
  options.arms[1].send = SendMode::kBuffer;
  Running from(std::move(options));
  Running to(downstream(from, 1));
  for (uint32_t arm = 0; arm < 2; ++arm) await_started(to, arm, 1);
  for (uint32_t arm : {0, 1, 0}) slice(from, to, arm);
  from->stop();
  from.join();
  to.join();
  for (uint32_t arm = 0; arm < 2; ++arm) {
    Checker* checker = to->receivers()[arm]->checker();
    // A stretch that is wrong to its end is one incident, which the end closes.
    checker->finish(from->results()[arm].sent);
    CHECK((checker->totals().incidents > 0) == (arm == 1));
  }
}

}  // namespace

int main() {
  turns(1);
  turns(4);
  an_arm_ends();
  bytes_that_never_come();
  an_arm_without_place();
  arms_of_their_own();
  wrong_bytes_of_one_arm();
  printf("slices: %s\n", failures == 0 ? "ok" : "FAILED");
  return failures == 0 ? 0 : 1;
}
