// The MovedBytes class: which calls of a task that is not ours move how many bytes.

#include "addon/convert.h"
#include "addon/objects.h"
#include "counters/perf_moved.h"

namespace splicebench {
namespace {

class MovedBytesObject : public Napi::ObjectWrap<MovedBytesObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "MovedBytes",
                       {
                           InstanceMethod<&MovedBytesObject::take>("take"),
                           InstanceMethod<&MovedBytesObject::close>("close"),
                       });
  }

  // (tracepoint, tid)
  explicit MovedBytesObject(const Napi::CallbackInfo& info)
      : ObjectWrap(info),
        perf_(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()),
              info[1].As<Napi::Number>().Int32Value()) {
    if (!perf_.ok()) throw Napi::Error::New(info.Env(), perf_.error());
  }

 private:
  Napi::Value take(const Napi::CallbackInfo& info) {
    perf_.take();
    Napi::Env env = info.Env();
    Napi::Object calls = Napi::Object::New(env);
    for (size_t index = 0; index < kMovingCalls; index++) {
      const PerfMoved::Sum& sum = perf_.sums()[index];
      if (sum.calls == 0) continue;
      Napi::Object one = Napi::Object::New(env);
      one.Set("calls", number_to(env, sum.calls));
      one.Set("bytes", number_to(env, sum.bytes));
      calls.Set(moving_calls()[index].name, one);
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("calls", calls);
    result.Set("lost", number_to(env, perf_.lost()));
    return result;
  }

  void close(const Napi::CallbackInfo&) { perf_.close(); }

  PerfMoved perf_;
};

}  // namespace

Napi::Function define_moved_bytes(Napi::Env env) {
  return MovedBytesObject::define(env);
}

}  // namespace splicebench
