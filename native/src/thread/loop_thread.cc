#include "thread/loop_thread.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <exception>

#include "counters/clock.h"
#include "posix/error.h"

namespace splicebench {
namespace {

void pin(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string names;
  for (const int cpu : cpus) {
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<size_t>(cpu), &set);
    names += (names.empty() ? "CPU " : ",") + std::to_string(cpu);
  }
  const int error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
  if (error != 0) throw SystemError("pin to", names, error);
}

// Of the real-time signals the last: neither the C library nor Node has a use for it.
int interruption() {
  return SIGRTMAX;
}

// A handler that does nothing, and no SA_RESTART, so that the call it came into ends.
void make_interruptible() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(interruption(), &action, nullptr);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, interruption());
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace

LoopThread::LoopThread(std::vector<int> cpus, std::function<void()> body,
                       std::function<void(std::string)> ended) {
  thread_ =
      std::thread([this, cpus = std::move(cpus), body = std::move(body), ended = std::move(ended)] {
        // Signals are the main thread's business; a write to a closed socket is an errno here.
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        make_interruptible();
        tid_ = gettid();
        tid_.notify_all();
        std::string error;
        try {
          pin(cpus);
          body();
        } catch (const std::exception& failure) {
          error = failure.what();
        }
        final_cpu_ns_ = thread_cpu_ns();
        running_ = false;
        ended(std::move(error));
      });
  tid_.wait(0);
}

LoopThread::~LoopThread() {
  join();
}

void LoopThread::join() {
  if (thread_.joinable()) thread_.join();
}

void LoopThread::interrupt() {
  if (running_ && thread_.joinable()) pthread_kill(thread_.native_handle(), interruption());
}

uint64_t LoopThread::cpu_ns() const {
  if (running_) {
    const uint64_t now = thread_cpu_ns(const_cast<std::thread&>(thread_).native_handle());
    if (now != 0) return now;
  }
  return final_cpu_ns_;
}

}  // namespace splicebench
