// What a relay does when it fails itself, and when the kernel gives io_uring less than was asked.
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "denial.h"
#include "forward/flow.h"
#include "forward/uring_relay.h"
#include "relay_support.h"
#include "shipped_settings.h"
#include "uring/probe.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// What a loop runs with, without a mechanism of the registry.
struct Stage {
  Fd upstream = listen_upstream();
  Fd listener = listen_on(Address::parse("127.0.0.1", 0), {});
  Fd wake{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  ForwarderOptions options;
  Sys sys{false};
  ForwarderStats stats;
  std::atomic<bool> stop{false};

  Stage() { options.upstream = local_address(upstream.get()); }
  ForwarderContext context() { return {options, sys, stats, listener.get(), wake.get(), stop}; }
};

// Where memory runs out: as a flow is made, the second of a session, or as it moves bytes.
enum class Failing { kOpen, kMove };

struct FailingFlow final : Flow {
  PumpResult pump(int, int, size_t) override { throw std::bad_alloc(); }
  bool holds_data() const override { return false; }
};

struct FailingFlows final : FlowFactory {
  explicit FailingFlows(Failing where) : where_(where) {}
  std::unique_ptr<Flow> open(uint32_t id, Counter&) override {
    if (where_ == Failing::kOpen && id % 2 == 1) throw std::bad_alloc();
    return std::make_unique<FailingFlow>();
  }
  const Failing where_;
};

struct FailingUringFlow final : UringFlow {
  void complete(UringOp, const UringResult&) override {}
  void output_event() override {}
  UringProgress advance() override { throw std::bad_alloc(); }
  void abandon() override {}
};

struct FailingMechanism final : UringMechanism {
  explicit FailingMechanism(Failing where) : where_(where) {}
  std::unique_ptr<UringFlow> open(UringPort&, const UringEnds& ends, Counter&) override {
    if (where_ == Failing::kOpen && ends.serial % 2 == 1) throw std::bad_alloc();
    return std::make_unique<FailingUringFlow>();
  }
  const Failing where_;
};

// The loop ends by the exception, its client is reset, and no descriptor is left.
void exception_leaves_nothing(bool uring, Failing where) {
  Stage stage;
  Peer client;
  client.fd = connect_to(local_address(stage.listener.get()));
  CHECK(write(client.fd.get(), "x", 1) == 1);
  const size_t before = open_descriptors();
  std::string error;
  LoopThread thread(
      {},
      [&] {
        ForwarderContext context = stage.context();
        if (!uring) {
          FailingFlows flows(where);
          return run_relay(context, flows);
        }
        uring::Ring ring(stage.sys);
        uring::open_for_relay(ring);
        FailingMechanism mechanism(where);
        run_uring_relay(context, ring, mechanism);
      },
      [&](std::string text) { error = std::move(text); });
  thread.join();
  CHECK(error == std::bad_alloc().what());
  CHECK(stage.stats.accepted.get() == 1 && stage.stats.open.get() == 0);
  CHECK(open_descriptors() == before);
  read_to_end(client);
  CHECK(client.error == ECONNRESET);
}

// A mechanism whose loop cannot begin: what it had opened before, such as a mirror or a file, is
// closed when run() is over, and not when the forwarder goes.
void failed_start_leaves_nothing(const std::string& mechanism) {
  Stage stage;
  LoopThread thread(
      {},
      [&] {
        const std::string name = mechanism.substr(0, mechanism.find(' '));
        Settings settings = shipped_settings(name);
        read_settings(mechanism.substr(name.size()), settings);
        const auto forwarder = make_forwarder(name, settings);
        if (!deny(SYS_epoll_create1, EMFILE) || !deny(SYS_io_uring_setup, EMFILE)) {
          return unavailable("a loop that cannot begin", "seccomp is refused");
        }
        const size_t before = open_descriptors();
        ForwarderContext context = stage.context();
        int error = 0;
        try {
          forwarder->run(context);
        } catch (const SystemError& failure) {
          error = failure.code();
        }
        CHECK(error == EMFILE);
        CHECK(open_descriptors() == before);
      },
      [&](const std::string& error) { CHECK(error.empty()); });
  thread.join();
}

// A ring whose first submission the kernel does not take. Denied by its size: with the next it has
// another.
struct DeniedOnce final : UringMechanism {
  static constexpr int kFirst = 2;  // polls: of the listener and of the event to stop

  DeniedOnce(Stage& stage, uring::Ring& ring) : stage_(stage), ring_(ring) {}
  std::unique_ptr<UringFlow> open(UringPort&, const UringEnds&, Counter&) override {
    return nullptr;
  }
  void prepare_to_wait() override {
    if (turns_++ == 0) {
      denied_ = deny(SYS_io_uring_enter, EBUSY, kFirst);
    } else {
      ring_.next().user_data = UINT64_MAX;  // an operation that does nothing
    }
  }
  void submitted() override {
    CHECK(ring_.all_submitted());
    if (first_submitted_ == 0) first_submitted_ = turns_;
    stage_.stop = true;
  }

