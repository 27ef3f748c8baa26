// The forwarder's own figures against what really passed: bytes, calls, what became of zero-copy
// sends, the flight recorder, and the kernel's count of system calls.
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <optional>

#include "counters/perf_syscalls.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

uint64_t moving_calls(const CallCounter& counter) {
  uint64_t sum = 0;
  for (const Counter& bucket : counter.histogram) sum += bucket.get();
  return sum;
}

void byte_counts(const std::string& mechanism, const RelayOptions& options) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()), options);
  const uint64_t down = 5'000'001;
  const uint64_t up = mechanism == "poc" ? 0 : 3'000'007;
  Ends ends = open_ends(*relay, listener.get(), 1);
  ends.upstream.to_send = down;
  ends.client.to_send = up;
  ends.client.writing = up > 0;
  drive(ends);
  CHECK(ends.client.intact(down) && ends.upstream.intact(up));
  relay->stop();
  CHECK(relay->stats().down_bytes.get() == down);
  CHECK(relay->stats().up_bytes.get() == up);
  const Sys& sys = relay->sys();
  const CallCounter& splice = sys.counter(Call::kSplice);
  const CallCounter& recv = sys.counter(Call::kRecv);
  const CallCounter& send = sys.counter(Call::kSend);
  const CallCounter& ring_recv = sys.counter(Call::kUringRecv);
  const CallCounter& ring_send = sys.counter(Call::kUringSend);
  const CallCounter& ring_zerocopy = sys.counter(Call::kUringSendZerocopy);
  const CallCounter& ring_splice = sys.counter(Call::kUringSplice);
  if (mechanism == "sockmap-paced") {
    // Up to its limit the kernel moves them without a call.
    CHECK(recv.bytes.get() == send.bytes.get() && recv.bytes.get() < down + up);
    CHECK(splice.calls.get() == 0);
    return;
  }
  if (mechanism == "copy") {
    CHECK(recv.bytes.get() == down + up && send.bytes.get() == down + up);
    CHECK(splice.calls.get() == 0);
  } else if (mechanism == "uring-copy" || mechanism == "uring-zerocopy") {
    CHECK(ring_recv.bytes.get() == down + up);
    // Zero copy sends what is small by copying.
    CHECK(ring_send.bytes.get() + ring_zerocopy.bytes.get() == down + up);
    if (mechanism == "uring-copy") CHECK(ring_zerocopy.calls.get() == 0);
    if (mechanism == "uring-zerocopy" && options.buffer == 0) CHECK(ring_zerocopy.calls.get() > 0);
    CHECK(splice.calls.get() + recv.calls.get() + send.calls.get() == 0);
  } else if (mechanism == "uring-splice") {
    CHECK(ring_splice.bytes.get() == 2 * (down + up));
    CHECK(splice.calls.get() + send.calls.get() + ring_send.calls.get() == 0);
    CHECK(recv.bytes.get() == 0);
  } else {
    CHECK(splice.bytes.get() == 2 * (down + up));
    // splice asks for each end of a stream twice.
    CHECK(recv.calls.get() == (mechanism == "poc" ? 0 : 2) && recv.bytes.get() == 0);
    CHECK(send.calls.get() == 0);
  }
  for (const CallCounter* counter :
       {&splice, &recv, &send, &ring_recv, &ring_send, &ring_zerocopy, &ring_splice}) {
    // uring-splice also looks for bytes that a splice does not pass, and takes none.
    if (mechanism == "uring-splice" && counter == &recv) continue;
    // Calls that moved nothing said EAGAIN or saw the end of a stream, of which there are two.
    const uint64_t moving = moving_calls(*counter);
    CHECK(counter->calls.get() >= moving + counter->eagain.get());
    CHECK(counter->calls.get() <= moving + counter->eagain.get() + 2);
  }
  CHECK(sys.counter(Call::kAccept).calls.get() > sys.counter(Call::kAccept).eagain.get());
  CHECK(sys.counter(Call::kConnect).calls.get() == 1);
}

// A histogram's bucket k holds calls of more than 2^(k-1) and at most 2^k bytes.
void histogram() {
  const Fd listener = listen_upstream();
  const auto relay = start_relay("copy", local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 2);
  ends.client.end_after = ends.upstream.end_after = false;
  for (const uint64_t size : {1, 2, 3, 4, 5, 1024, 1025}) {
    ends.client.to_send += size;
    drive({&ends.client, &ends.upstream}, 0,
          [&] { return ends.upstream.received == ends.client.to_send; });
  }
  end_sending(ends.client);
  end_sending(ends.upstream);
  drive(ends);
  relay->stop();
  const std::map<size_t, uint64_t> expected = {{0, 1}, {1, 1}, {2, 2}, {3, 1}, {10, 1}, {11, 1}};
  const auto& buckets = relay->sys().counter(Call::kSend).histogram;
  for (size_t k = 0; k < buckets.size(); ++k) {
    const auto found = expected.find(k);
    CHECK(buckets[k].get() == (found == expected.end() ? 0 : found->second));
  }
}

