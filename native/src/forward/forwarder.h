// What a forwarder is: something that accepts connections, connects each to the upstream, and moves
// the bytes of both directions until both ends are done. One mechanism is one file; registry.cc
// knows them by name.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "counters/sys.h"
#include "posix/error.h"
#include "posix/socket.h"

namespace splicebench {

// What a mechanism was told, by the names of its options in a scenario. TypeScript has checked
// names, kinds and ranges; what is absent is the mechanism's choice.
class Settings {
 public:
  using Value = std::variant<double, bool, std::string>;
  void set(std::string name, Value value) { values_[std::move(name)] = std::move(value); }
  size_t size(std::string_view name, size_t fallback) const {
    const double* value = get<double>(name);
    return value ? static_cast<size_t>(*value) : fallback;
  }
  bool flag(std::string_view name, bool fallback) const {
    const bool* value = get<bool>(name);
    return value ? *value : fallback;
  }
  std::string text(std::string_view name, std::string_view fallback) const {
    const std::string* value = get<std::string>(name);
    return value ? *value : std::string(fallback);
  }

 private:
  template <typename T>
  const T* get(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : std::get_if<T>(&found->second);
  }
  std::map<std::string, Value, std::less<>> values_;
};

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
  Settings settings;
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
  // open. Throws SystemError only before the first session.
  virtual void run(ForwarderContext& context) = 0;
  // What only this mechanism counts, by the names that users see. The same counters at every call,
  // alive as long as the forwarder; read by any thread while run() goes on.
  virtual std::vector<std::pair<std::string_view, const Counter*>> details() const { return {}; }
  // CPU time so far, ns, of threads that work for this mechanism beside the one that runs it. By
  // any thread, also after run() has returned.
  virtual uint64_t helper_cpu_ns() const { return 0; }
};

struct ForwarderEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Forwarder> (*make)();
  // Why it cannot work on this host, naming what is missing; empty when it can. null = it always
  // can. Leaves nothing behind.
  std::string (*unavailable)() = nullptr;
};

// Every mechanism built in, in the order shown to users.
const std::vector<ForwarderEntry>& forwarder_registry();
// null when there is no such mechanism.
const ForwarderEntry* find_forwarder(std::string_view name);

}  // namespace splicebench
