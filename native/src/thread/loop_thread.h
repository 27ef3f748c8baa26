// Runs a role's loop on a thread of its own, on CPUs of its own, and reads what it costs.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace splicebench {

class LoopThread {
 public:
  // Starts `body` on a thread pinned to `cpus` (empty = not pinned). `ended` is called on that
  // thread after the body returned or threw, with the error's text or an empty string. Pinning that
  // fails (no such CPU) is reported as the error and the body does not run.
  LoopThread(std::vector<int> cpus, std::function<void()> body,
             std::function<void(std::string)> ended);
  // Joins; the body must have been asked to end.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  pid_t tid() const { return tid_; }
  // CPU time used so far, ns; stays readable after the thread has ended.
  uint64_t cpu_ns() const;
  void join();
  // The body has returned or threw.
  bool over() const { return !running_; }
  // Makes a system call in which the thread waits return EINTR, for a body that was asked to end
  // and cannot hear it. May come between two calls: repeat until over().
  void interrupt();

 private:
  std::atomic<pid_t> tid_{0};
  std::atomic<bool> running_{true};
  std::atomic<uint64_t> final_cpu_ns_{0};
  std::thread thread_;
};

}  // namespace splicebench
