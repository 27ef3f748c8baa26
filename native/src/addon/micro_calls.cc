// The micro.Calls class as JavaScript sees it.

#include <memory>
#include <string>

#include "addon/convert.h"
#include "addon/objects.h"
#include "micro/call_cost.h"

namespace splicebench {
namespace {

class CallsObject : public Napi::ObjectWrap<CallsObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Calls", {InstanceMethod<&CallsObject::run>("run")});
  }

  explicit CallsObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    try {
      cost_ = std::make_unique<CallCost>();
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

 private:
  // (book, calls)
  Napi::Value run(const Napi::CallbackInfo& info) {
    const std::string name = info[0].As<Napi::String>().Utf8Value();
    const CallBook book = name == "recorded"  ? CallBook::kRecorded
                          : name == "counted" ? CallBook::kCounted
                                              : CallBook::kNone;
    try {
      return number_to(info.Env(), cost_->run(book, info[1].As<Napi::Number>().Uint32Value()));
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  std::unique_ptr<CallCost> cost_;
};

}  // namespace

Napi::Function define_micro_calls(Napi::Env env) {
  return CallsObject::define(env);
}

}  // namespace splicebench
