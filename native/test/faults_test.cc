// Faults made on purpose, seen by the checker, and pages written over under way.
#include <fcntl.h>

#include <fstream>
#include <thread>

#include "counters/clock.h"
#include "faults/burner.h"
#include "faults/decoys.h"
#include "faults/fault.h"
#include "faults/overwriting.h"
#include "pipeline_support.h"
#include "shipped_settings.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

constexpr uint64_t kBytes = 2'000'000;
constexpr uint64_t kAt = 300'007;

Settings settings_of(const std::string& fault, double length) {
  Settings settings = shipped_settings("faulty");
  settings.set("fault", fault);
  settings.set("at", static_cast<double>(kAt));
  settings.set("length", length);
  settings.set("shift", 16.0);
  settings.set("seed", std::string("42"));
  return settings;
}

struct Through {
  std::vector<Incident> incidents;
  CheckTotals totals;
  uint64_t truncated = 0;
  uint64_t beyond = 0;
  uint64_t delivered = 0;
};

// A stream through the faulty forwarder.
Through through(Settings settings, uint32_t connections = 1) {
  Running from(source(kBytes, connections));
  const auto relay =
      start_relay("faulty", from->address(), RelayOptions{.settings = std::move(settings)});
  Running to(sink(relay->address(), connections));
  to.join();
  from.join();
  Through seen;
  for (const auto& receiver : to->receivers()) {
    seen.truncated += receiver->checker()->finish(kBytes);
    seen.beyond += receiver->checker()->beyond_end();
    for (const Incident& incident : receiver->checker()->incidents()) {
      seen.incidents.push_back(incident);
    }
    seen.totals.verified += receiver->checker()->totals().verified;
  }
  seen.delivered = relay->stats().down_bytes.get();
  return seen;
}

void sees(const std::string& fault, double length, IncidentClass kind, uint64_t offset = kAt) {
  const Through seen = through(settings_of(fault, length));
  CHECK(seen.incidents.size() == 1);
  if (seen.incidents.empty()) return;
  const Incident& incident = seen.incidents.front();
  CHECK(incident.kind == kind);
  CHECK(incident.offset == offset);
  CHECK(incident.length == (fault == "bit-flip" ? 1 : static_cast<uint64_t>(length)));
  CHECK(seen.truncated == 0 && seen.beyond == 0);
}

void no_fault() {
  const Through seen = through(settings_of("none", 1));
  CHECK(seen.incidents.empty() && seen.truncated == 0 && seen.totals.verified == kBytes);
}

// Behind the end of the stream there is nothing to be done to it.
void too_late() {
  Settings settings = settings_of("zeros", 4096);
  settings.set("at", static_cast<double>(kBytes - 4095));
  const Through seen = through(settings);
  CHECK(seen.incidents.empty() && seen.totals.verified == kBytes);
}

