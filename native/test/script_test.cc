// The script engine: every step and every condition with an end that does its part, and with one
// that does not. Both ends are connected directly; what the forwarder holds is tested end to end.
#include "script/script.h"

#include <chrono>
#include <thread>

#include "testing.h"

using namespace splicebench;

namespace {

constexpr uint64_t kMs = 1'000'000;
// Of steps that are to fail: bounds are part of what is tested.
constexpr uint64_t kSoon = 200 * kMs;

Step step(StepKind kind, uint64_t bytes = 0, Until until = Until::kDone) {
  Step made;
  made.kind = kind;
  made.bytes = bytes;
  made.until = until;
  made.quiet_ns = 50 * kMs;
  return made;
}
Step soon(Step made) {
  made.within_ns = kSoon;
  return made;
}
Step pause(uint64_t ms) {
  Step made = step(StepKind::kPause);
  made.for_ns = ms * kMs;
  return made;
}
Step wait(Until until, uint64_t bytes = 0) {
  return step(StepKind::kWait, bytes, until);
}
Step sending(uint64_t bytes, SendBy by = SendBy::kSend) {
  Step made = step(StepKind::kSend, bytes);
  made.by = by;
  return made;
}
Step blocked() {
  return step(StepKind::kSend, 0, Until::kBlocked);
}
Step reading(uint64_t bytes) {
  return step(StepKind::kRead, bytes);
}
const Step kToEnd = step(StepKind::kRead, 0, Until::kEnd);
const Step kFinish = step(StepKind::kFinish);
const Step kReset = step(StepKind::kReset);
const Step kClose = step(StepKind::kClose);

Script make_script() {
  ScriptOptions options;
  options.seed = 7;
  options.listen = Address::parse("127.0.0.1", 0);
  return Script(options);
}

ScriptRun run_of(const Script& script, std::vector<Step> client, std::vector<Step> server) {
  ScriptRun run;
  run.client.steps = std::move(client);
  run.server.steps = std::move(server);
  run.address = Address::parse("127.0.0.1", script.port());
  run.direct = true;
  return run;
}

ConversationRecord play(std::vector<Step> client, std::vector<Step> server) {
  Script script = make_script();
  auto records = script.run(run_of(script, std::move(client), std::move(server)));
  CHECK(records.size() == 1);
  CHECK(records[0].failure.empty());
  return std::move(records[0]);
}

bool whole(const EndRecord& end, uint64_t bytes) {
  return end.received == bytes && end.cut == 0 && end.beyond_end == 0 &&
         end.totals.incidents == 0 && end.seen == SeenEnd::kOrderly;
}

StepOutcome outcome(const EndRecord& end, size_t at) {
  CHECK(at < end.steps.size());
  return at < end.steps.size() ? end.steps[at].outcome : StepOutcome::kFailed;
}

void every_way_of_sending() {
  for (const SendBy by : {SendBy::kSend, SendBy::kSendfile, SendBy::kSplice, SendBy::kSlots}) {
    const uint64_t bytes = by == SendBy::kSlots ? 304 : 300'001;
    const auto seen = play({kToEnd, kFinish}, {sending(bytes, by), kFinish, kToEnd});
    CHECK(whole(seen.client, bytes));
    CHECK(whole(seen.server, 0));
    CHECK(outcome(seen.server, 0) == StepOutcome::kDone);
  }
  Step last = sending(5000);
  last.finish = true;
  CHECK(whole(play({kToEnd}, {last}).client, 5000));
  const Step urgent = step(StepKind::kUrgent);
  CHECK(whole(play({kToEnd}, {sending(1000), urgent, sending(1000), kFinish}).client, 2000));
}

void every_way_of_reading() {
  Step slow = kToEnd;
  slow.rate = 1 << 20;
  CHECK(whole(play({slow}, {sending(100'000), kFinish}).client, 100'000));
  Step timed = reading(0);
  timed.for_ns = 100 * kMs;
  // Nothing comes; an end in order comes; a reset comes.
  CHECK(outcome(play({timed, kFinish}, {kToEnd}).client, 0) == StepOutcome::kDone);
  CHECK(outcome(play({timed, kFinish}, {sending(10), kFinish}).client, 0) == StepOutcome::kDone);
  timed.for_ns = 20'000 * kMs;  // ends sooner: the reset comes when the other thread has its turn
  CHECK(outcome(play({timed}, {kReset}).client, 0) == StepOutcome::kEnded);
  // Fewer than are waited for, and an end.
  CHECK(outcome(play({reading(11)}, {sending(10), kFinish}).client, 0) == StepOutcome::kEnded);
}

void ends_are_seen_as_they_are() {
  const auto reset = play({kToEnd}, {sending(10), kReset});
  CHECK(reset.client.seen == SeenEnd::kBroken);
  CHECK(reset.client.totals.incidents == 0);
  const auto unread =
      play({sending(10), wait(Until::kOther, 0), kToEnd}, {wait(Until::kArrived, 10), kClose});
  CHECK(unread.client.seen == SeenEnd::kBroken);
  CHECK(unread.server.unread_at_close == 10);
  // A reset that a write was told of is told once: the read behind it sees no end in order.
  const auto told = play({pause(50), kReset}, {sending(uint64_t{64} << 20), kToEnd});
  CHECK(outcome(told.server, 0) == StepOutcome::kEnded);
  CHECK(told.server.seen == SeenEnd::kBroken);
  // All that was sent, less what was never read.
  const auto cut = play({reading(40)}, {sending(100), kFinish});
  CHECK(cut.client.cut == 60 && cut.client.seen == SeenEnd::kNone);
}

void conditions_come_about() {
  const auto blocking = play({wait(Until::kBlocked), wait(Until::kStill), kToEnd, kFinish},
                             {blocked(), wait(Until::kOther, 1), kFinish, kToEnd});
  for (const StepRecord& record : blocking.client.steps) {
    CHECK(record.outcome == StepOutcome::kDone);
  }
  CHECK(blocking.client.received == blocking.server.sent && blocking.server.sent > 100'000);
  const auto ended = play({wait(Until::kEnd), kToEnd}, {sending(1), kFinish});
  CHECK(outcome(ended.client, 0) == StepOutcome::kDone);
  // Of the last send, not of the one before; and where nobody reads, until its time is over.
  Step noticed = wait(Until::kNoticed);
  noticed.quiet_ns = 20'000 * kMs;
  noticed.within_ns = 10'000 * kMs;
  const auto read = play({sending(10), wait(Until::kOther, 0), sending(10), noticed, kFinish},
                         {reading(10), pause(50), reading(1), kToEnd});
  CHECK(outcome(read.client, 3) == StepOutcome::kDone);
  CHECK(read.client.steps[3].end_ns >= read.server.steps[1].end_ns);
  const auto unread =
      play({sending(10), wait(Until::kNoticed), kFinish}, {wait(Until::kOther, 1), kToEnd});
  CHECK(outcome(unread.client, 1) == StepOutcome::kDone);
  CHECK(unread.client.steps[1].end_ns - unread.client.steps[1].begin_ns >= 50 * kMs);
}

void an_end_that_never_does_its_part() {
  // Nobody reads, nobody sends, nobody ends: every step is over by its own bound, with nothing
  // lost.
  // The other end is there until that bound has ended the step.
  const Step staying = wait(Until::kOther, 0);
  const auto unread = play({staying}, {soon(sending(uint64_t{64} << 20))});
  CHECK(outcome(unread.server, 0) == StepOutcome::kTimeout);
  for (const Step& waiting : {reading(1), kToEnd, wait(Until::kEnd), wait(Until::kArrived, 1),
                              wait(Until::kBlocked), wait(Until::kOther, 0)}) {
    const auto seen = play({soon(waiting)}, {staying});
    CHECK(outcome(seen.client, 0) == StepOutcome::kTimeout);
  }
  // What a step of an end that is over would have done does not come any more.
  Step first = soon(reading(1));
  const auto over = play({wait(Until::kOther, 1)}, {first, kFinish});
  CHECK(outcome(over.client, 0) == StepOutcome::kEnded);
}

void a_send_that_nothing_blocks() {
  Step limited = blocked();
  limited.limit = 10'000;
  const auto seen = play({kToEnd}, {limited, kFinish});
  CHECK(outcome(seen.server, 0) == StepOutcome::kUnbounded);
  CHECK(seen.server.steps.size() == 1);
}

void cancelling_ends_every_wait() {
  Script script = make_script();
  const ScriptRun run = run_of(script, {kToEnd}, {wait(Until::kOther, 0)});
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    script.cancel();
  });
  const auto records = script.run(run);
  later.join();
  CHECK(records.size() == 1 && outcome(records[0].client, 0) == StepOutcome::kTimeout);
}

void nobody_there() {
  Script script = make_script();
  ScriptRun run = run_of(script, {kToEnd}, {kFinish});
  Script other = make_script();
  // Connected to somebody else: nobody comes to this one's server.
  run.address = Address::parse("127.0.0.1", other.port());
  const auto records = script.run(run);
  CHECK(records.size() == 1 && !records[0].failure.empty());
}

void a_prefix_that_is_none() {
  Script script = make_script();
  ScriptRun run = run_of(script, {sending(100), kFinish}, {kToEnd});
  for (const Prefix version : {Prefix::kProxyV1, Prefix::kProxyV2}) {
    run.prefix = version;
    const auto records = script.run(run);
    CHECK(records.size() == 1);
    CHECK(records[0].failure.find("no PROXY header") != std::string::npos);
  }
}

}  // namespace

int main() {
  every_way_of_sending();
  every_way_of_reading();
  ends_are_seen_as_they_are();
  conditions_come_about();
  an_end_that_never_does_its_part();
  a_send_that_nothing_blocks();
  cancelling_ends_every_wait();
  nobody_there();
  a_prefix_that_is_none();
  return splicebench::testing::failures == 0 ? 0 : 1;
}