  Stage& stage_;
  uring::Ring& ring_;
  bool denied_ = false;
  unsigned turns_ = 0;
  unsigned first_submitted_ = 0;
};

// What submissions point to is kept until the kernel has taken them.
void denied_submission_keeps_its_memory() {
  Stage stage;
  LoopThread thread(
      {},
      [&] {
        ForwarderContext context = stage.context();
        uring::Ring ring(stage.sys);
        uring::open_for_relay(ring);
        DeniedOnce mechanism(stage, ring);
        run_uring_relay(context, ring, mechanism);
        if (!mechanism.denied_) return unavailable("denied submissions", "seccomp is refused");
        CHECK(mechanism.first_submitted_ == 2);
      },
      [&](const std::string& error) { CHECK(error.empty()); });
  thread.join();
}

// Each send in flight holds a whole buffer for a few bytes: what they hold is bounded, and what
// waited for that bound passes when the receiver takes what is in flight.
void buffers_in_flight_are_bounded() {
  constexpr uint64_t kMessage = 5000;  // too much to be moved behind another
  constexpr uint64_t kMessages = 200;
  constexpr uint64_t kMostSlabs = 32 + 2;  // of 2 MiB, two buffers each; some are just received
  const Fd listener = listen_upstream();
  const auto relay =
      start_relay("uring-zerocopy threshold=1 buffer=1048576", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 1, {.receive = 4096, .send = 0});
  ends.upstream.send_low = ends.upstream.send_high = kMessage;
  ends.upstream.end_after = ends.upstream.reading = false;
  const uint64_t before = relay->sys().counter(Call::kMmap).calls.get();
  const Counter& received = relay->sys().counter(Call::kUringRecv).bytes;
  // One at a time, so that each has a buffer of its own, until the relay takes no more.
  for (uint64_t i = 0; i < kMessages && received.get() == ends.upstream.sent; ++i) {
    ends.upstream.to_send += kMessage;
    drive({&ends.upstream});
    eventually([&] { return received.get() == ends.upstream.sent; }, 300);
  }
  CHECK(relay->sys().counter(Call::kMmap).calls.get() - before <= kMostSlabs);
  CHECK(received.get() > 40 * kMessage);  // else nothing was tried
  ends.upstream.end_after = ends.upstream.reading = true;
  const uint64_t sent = ends.upstream.sent;
  drive(ends);
  CHECK(ends.client.intact(sent) && ends.upstream.intact(0));
}

// Every buffer is held, and no memory for another: who finds none sleeps until one comes back.
void without_free_buffers(const std::string& mechanism) {
  constexpr int64_t kSlab = 2 << 20;
  constexpr uint64_t kBytes = 20 << 20;  // more than the sockets take
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism + " buffer=1048576", local_address(listener.get()));
  Ends full = open_ends(*relay, listener.get(), 1);
  Ends other = open_ends(*relay, listener.get(), 2);
  if (!deny(SYS_mmap, ENOMEM, kSlab, /*all_threads=*/true)) {
    return unavailable("a relay without memory", "seccomp is refused");
  }
  full.client.to_send = full.upstream.to_send = kBytes;
  full.client.reading = full.upstream.reading = false;
  drive(full, 100);
  other.client.to_send = other.upstream.to_send = 10'000;
  drive(other, 50);
  CHECK(other.client.received == 0 && other.upstream.received == 0);  // else nothing was tried
  const CallCounter& enter = relay->sys().counter(Call::kUringEnter);
  const uint64_t before = enter.calls.get();
  usleep(300'000);
  CHECK(enter.calls.get() - before < 30);
  full.client.reading = full.upstream.reading = true;
  drive({&full.client, &full.upstream, &other.client, &other.upstream});
  CHECK(full.client.intact(kBytes) && full.upstream.intact(kBytes));
  CHECK(other.client.intact(10'000) && other.upstream.intact(10'000));
}

// In a process of its own, for a denial cannot be undone.
void in_child(const std::function<void()>& body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const uint64_t before = failures;
    body();
    _exit(failures == before ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const std::vector<std::string> rings = available({"uring-copy", "uring-zerocopy threshold=1"});
  for (const Failing where : {Failing::kOpen, Failing::kMove}) {
    const std::string name = where == Failing::kOpen ? "a flow is made" : "bytes move";
    cases.run("exception as " + name, 10, [&] { exception_leaves_nothing(false, where); });
    if (rings.empty()) continue;
    cases.run("exception on a ring as " + name, 10, [&] { exception_leaves_nothing(true, where); });
  }
  for (const std::string& mechanism : relay_mechanisms()) {
    cases.run(mechanism + ": failed start", 10, [&] { failed_start_leaves_nothing(mechanism); });
  }
  for (const std::string& mechanism : rings) {
    cases.run(mechanism + ": no free buffers", 30,
              [&] { in_child([&] { without_free_buffers(mechanism); }); });
    if (mechanism != rings.back()) continue;
    cases.run("denied submission keeps its memory", 10, denied_submission_keeps_its_memory);
    if (!mechanism.starts_with("uring-zerocopy")) continue;
    cases.run("buffers in flight are bounded", 30, buffers_in_flight_are_bounded);
  }
  return cases.finish();
}
