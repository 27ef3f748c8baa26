// The micro.Pair class as JavaScript sees it.

#include <memory>
#include <string>

#include "addon/convert.h"
#include "addon/objects.h"
#include "micro/pair.h"

namespace splicebench {
namespace {

class PairObject : public Napi::ObjectWrap<PairObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Pair", {InstanceMethod<&PairObject::run>("run")});
  }

  // (kind, size)
  explicit PairObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const bool splice = info[0].As<Napi::String>().Utf8Value() == "splice";
    const auto size = static_cast<size_t>(info[1].As<Napi::Number>().Int64Value());
    try {
      bench_ = std::make_unique<PairBench>(splice ? PairKind::kSplice : PairKind::kCopy, size);
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

 private:
  // (iterations): {ns, bytes, pairs}
  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    try {
      const PairTime time = bench_->run(info[0].As<Napi::Number>().Uint32Value());
      Napi::Object object = Napi::Object::New(env);
      object.Set("ns", number_to(env, time.ns));
      object.Set("bytes", number_to(env, time.bytes));
      object.Set("pairs", number_to(env, time.pairs));
      return object;
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(env, error.what());
    }
  }

  std::unique_ptr<PairBench> bench_;
};

}  // namespace

Napi::Function define_micro_pair(Napi::Env env) {
  return PairObject::define(env);
}

}  // namespace splicebench