// The recorder holds the last calls, in their order, with offsets that follow from each other. A
// splice that fills asks for far more than one that drains.
void recorder(const std::string& mechanism, uint64_t bytes) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()),
                                 {.pipe = 65536, .buffer = 8192, .record = true});
  Ends ends = open_ends(*relay, listener.get(), 3);
  ends.upstream.to_send = bytes;
  ends.upstream.send_high = ends.upstream.send_low = 9000;
  drive(ends);
  CHECK(ends.client.intact(bytes));
  relay->stop();
  const std::vector<RecordedCall> calls = relay->sys().recorder().calls();
  const Sys& sys = relay->sys();
  uint64_t made = 0;
  for (const Call call : {Call::kSplice, Call::kRecv, Call::kSend, Call::kUringSplice,
                          Call::kUringRecv, Call::kUringSend, Call::kUringSendZerocopy}) {
    // Splicing ones look with recv, which moves nothing.
    if (mechanism.ends_with("splice") && call == Call::kRecv) continue;
    made += sys.counter(call).calls.get();
  }
  CHECK(calls.size() == std::min<uint64_t>(made, 1 << 14));
  std::map<std::pair<uint32_t, bool>, uint64_t> next;  // by flow and whether it fills
  uint64_t time = 0;
  for (const RecordedCall& call : calls) {
    CHECK(call.time_ns >= time);
    time = call.time_ns;
    const bool splices = call.call == Call::kSplice || call.call == Call::kUringSplice;
    const bool fills = call.call == Call::kRecv || call.call == Call::kUringRecv ||
                       (splices && call.asked >= uint32_t{1} << 20);
    const auto key = std::make_pair(call.flow, fills);
    if (next.contains(key)) CHECK(call.offset == next[key]);
    next[key] = call.offset + (call.got > 0 ? static_cast<uint64_t>(call.got) : 0);
    CHECK(call.got == -EAGAIN || (call.got >= 0 && call.got <= int64_t{call.asked}));
  }
  CHECK(!calls.empty());
  CHECK((next[{0, true}] == bytes) && (next[{0, false}] == bytes));
}

