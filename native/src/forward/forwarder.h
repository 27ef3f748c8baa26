// What a forwarder is: something that accepts connections, connects each to the upstream, and moves
// the bytes of both directions until both ends are done. One mechanism is one file; registry.cc
// knows them by name.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "counters/sys.h"
#include "forward/settings.h"
#include "posix/error.h"
#include "posix/socket.h"

namespace splicebench {

struct ForwarderOptions {
  std::string mechanism;
  Address listen;
  Address upstream;
  bool once = false;   // end after the first session
  bool record = true;  // keep the flight recorder
  // Other than kOwn: one of several that listen at the same address, each on a thread of this
  // process. It has a table of descriptors of its own, for the limit on open files is one of each
  // table.
  Port port = Port::kOwn;
};

// The first failure that is none of a peer's, such as a file that cannot be written: in words that
// name it. Noted by the loop thread, read by any.
class Trouble {
 public:
  void note(const std::string& call, const std::string& subject, int error) {
    const std::lock_guard lock(mutex_);
    if (text_.empty()) text_ = SystemError(call, subject, error).what();
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Written by the loop thread, read by any.
struct ForwarderStats {
  Counter accepted;
  Counter open;        // sessions open now
  Counter down_bytes;  // upstream to downstream, taken by the downstream socket
  Counter up_bytes;
  Counter resets;            // sessions ended by a reset on either side
  Counter connect_failures;  // upstream refused or unreachable
  Counter last_errno;        // of the latest reset or failure
  Counter copy_fallbacks;    // sessions' pumps that copied because no pipe could be made
  Counter pipe_capacity;     // the smallest pipe granted, bytes; 0 = none made
  Counter pipes_created;
  Trouble trouble;
};

// What a forwarder runs with. All outlive run().
struct ForwarderContext {
  const ForwarderOptions& options;
  Sys& sys;
  ForwarderStats& stats;
  int listener;  // non-blocking, owned by the caller
  int wake;      // an eventfd, readable once stop is asked
  const std::atomic<bool>& stop;
};

class Forwarder {
 public:
  virtual ~Forwarder() = default;
  // Forwards until stop is set or, with `once`, the first session has ended. Leaves no descriptor
  // open, also where it throws: what its flows share is a variable of this call, for the forwarder
  // may be destroyed by a thread that has another table of descriptors. Throws SystemError only
  // before the first session.
  virtual void run(ForwarderContext& context) = 0;
  // What only this mechanism counts, by the names that users see. The same counters at every call,
  // alive as long as the forwarder; read by any thread while run() goes on.
  virtual std::vector<std::pair<std::string_view, const Counter*>> details() const { return {}; }
  // CPU time so far, ns, of threads that work for this mechanism beside the one that runs it. By
  // any thread, also after run() has returned.
  virtual uint64_t helper_cpu_ns() const { return 0; }
};

struct ForwarderEntry {
  std::string_view name;  // as `use:` has it
  // Takes all of its settings; throws std::runtime_error for one that is missing or wrong.
  std::unique_ptr<Forwarder> (*make)(const Settings& settings);
  // Why it cannot work on this host, naming what is missing; empty when it can. null = it always
  // can. Leaves nothing behind.
  std::string (*unavailable)() = nullptr;
};

// The `make` of a mechanism whose class is made of its settings.
template <typename T>
std::unique_ptr<Forwarder> make_of(const Settings& settings) {
  return std::make_unique<T>(settings);
}

// A mechanism makes itself known: each has one of these in its file.
class Registered {
 public:
  explicit Registered(const ForwarderEntry& entry);
};

// Every mechanism built in, by name.
const std::vector<ForwarderEntry>& forwarder_registry();
// null when there is no such mechanism.
const ForwarderEntry* find_forwarder(std::string_view name);
// Throws std::runtime_error where there is no such mechanism, and where a setting is missing,
// wrong, or none of its options.
std::unique_ptr<Forwarder> make_forwarder(const std::string& mechanism, const Settings& settings);

}  // namespace splicebench
