#include "relay_support.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <map>
#include <utility>

#include "counters/clock.h"
#include "posix/error.h"
#include "shipped_settings.h"

namespace splicebench::testing {
namespace {

const char* running = "";

// How often a case of sockmap-paced is tried that failed where a reset was seen: that is how it
// ends a session whose bytes the kernel dropped or delivered twice (docs/sockmap.md). A stream that
// merely ends early fails at once.
constexpr unsigned kMostTries = 3;

// A machine that does other things beside is not a loop that hangs.
constexpr unsigned kPatience = 3;

void too_late(int) {
  for (const char* text : {"deadline passed in case: ", running, "\n"}) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) break;
  }
  _exit(1);
}

}  // namespace

Cases::Cases(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], "--case") == 0) only_ = argv[i + 1];
  }
  signal(SIGALRM, too_late);
  signal(SIGPIPE, SIG_IGN);
}

void Cases::run(const std::string& name, unsigned seconds, const std::function<void()>& body) {
  if (only_ && name.find(only_) == std::string::npos) return;
  running = name.c_str();
  alarm(seconds * kPatience);
  const uint64_t before = failures;
  const uint64_t start = monotonic_ns();
  for (unsigned tries = 1;; ++tries) {
    resets_seen = 0;
    try {
      body();
    } catch (const std::exception& error) {
      fprintf(stderr, "%s\n", error.what());
      ++failures;
    }
    const bool defect = failures != before && resets_seen > 0 && name.starts_with("sockmap-paced");
    if (!defect || tries == kMostTries) break;
    fprintf(stderr, "%s: a session was reset, tried again\n", name.c_str());
    failures = before;
  }
  alarm(0);
  ++count_;
  const double took = static_cast<double>(monotonic_ns() - start) / 1e9;
  if (failures != before) {
    fprintf(stderr, "FAILED: %s\n", name.c_str());
  } else if (getenv("VERBOSE")) {
    fprintf(stderr, "%6.2f s  %s\n", took, name.c_str());
  }
}

int Cases::finish() const {
  const std::string program = program_invocation_short_name;
  if (failures == 0) printf("%s: %u cases passed\n", program.c_str(), count_);
  return failures == 0 ? 0 : 1;
}

void unavailable(const std::string& what, const std::string& reason) {
  fprintf(stderr, "unavailable: %s: %s\n", what.c_str(), reason.c_str());
  const char* all = getenv("REQUIRE_ALL");
  if (all && strcmp(all, "1") == 0) ++failures;
}

bool eventually(const std::function<bool()>& condition, unsigned milliseconds) {
  const uint64_t until = monotonic_ns() + uint64_t{milliseconds} * 1'000'000;
  while (!condition()) {
    if (monotonic_ns() > until) return condition();
    usleep(500);
  }
  return true;
}

size_t open_descriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  if (!folder) throw SystemError("opendir", "/proc/self/fd");
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count - 1;  // the folder's own
}

namespace {

std::string name_of(const std::string& mechanism) {
  return mechanism.substr(0, mechanism.find(' '));
}

// RELAY_MECHANISMS=a,b picks mechanisms by name, for where all of them would take too long.
bool picked(const std::string& mechanism) {
  const char* only = getenv("RELAY_MECHANISMS");
  const std::string list = only ? std::string(",") + only + "," : "";
  return !only || list.find("," + name_of(mechanism) + ",") != std::string::npos;
}

}  // namespace

std::vector<std::string> available(const std::vector<std::string>& mechanisms) {
  std::vector<std::string> all;
  for (const std::string& mechanism : mechanisms) {
    if (!picked(mechanism)) continue;
    const ForwarderEntry* entry = find_forwarder(name_of(mechanism));
    const std::string reason = entry->unavailable ? entry->unavailable() : "";
    if (reason.empty()) {
      all.push_back(mechanism);
    } else {
      unavailable(mechanism, reason);
    }
  }
  return all;
}

namespace {

// What a mechanism is tried as: with other options than its defaults, or in several forms. Others
// are tried as they come.
const std::map<std::string, std::vector<std::string>> kForms = {
    {"splice", {"splice", "splice read-when-pipe-holds-data", "splice chunk=5000 more"}},
    {"zerocopy", {"zerocopy threshold=1"}},
    {"file-source", {"file-source", "file-source via=splice"}},
    // Small buffers, since each of its sends, however small, holds one until its notification.
    {"uring-zerocopy", {"uring-zerocopy threshold=1 buffer=65536", "uring-zerocopy"}},
    // Forwards one connection, and downloads only.
    {"poc", {}},
    // Lose bytes, or break them on purpose.
    {"sockmap", {}},
    {"faulty", {}},
};

}  // namespace

