// The TapWires class as JavaScript sees it; native-tools.ts states its surface.

#include <memory>

#include "addon/convert.h"
#include "addon/loop_object.h"
#include "addon/objects.h"
#include "lab/tap_wire.h"

namespace splicebench {
namespace {

class TapWireObject : public Napi::ObjectWrap<TapWireObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "TapWires",
                       {
                           InstanceMethod<&TapWireObject::start>("start"),
                           InstanceMethod<&TapWireObject::stop>("stop"),
                           InstanceMethod<&TapWireObject::snapshot>("snapshot"),
                       });
  }

  explicit TapWireObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto array = info[0].As<Napi::Array>();
    std::vector<std::string> names;
    for (uint32_t i = 0; i < array.Length(); ++i) {
      names.push_back(array.Get(i).ToString().Utf8Value());
    }
    try {
      wires_ = std::make_unique<TapWires>(names);
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  ~TapWireObject() override {
    if (runner_.started()) wires_->stop();
    runner_.join();
  }

 private:
  void start(const Napi::CallbackInfo& info) {
    runner_.start(info.Env(), info[0].As<Napi::Function>(), {}, [this] { wires_->run(); });
  }
  void stop(const Napi::CallbackInfo&) { wires_->stop(); }

  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object object = Napi::Object::New(env);
    object.Set("frames", number_to(env, wires_->stats().frames.get()));
    object.Set("dropped", number_to(env, wires_->stats().dropped.get()));
    return object;
  }

  std::unique_ptr<TapWires> wires_;
  LoopRunner runner_;
};

}  // namespace

Napi::Function define_tap_wires(Napi::Env env) {
  return TapWireObject::define(env);
}

}  // namespace splicebench