void again_and_again() {
  Settings settings = settings_of("zeros", 100);
  settings.set("every", 100'000.0);
  const Through seen = through(settings);
  CHECK(seen.incidents.size() == 17);  // at 300,007 and each 100,000 up to 1,900,007
  for (size_t i = 0; i < seen.incidents.size(); ++i) {
    CHECK(seen.incidents[i].offset == kAt + i * 100'000);
  }
}

void crossed() {
  const Through seen = through(settings_of("cross", 1460), 2);
  CHECK(seen.incidents.size() == 2);
  for (const Incident& incident : seen.incidents) {
    CHECK(incident.kind == IncidentClass::kForeign && incident.length == 1460);
    CHECK(incident.origin.connection == 1 - incident.connection);
  }
}

// Nobody to exchange with: the stream goes on, unharmed.
void crossed_alone() {
  const Through seen = through(settings_of("cross", 1460));
  CHECK(seen.incidents.empty() && seen.totals.verified == kBytes);
}

void ends() {
  const Through early = through(settings_of("fin", 1));
  CHECK(early.incidents.empty() && early.truncated == kBytes - kAt);
  const Through extra = through(settings_of("extra", 172));
  CHECK(extra.incidents.empty() && extra.beyond == 172);
}

void unknown_fault() {
  CHECK(!fault_named("rot13"));
  bool thrown = false;
  try {
    fault_from(settings_of("rot13", 1));
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  CHECK(thrown);
}

// Work of known CPU, in pieces: what is burned beside it is the share that was asked for.
void burner(uint64_t percent) {
  constexpr uint64_t kPiece = 50'000;
  constexpr uint64_t kPieces = 2000;
  constexpr uint64_t kEach = 16;  // it reads its clock after so many
  Burner burner(percent);
  for (uint64_t i = 0; i < kEach; ++i) burner.burn();
  const uint64_t begin = thread_cpu_ns();
  uint64_t worked = 0;
  for (uint64_t i = 0; i < kPieces; ++i) {
    const uint64_t from = thread_cpu_ns();
    uint64_t now = from;
    while (now < from + kPiece) now = thread_cpu_ns();
    worked += now - from;
    burner.burn();
  }
  const double extra = static_cast<double>(thread_cpu_ns() - begin - worked);
  const double asked = static_cast<double>(worked * percent) / 100;
  const double own = static_cast<double>(burner.burned_ns().get());
  // The clock is read once more for each piece by this test.
  const double margin = 0.2 * asked + 0.03 * static_cast<double>(worked);
  CHECK(extra > asked - margin && extra < asked + margin);
  CHECK(own > 0.9 * asked && own < extra);
}

void burns_nothing() {
  Burner burner(0);
  for (int i = 0; i < 1000; ++i) burner.burn();
  CHECK(burner.burned_ns().get() == 0);
}

// All bytes are right, and half of the relay's CPU time was burned.
void dear_relay() {
  constexpr uint64_t kMany = 200'000'000;
  Settings settings = settings_of("none", 1);
  settings.set("burn", 100.0);
  Running from(source(kMany));
  const auto relay =
      start_relay("faulty", from->address(), RelayOptions{.settings = std::move(settings)});
  Running to(sink(relay->address()));
  to.join();
  from.join();
  Checker& checker = *to->receivers()[0]->checker();
  CHECK(checker.finish(kMany) == 0 && checker.incidents().empty());
  uint64_t burned = 0;
  for (const auto& [name, counter] : relay->details()) {
    if (name == "burned_cpu_ns") burned = counter->get();
  }
  const double share = static_cast<double>(burned) / static_cast<double>(relay->cpu_ns());
  CHECK(share > 0.4 && share < 0.55);
}

// A copy must not show what was written later; a reference shows it where the kernel takes any.
void handovers() {
  CHECK(probe_handover(Handover::kSend).changed == 0);
  for (const Handover handover : {Handover::kVmsplice, Handover::kGift, Handover::kSendfile,
                                  Handover::kSpliceFile, Handover::kZerocopy}) {
    const HandoverProbe probe = probe_handover(handover);
    CHECK(probe.overwritten > 0);
    if (probe.changed == 0) unavailable("a reference", "this kernel copies");
  }
}

void graded(uint64_t every, const char* through_mechanism) {
  constexpr uint64_t kPages = 4000;
  EndpointOptions options = source(kPages * kGradedPage);
  options.send = SendMode::kGiven;
  options.make_sender = graded_senders(every);
  Running from(std::move(options));
  const auto relay = start_relay(through_mechanism, from->address());
  Running to(sink(relay->address()));
  to.join();
  from.join();
  Checker& checker = *to->receivers()[0]->checker();
  CHECK(checker.finish(kPages * kGradedPage) == 0);
  const uint64_t expected = every == 0 ? 0 : kPages / every * kGradedPage;
  CHECK(from->stats().overwritten.get() == expected);
  const uint64_t corrupted = checker.totals().corrupted;
  // At a page's edges a decoy's byte may be the right one by chance.
  CHECK(corrupted <= expected && corrupted + expected / 512 >= expected);
}

// Held, nothing but the beginning is read; let go, everything is.
void held_receiver() {
  constexpr uint64_t kHeld = 30'000;
  Running from(source(kHeld));
  EndpointOptions options = sink(from->address());
  options.hold_receive = true;
  Running to(std::move(options));
  CHECK(eventually([&] {
    return to->stats().received.get() > 0 &&
           to->stats().received.get() + to->stats().waiting.get() == kHeld;
  }));
  to->go();
  to.join();
  from.join();
  CHECK(to->receivers()[0]->checker()->finish(kHeld) == 0);
  CHECK(to->results()[0].received == kHeld);
}

// Places in this process's memory, one in each 64 KiB, that hold stamps of a decoy with this seed.
size_t stamped_places(uint64_t seed) {
  constexpr uint64_t kMostOfInterest = uint64_t{1} << 30;
  const Fd memory(open("/proc/self/mem", O_RDONLY));
  std::ifstream maps("/proc/self/maps");
  size_t found = 0;
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0;
    uint64_t end = 0;
    if (sscanf(line.c_str(), "%lx-%lx rw-p", &begin, &end) != 2) continue;
    if (end - begin > kMostOfInterest) continue;  // of a sanitizer
    for (uint64_t at = begin; at + Decoys::kUnit <= end; at += Decoys::kUnit) {
      uint8_t bytes[64];
      if (pread(memory.get(), bytes, sizeof(bytes), static_cast<off_t>(at)) != sizeof(bytes)) break;
      const auto origin = locate(StampKey(seed).decoy(), bytes, sizeof(bytes));
      const auto mark = origin ? decoy_mark(*origin) : std::nullopt;
      if (mark && mark->number == 7 && mark->home == DecoyHome::kMemory) ++found;
    }
  }
  return found;
}

// A stamp names its decoy and the place; faulty sources, which stamp as decoys under the
// numbers of connections, are none.
void decoy_marks() {
  for (const uint32_t number : {0u, 1u, 7u, 2047u}) {
    for (const DecoyHome home :
         {DecoyHome::kMemory, DecoyHome::kPipe, DecoyHome::kSocket, DecoyHome::kTerminal}) {
      const uint32_t connection = decoy_connection({number, home});
      CHECK(connection < kMaxConnections);
      const auto mark = decoy_mark({connection, Direction::kDecoy, 0});
      CHECK(mark && mark->number == number && mark->home == home);
      CHECK(!decoy_mark({connection, Direction::kDown, 0}));
    }
  }
  CHECK(!decoy_mark({0, Direction::kDecoy, 0}));
  CHECK(!decoy_mark({kDecoyMarks - 1, Direction::kDecoy, 0}));
  const auto wrapped =
      decoy_mark({decoy_connection({2048, DecoyHome::kPipe}), Direction::kDecoy, 0});
  CHECK(wrapped && wrapped->number == 0 && wrapped->home == DecoyHome::kPipe);
}

// Decoys keep what they are told to in all places, go on making it, and give everything back.
void decoys() {
  constexpr uint64_t kKept = uint64_t{8} << 20;
  {
    Decoys decoys({.seed = 4711, .number = 7, .bytes = kKept, .rate = uint64_t{64} << 20});
    std::thread thread([&] { decoys.run(); });
    const DecoyStats& stats = decoys.stats();
    CHECK(eventually([&] { return stats.made.get() > 2 * kKept; }));
    CHECK(stats.memory.get() >= kKept / 2);
    CHECK(stats.pipes.get() >= kKept / 8);
    CHECK(stats.sockets.get() >= kKept / 8);
    CHECK(stats.memory.get() + stats.pipes.get() + stats.sockets.get() <= kKept);
    decoys.stop();
    thread.join();
    CHECK(stamped_places(4711) >= stats.memory.get() / Decoys::kUnit / 2);
    CHECK(stamped_places(4712) == 0);
  }
  CHECK(stamped_places(4711) <= 1);  // the buffer they were made in may lie in the heap yet
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  cases.run("faults: no fault", 20, no_fault);
  cases.run("faults: fault too late", 20, too_late);
  cases.run("faults: decoy marks", 20, decoy_marks);
  cases.run("faults: faults seen", 60, [] {
    sees("drop", 1, IncidentClass::kMissing);
    sees("drop", 4096, IncidentClass::kMissing);
    sees("insert", 16, IncidentClass::kInserted);
    sees("duplicate", 1460, IncidentClass::kInserted, kAt + 1460);
    sees("shift", 1460, IncidentClass::kMisplaced);
    sees("bit-flip", 1, IncidentClass::kBitFlip);
    sees("zeros", 172, IncidentClass::kZeros);
    sees("noise", 172, IncidentClass::kUnknown);
    sees("foreign", 172, IncidentClass::kForeign);
    sees("decoy", 172, IncidentClass::kDecoy);
  });
  cases.run("faults: again and again", 20, again_and_again);
  cases.run("faults: crossed", 20, crossed);
  cases.run("faults: crossed alone", 20, crossed_alone);
  cases.run("faults: ends", 20, ends);
  cases.run("faults: unknown fault", 20, unknown_fault);
  cases.run("faults: burner", 60, [] {
    burner(5);
    burner(50);
  });
  cases.run("faults: burns nothing", 20, burns_nothing);
  cases.run("faults: dear relay", 60, dear_relay);
  cases.run("faults: handovers", 60, handovers);
  cases.run("faults: graded, none", 60, [] { graded(0, "splice"); });
  cases.run("faults: graded, spliced", 60, [] { graded(10, "splice"); });
  cases.run("faults: graded, copied", 60, [] { graded(100, "copy"); });
  cases.run("faults: decoys", 20, decoys);
  cases.run("faults: held receiver", 20, held_receiver);
  return cases.finish();
}