const std::vector<std::string>& relay_mechanisms() {
  static const std::vector<std::string> kMechanisms = [] {
    std::vector<std::string> all;
    for (const ForwarderEntry& entry : forwarder_registry()) {
      const std::string name(entry.name);
      const auto found = kForms.find(name);
      const auto forms = found == kForms.end() ? std::vector<std::string>{name} : found->second;
      all.insert(all.end(), forms.begin(), forms.end());
    }
    return available(all);
  }();
  return kMechanisms;
}

const std::vector<std::string>& all_mechanisms() {
  static const std::vector<std::string> kAll = [] {
    std::vector<std::string> all = relay_mechanisms();
    all.push_back("poc");
    return all;
  }();
  return kAll;
}

namespace {

// The registry's, and what a test wants otherwise. Sizes are for those that have such a thing.
Settings settings_of(const std::string& mechanism, const RelayOptions& options) {
  const std::string name = name_of(mechanism);
  Settings settings = shipped_settings(name);
  settings.merge(options.settings);
  read_settings(mechanism.substr(name.size()), settings);
  for (const auto& [option, size] : {std::pair("pipe", options.pipe), {"buffer", options.buffer}}) {
    if (size != 0 && settings.has(option)) settings.set(option, static_cast<double>(size));
  }
  return settings;
}

}  // namespace

unsigned descriptors_of_its_own(const std::string& mechanism) {
  const std::string name = name_of(mechanism);
  if (name == "sockmap-paced") return 5;
  return name == "splice-tee" || name == "file-source" || name == "file-sink" ? 1 : 0;
}

Relay::Relay(const std::string& mechanism, const Address& upstream, const RelayOptions& options)
    : listener_(listen_on(Address::parse("127.0.0.1", 0), options.buffers)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      address_(local_address(listener_.get())),
      sys_(std::make_unique<Sys>(options.record)),
      forwarder_(make_forwarder(name_of(mechanism), settings_of(mechanism, options))) {
  options_.mechanism = name_of(mechanism);
  options_.listen = address_;
  options_.upstream = upstream;
  options_.once = options.once;
  options_.record = options.record;
}

void Relay::start(std::function<void()> before, std::function<void()> after) {
  thread_ = std::make_unique<LoopThread>(
      std::vector<int>{},
      [this, before = std::move(before), after = std::move(after)] {
        if (before) before();
        ForwarderContext context{options_, *sys_, stats_, listener_.get(), wake_.get(), stop_};
        forwarder_->run(context);
        if (after) after();
      },
      [this](std::string error) {
        error_ = std::move(error);
        ended_ = true;
      });
}

void Relay::ask_to_stop() {
  stop_ = true;
  const uint64_t one = 1;
  CHECK(write(wake_.get(), &one, sizeof(one)) == sizeof(one));
}

void Relay::stop() {
  if (!thread_) return;
  ask_to_stop();
  while (!eventually([&] { return ended_.load(); }, 2000)) thread_->interrupt();
  thread_->join();
  CHECK(ended_);
  if (!error_.empty()) fprintf(stderr, "%s\n", error_.c_str());
  CHECK(error_.empty());
}

Relay::~Relay() {
  stop();
  if (failures == failures_before_) return;
  fprintf(stderr, "relay: %" PRIu64 " sessions reset, last error: %s; %s\n", stats_.resets.get(),
          strerror(static_cast<int>(stats_.last_errno.get())), stats_.trouble.text().c_str());
}

uint64_t detail(const Relay& relay, std::string_view name) {
  for (const auto& [key, counter] : relay.details()) {
    if (key == name) return counter->get();
  }
  CHECK(!"no such detail");
  return 0;
}

std::unique_ptr<Relay> start_relay(const std::string& mechanism, const Address& upstream,
                                   const RelayOptions& options) {
  auto relay = std::make_unique<Relay>(mechanism, upstream, options);
  relay->start();
  return relay;
}

namespace {

uint64_t pattern_word(uint64_t seed, uint64_t index) {
  uint64_t x = (seed << 40) + index + 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

void pattern_fill(uint64_t seed, uint64_t offset, uint8_t* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    const uint64_t at = offset + done;
    const uint64_t word = pattern_word(seed, at / 8);
    const size_t skip = at % 8;
    const size_t part = std::min(size - done, 8 - skip);
    memcpy(out + done, reinterpret_cast<const uint8_t*>(&word) + skip, part);
    done += part;
  }
}

size_t pattern_match(uint64_t seed, uint64_t offset, const uint8_t* bytes, size_t size) {
  uint8_t expected[4096];
  for (size_t done = 0; done < size;) {
    const size_t part = std::min(size - done, sizeof(expected));
    pattern_fill(seed, offset + done, expected, part);
    if (memcmp(expected, bytes + done, part) != 0) {
      for (size_t i = 0; i < part; ++i) {
        if (expected[i] != bytes[done + i]) return done + i;
      }
    }
    done += part;
  }
  return size;
}

}  // namespace splicebench::testing
