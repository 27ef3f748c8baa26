// Scripted conversations between two ends with a forwarder in between: each end on a thread of its
// own, each round of connections after the one before.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "endpoint/proxy_header.h"
#include "posix/fd.h"
#include "script/end.h"
#include "script/step.h"

namespace splicebench {

struct ScriptOptions {
  uint64_t seed = 0;
  Address listen;  // of the server's end, in the calling thread's namespace
  // Paths of network namespaces; "" = the calling thread's.
  std::string client_network;
  std::string forwarder_network;
  BufferSizes server_buffers;
};

struct ScriptRun {
  EndPlan client;
  EndPlan server;
  Address address;  // where the client connects to
  bool direct = false;
  Prefix prefix = Prefix::kNone;  // what the forwarder sends to the server first
  uint32_t connections = 1;       // at the same time
  uint32_t rounds = 1;            // one after another
  uint32_t first_number = 0;      // of the stamps
};

class Script {
 public:
  // Listens. Throws SystemError.
  explicit Script(ScriptOptions options);
  uint16_t port() const { return local_address(listener_.get()).port(); }
  // Call it on a thread of its own. Throws SystemError when this machine refuses something; what
  // the forwarder refuses is in the records.
  std::vector<ConversationRecord> run(const ScriptRun& run);
  // Makes every wait end.
  void cancel() { cancelled_ = true; }

 private:
  struct Conversation;
  std::unique_ptr<Conversation> open(const ScriptRun& run, uint32_t number);
  Fd accept_next(uint64_t deadline_ns);
  std::string take_prefix(int fd, Prefix version, uint64_t deadline_ns);
  void drain_backlog();

  ScriptOptions options_;
  std::shared_ptr<const Content> content_;
  Fd listener_;
  QueueObserver observer_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace splicebench
