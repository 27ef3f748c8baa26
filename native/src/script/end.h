// One end of a scripted conversation: carries its steps out on a socket, on a thread of its own.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "posix/fd.h"
#include "script/observer.h"
#include "script/step.h"
#include "stream/check.h"

namespace splicebench {

// What both ends of a conversation know of each other.
struct Shared {
  ConversationNames names;
  QueueObserver* observer = nullptr;
  std::atomic<bool>* cancelled = nullptr;
};

class ScriptEnd {
 public:
  // Sends the stream of `direction` and checks the other one.
  ScriptEnd(Fd fd, const EndPlan& plan, uint32_t number, Direction direction,
            std::shared_ptr<const Content> content, const Shared& shared);

  // Must be called before both run.
  void meet(ScriptEnd* other) { other_ = other; }
  // Every step, until one fails. What the other end still waits for goes on being there: the
  // socket stays open until close().
  void run();
  void close_socket();
  // After both ends have run; `sent` by the other end.
  EndRecord take_record(uint64_t sent);
  uint64_t sent() const { return sent_.load(); }

 private:
  struct Doing;  // a step under way
  StepOutcome carry_out(Doing& doing);
  StepOutcome send_bytes(Doing& doing);
  StepOutcome read_bytes(Doing& doing);
  StepOutcome wait_for(Doing& doing);
  StepOutcome finish(Doing& doing);
  StepOutcome pause(uint64_t until_ns);
  ssize_t write_some(const Step& step, size_t size, bool more);
  ssize_t write_file(SendBy by, size_t size);
  ssize_t write_slots(size_t size);
  int fill_file(size_t size);
  // How many bytes came; 0 = the end or nothing, `seen_` and the return of poll tell.
  ssize_t take_some(size_t most);
  bool is_held(const Step& step);
  bool is_still(Doing& doing);
  bool is_noticed(const Doing& doing);
  bool out_of_time(const Doing& doing) const;
  void nap(const Doing& doing, uint64_t ns) const;

  Fd fd_;
  const EndPlan& plan_;
  uint32_t number_;
  Direction direction_;
  std::shared_ptr<const Content> content_;
  Shared shared_;
  ScriptEnd* other_ = nullptr;
  Checker checker_;
  Fd file_, pipe_read_, pipe_write_;
  std::vector<uint8_t> buffer_;
  EndRecord record_;
  // Read by the other end's thread.
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> received_{0};
  std::atomic<uint64_t> passed_{0};         // steps that are over
  std::atomic<uint64_t> blocked_since_{0};  // ns; 0 = it is not
  // The step, from 1, that last ended because a send was blocked, and the other end's step by which
  // a wait for that was last met: each is met once, however late it is looked for.
  std::atomic<uint64_t> blocked_at_{0};
  uint64_t blocked_met_ = 0;
  uint64_t send_from_ = 0;  // where the stream stood when the last send began
  std::atomic<bool> over_{false};
};

}  // namespace splicebench
