// The SyscallCounter class: counts the system calls of a task that is not ours, and of what it
// starts later.

#include <memory>

#include "addon/convert.h"
#include "addon/objects.h"
#include "counters/perf_syscalls.h"

namespace splicebench {
namespace {

class SyscallCounterObject : public Napi::ObjectWrap<SyscallCounterObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "SyscallCounter",
                       {
                           InstanceMethod<&SyscallCounterObject::count>("count"),
                           InstanceMethod<&SyscallCounterObject::close>("close"),
                       });
  }

  // (tracepoint, tid)
  explicit SyscallCounterObject(const Napi::CallbackInfo& info)
      : ObjectWrap(info),
        perf_(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()),
              info[1].As<Napi::Number>().Int32Value(), /*inherit=*/true) {
    if (!perf_.ok()) throw Napi::Error::New(info.Env(), perf_.error());
  }

 private:
  Napi::Value count(const Napi::CallbackInfo& info) {
    const std::optional<uint64_t> count = perf_.count();
    return count ? number_to(info.Env(), *count).As<Napi::Value>() : info.Env().Null();
  }

  void close(const Napi::CallbackInfo&) { perf_.close(); }

  PerfSyscalls perf_;
};

}  // namespace

Napi::Function define_syscall_counter(Napi::Env env) {
  return SyscallCounterObject::define(env);
}

}  // namespace splicebench
