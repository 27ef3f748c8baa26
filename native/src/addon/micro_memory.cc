// The micro.Memory class as JavaScript sees it.

#include <string>

#include "addon/convert.h"
#include "addon/objects.h"
#include "micro/memory.h"

namespace splicebench {
namespace {

class MemoryObject : public Napi::ObjectWrap<MemoryObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Memory",
                       {
                           InstanceMethod<&MemoryObject::copy>("copy"),
                           InstanceMethod<&MemoryObject::fill>("fill"),
                           InstanceMethod<&MemoryObject::match>("match"),
                       });
  }

  // (size)
  explicit MemoryObject(const Napi::CallbackInfo& info)
      : ObjectWrap(info), bench_(static_cast<size_t>(info[0].As<Napi::Number>().Int64Value())) {}

 private:
  // (passes)
  Napi::Value copy(const Napi::CallbackInfo& info) {
    return number_to(info.Env(), bench_.copy(info[0].As<Napi::Number>().Uint32Value()));
  }

  // (engine, passes)
  Napi::Value fill(const Napi::CallbackInfo& info) {
    return number_to(info.Env(), bench_.fill(engine_from(info[0]), passes_from(info[1])));
  }

  // (engine, passes)
  Napi::Value match(const Napi::CallbackInfo& info) {
    try {
      return number_to(info.Env(), bench_.match(engine_from(info[0]), passes_from(info[1])));
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  static uint64_t passes_from(const Napi::Value& value) {
    return value.As<Napi::Number>().Uint32Value();
  }

  static const StampEngine& engine_from(const Napi::Value& value) {
    const std::string name = value.As<Napi::String>().Utf8Value();
    for (const StampEngine* engine : stamp_engines()) {
      if (engine->name == name) return *engine;
    }
    throw Napi::TypeError::New(value.Env(), "no stamp engine '" + name + "' on this CPU");
  }

  MemoryBench bench_;
};

}  // namespace

Napi::Function define_micro_memory(Napi::Env env) {
  return MemoryObject::define(env);
}

}  // namespace splicebench
