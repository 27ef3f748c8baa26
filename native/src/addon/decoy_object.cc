// The Decoys class as JavaScript sees it; native-surface.ts states its surface.

#include <memory>

#include "addon/convert.h"
#include "addon/loop_object.h"
#include "addon/objects.h"
#include "faults/decoys.h"

namespace splicebench {
namespace {

class DecoyObject : public Napi::ObjectWrap<DecoyObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Decoys",
                       {
                           InstanceMethod<&DecoyObject::start>("start"),
                           InstanceMethod<&DecoyObject::stop>("stop"),
                           InstanceMethod<&DecoyObject::snapshot>("snapshot"),
                       });
  }

  explicit DecoyObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto o = info[0].As<Napi::Object>();
    cpus_ = integers_from(o.Get("cpus"), "cpus");
    DecoyOptions options;
    options.seed = seed_from(o.Get("seed"), "seed");
    options.number = static_cast<uint32_t>(number_from(o, "number", 0));
    options.bytes = static_cast<uint64_t>(number_from(o, "bytes", 0));
    options.rate = static_cast<uint64_t>(number_from(o, "rate", 0));
    try {
      decoys_ = std::make_unique<Decoys>(options);
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  ~DecoyObject() override {
    if (runner_.started()) decoys_->stop();
    runner_.join();
  }

 private:
  void start(const Napi::CallbackInfo& info) {
    runner_.start(info.Env(), info[0].As<Napi::Function>(), cpus_, [this] { decoys_->run(); });
  }
  void stop(const Napi::CallbackInfo&) { decoys_->stop(); }

  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const DecoyStats& stats = decoys_->stats();
    Napi::Object object = Napi::Object::New(env);
    object.Set("memory", number_to(env, stats.memory.get()));
    object.Set("pipes", number_to(env, stats.pipes.get()));
    object.Set("sockets", number_to(env, stats.sockets.get()));
    object.Set("terminal", number_to(env, stats.terminal.get()));
    object.Set("made", number_to(env, stats.made.get()));
    return object;
  }

  std::unique_ptr<Decoys> decoys_;
  std::vector<int> cpus_;
  LoopRunner runner_;
};

}  // namespace

Napi::Function define_decoys(Napi::Env env) {
  return DecoyObject::define(env);
}

}  // namespace splicebench
