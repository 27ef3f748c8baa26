// What the JavaScript objects of all roles share: the loop's thread, and the one call back to
// JavaScript when the loop has ended.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "thread/loop_thread.h"

namespace splicebench {

class LoopRunner {
 public:
  // on_end(error: string | null) is called once on the JavaScript thread. Until then the process is
  // kept alive.
  void start(Napi::Env env, const Napi::Function& on_end, std::vector<int> cpus,
             std::function<void()> body) {
    auto callback = Napi::ThreadSafeFunction::New(env, on_end, "loop end", 0, 1);
    thread_ = std::make_unique<LoopThread>(
        std::move(cpus), std::move(body), [callback](const std::string& error) mutable {
          callback.BlockingCall([error](Napi::Env e, const Napi::Function& function) {
            function.Call(
                {error.empty() ? e.Null() : Napi::String::New(e, error).As<Napi::Value>()});
          });
          callback.Release();
        });
  }
  const LoopThread* thread() const { return thread_.get(); }
  bool started() const { return thread_ != nullptr; }
  void join() {
    if (thread_) thread_->join();
  }
  // See LoopThread::interrupt.
  void interrupt() {
    if (thread_) thread_->interrupt();
  }
  bool over() const { return !thread_ || thread_->over(); }

 private:
  std::unique_ptr<LoopThread> thread_;
};

}  // namespace splicebench