// A frozen recorder keeps what it had, whatever passes, until it is thawed; and it knows whose the
// flows are.
void frozen_recorder(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()), {.record = true});
  Ends ends = open_ends(*relay, listener.get(), 3);
  const uint16_t port = local_address(ends.client.fd.get()).port();
  ends.upstream.to_send = 100'000;
  ends.upstream.end_after = false;
  drive({&ends.client, &ends.upstream}, 0, [&] { return ends.client.received == 100'000; });
  // What has arrived may have been sent by a call that has not returned yet.
  CHECK(eventually([&] { return relay->stats().down_bytes.get() == 100'000; }));
  relay->sys().recorder().freeze();
  ends.upstream.to_send = 300'000;
  drive({&ends.client, &ends.upstream}, 0, [&] { return ends.client.received == 300'000; });
  CHECK(eventually([&] { return relay->stats().down_bytes.get() == 300'000; }));
  relay->sys().recorder().thaw();
  ends.upstream.to_send = 350'000;
  ends.upstream.end_after = true;
  drive(ends);
  CHECK(ends.client.intact(350'000));
  relay->stop();
  uint64_t in = 0;
  uint64_t out = 0;
  for (const RecordedCall& call : relay->sys().recorder().calls()) {
    CHECK(relay->sys().recorder().client_port(call.flow / 2) == port);
    if (call.flow % 2 == 0 && call.got > 0)
      (call.side == CallSide::kOut ? out : in) += static_cast<uint64_t>(call.got);
  }
  CHECK(in == 150'000 && out == 150'000);
  CHECK(!relay->sys().recorder().client_port(7));
}

// Whatever a mechanism does with the bytes between, what it took from the input and what it gave to
// the output are each the stream once, from its beginning to its end. Behind an urgent byte those
// that splice see an end of the stream that is none yet, and look: that takes nothing.
void sides(const std::string& mechanism) {
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()), {.record = true});
  Ends ends;
  set_seeds(ends, 3);
  Peer& sender = ends.client;
  sender.fd = connect_to(relay.address());
  sender.reading = sender.end_after = false;
  // All of it is there before the relay looks.
  for (const bool last : {false, true}) {
    sender.to_send += 20'000;
    drive(std::vector<Peer*>{&sender});
    if (!last) CHECK(send(sender.fd.get(), "!", 1, MSG_OOB) == 1);
  }
  end_sending(sender);
  relay.start();
  ends.upstream.fd = accept_from(listener.get());
  read_to_end(ends.upstream);
  CHECK(ends.upstream.intact(40'000));
  relay.stop();
  std::map<CallSide, uint64_t> moved;
  for (const RecordedCall& call : relay.sys().recorder().calls()) {
    if (call.flow % 2 != 1 || call.got <= 0 || call.side == CallSide::kWithin) continue;
    CHECK(call.offset == moved[call.side]);
    moved[call.side] += static_cast<uint64_t>(call.got);
  }
  CHECK(moved[CallSide::kIn] == 40'000);
  CHECK(moved[CallSide::kOut] == 40'000);
}

// What is looked at is not moved, and has no place in the recorder.
void a_look() {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const Fd in(ends[0]);
  const Fd out(ends[1]);
  CHECK(write(out.get(), "ab", 2) == 2);
  Sys sys(true);
  CHECK(sys.look(in.get()) == 1);
  CHECK(sys.counter(Call::kRecv).calls.get() == 1);
  CHECK(sys.counter(Call::kRecv).bytes.get() == 0 && sys.recorder().calls().empty());
}

std::optional<uint64_t> tracepoint() {
  for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    FILE* file = fopen((std::string(root) + "/events/raw_syscalls/sys_enter/id").c_str(), "r");
    if (!file) continue;
    unsigned long id = 0;
    const bool read = fscanf(file, "%lu", &id) == 1;
    fclose(file);
    if (read) return id;
  }
  return std::nullopt;
}

// Whether a thread of this process sleeps; one that merely has no CPU does not.
bool sleeps(pid_t thread) {
  FILE* file = fopen(("/proc/self/task/" + std::to_string(thread) + "/stat").c_str(), "r");
  if (!file) return false;
  char state = 0;
  const bool read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
  fclose(file);
  return read && state == 'S';
}

// Between two moments at which the loop sleeps, every call is one of ours.
void kernel_count(const std::string& mechanism) {
  const std::optional<uint64_t> id = tracepoint();
  if (!id) return unavailable(mechanism + ": kernel's count of calls", "no readable tracefs");
  const Fd listener = listen_upstream();
  Relay relay(mechanism, local_address(listener.get()));
  std::unique_ptr<PerfSyscalls> perf;
  std::atomic<pid_t> thread{0};
  relay.start([&] {
    perf = std::make_unique<PerfSyscalls>(*id, gettid(), false);
    thread = gettid();
  });
  CHECK(eventually([&] { return thread.load() != 0; }));
  if (!perf->ok()) return unavailable(mechanism + ": kernel's count of calls", perf->error());
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return;  // a sanitizer's allocator calls the kernel on its own account
#endif
  const auto round = [&](uint64_t seed) {
    Ends ends = open_ends(relay, listener.get(), seed);
    ends.upstream.to_send = 20'000'000;
    ends.client.to_send = mechanism == "poc" ? 0 : 5'000'000;
    ends.client.writing = mechanism != "poc";
    ends.client.receive_most = 7000;
    drive(ends);
    CHECK(ends.client.intact(20'000'000));
    CHECK(eventually([&] { return relay.stats().open.get() == 0; }));
    // Until the loop sleeps: the call it sleeps in is entered, and not yet ours.
    CHECK(eventually([&] {
      const std::optional<uint64_t> before = perf->count();
      usleep(50'000);
      return before && sleeps(thread) && perf->count() == before;
    }));
  };
  round(1);
  const uint64_t ours_before = relay.sys().system_calls();
  const std::optional<uint64_t> kernels_before = perf->count();
  for (uint64_t i = 2; i < 6; ++i) round(i);
  const uint64_t ours = relay.sys().system_calls() - ours_before;
  const std::optional<uint64_t> kernels = perf->count();
  CHECK(kernels && kernels_before);
  CHECK(ours > 100);  // a megabyte at most per call
  if (*kernels - *kernels_before != ours) {
    fprintf(stderr, "%s: the kernel counted %llu calls, we %llu\n", mechanism.c_str(),
            static_cast<unsigned long long>(*kernels - *kernels_before),
            static_cast<unsigned long long>(ours));
  }
  CHECK(*kernels - *kernels_before == ours);
  relay.stop();
}

// Where tracefs is not mounted and we may mount it: for this process alone, in a mount namespace of
// its own, so that the host stays as it was.
void mount_tracefs() {
  if (tracepoint() || unshare(CLONE_NEWNS) == -1) return;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1) return;
  // A failure shows where the id is read.
  if (mount("none", "/sys/kernel/tracing", "tracefs", 0, nullptr) == -1) return;
}

// Completions come for ranges of sends, late and in any order: each send is counted once, and as
// copied, which is what the kernel does with all that stays on its host. The streams stay open: at
// their end nobody waits for completions.
void zero_copy_count(const std::string& mechanism, bool asks) {
  const Fd listener = listen_upstream();
  RelayOptions options;
  options.settings.set("threshold", asks ? 1.0 : 1e9);
  const auto relay = start_relay(mechanism, local_address(listener.get()), options);
  const uint64_t down = 40'000'001;
  Ends ends = open_ends(*relay, listener.get(), 1);
  ends.upstream.to_send = down;
  ends.upstream.end_after = ends.client.end_after = false;
  drive({&ends.client, &ends.upstream}, 0, [&] { return ends.client.received == down; });
  CHECK(ends.client.equal == down);
  // The relay may not have counted yet what has arrived.
  CHECK(eventually([&] { return relay->stats().down_bytes.get() == down; }));
  const bool ring = mechanism == "uring-zerocopy";
  const CallCounter& calls = relay->sys().counter(ring ? Call::kUringSendZerocopy : Call::kSend);
  // Without the memory for another completion a send copies, and says so.
  const auto fallbacks = [&] { return ring ? 0 : detail(*relay, "zerocopy_fallbacks"); };
  const uint64_t sends = asks ? moving_calls(calls) - fallbacks() : 0;
  CHECK(eventually([&] { return detail(*relay, "zerocopy_sends") >= sends; }));
  CHECK(detail(*relay, "zerocopy_sends") == sends);
  CHECK(detail(*relay, "zerocopy_copied") == sends);
  CHECK(!asks || sends > 0);
  if (!ring) return;
  CHECK(detail(*relay, "zerocopy_bytes") == calls.bytes.get());
  CHECK(detail(*relay, "zerocopy_bytes_copied") == calls.bytes.get());
  // What it refused went out all the same.
  if (detail(*relay, "zerocopy_refused") == 0) CHECK(calls.bytes.get() == (asks ? down : 0));
}

}  // namespace

int main(int argc, char** argv) {
  mount_tracefs();
  Cases cases(argc, argv);
  for (const std::string& mechanism :
       available({"splice", "copy", "poc", "uring-copy", "uring-zerocopy", "uring-splice"})) {
    cases.run(mechanism + ": bytes", 20, [&] { byte_counts(mechanism, {}); });
    cases.run(mechanism + ": bytes in small pieces", 20,
              [&] { byte_counts(mechanism, {.pipe = 4096, .buffer = 1000}); });
    cases.run(mechanism + ": kernel's count", 30, [&] { kernel_count(mechanism); });
  }
  for (const std::string& mechanism : available({"zerocopy", "uring-zerocopy"})) {
    cases.run(mechanism + ": zero-copy sends", 20, [&] { zero_copy_count(mechanism, true); });
    cases.run(mechanism + ": no zero-copy sends", 20, [&] { zero_copy_count(mechanism, false); });
  }
  // Its calls are counted, its allocator's are not: no comparison with the kernel's count.
  for (const std::string& mechanism : available({"sockmap-paced"})) {
    cases.run(mechanism + ": bytes", 20, [&] { byte_counts(mechanism, {}); });
  }
  for (const std::string& mechanism :
       available({"splice", "copy", "uring-copy", "uring-zerocopy", "uring-splice"})) {
    cases.run(mechanism + ": recorder", 20, [&] { recorder(mechanism, 1'000'000); });
    cases.run(mechanism + ": frozen recorder", 20, [&] { frozen_recorder(mechanism); });
    cases.run(mechanism + ": recorder goes round", 30, [&] { recorder(mechanism, 200'000'000); });
  }
  for (const std::string& mechanism :
       available({"splice", "copy", "copy-adaptive", "zerocopy threshold=1", "vmsplice",
                  "splice-tee", "file-source", "file-source via=splice", "file-sink", "uring-copy",
                  "uring-zerocopy", "uring-splice"})) {
    cases.run(mechanism + ": sides", 20, [&] { sides(mechanism); });
  }
  cases.run("a look", 20, a_look);
  cases.run("histogram", 20, histogram);
  return cases.finish();
}
