// What the classes Exchange and Churn share: a peer with its thread.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/convert.h"
#include "addon/endpoint_results.h"
#include "addon/loop_object.h"
#include "counters/clock.h"
#include "endpoint/peer.h"

namespace splicebench {

inline void peer_options_from(const Napi::Object& o, PeerOptions& options) {
  options.listen = flag_from(o, "listen", false);
  options.address = address_from(o.Get("address"), "address");
  options.connections = static_cast<uint32_t>(number_from(o, "connections", 1));
  options.seed = seed_from(o.Get("seed"), "seed");
  options.earlier_seeds = seeds_from(o.Get("earlierSeeds"), "earlierSeeds");
  options.check = flag_from(o, "check", true);
  options.stored_incidents = static_cast<size_t>(number_from(o, "storedIncidents", 1000));
}

template <class Object, class P>
class PeerObject : public Napi::ObjectWrap<Object> {
 public:
  explicit PeerObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Object>(info) {
    cpus_ = integers_from(info[0].As<Napi::Object>().Get("cpus"), "cpus");
  }

  ~PeerObject() override {
    if (runner_.started()) peer_->stop_now();
    runner_.join();
  }

  void start(const Napi::CallbackInfo& info) {
    runner_.start(info.Env(), info[0].As<Napi::Function>(), cpus_, [this] { peer_->run(); });
  }
  void go(const Napi::CallbackInfo&) { peer_->go(); }
  void stop(const Napi::CallbackInfo&) { peer_->stop(); }
  void stop_now(const Napi::CallbackInfo&) { peer_->stop_now(); }
  void begin_window(const Napi::CallbackInfo&) { peer_->window().begin(monotonic_ns()); }
  void end_window(const Napi::CallbackInfo&) { peer_->window().end(monotonic_ns()); }

  Napi::Value port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), peer_->address().port());
  }
  Napi::Value series(const Napi::CallbackInfo& info) {
    return series_to(info.Env(), peer_->series());
  }
  Napi::Value latency(const Napi::CallbackInfo& info) {
    runner_.join();
    return latency_to(info.Env(), peer_->window().histogram());
  }

 protected:
  // Opens the peer by `make`, which may throw std::runtime_error.
  template <class Make>
  void open(Napi::Env env, Make make) {
    try {
      peer_ = make();
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(env, error.what());
    }
  }

  // The methods above by their JavaScript names, and the class's own.
  static std::vector<Napi::ClassPropertyDescriptor<Object>> with_shared(
      std::vector<Napi::ClassPropertyDescriptor<Object>> own) {
    using Wrap = Napi::ObjectWrap<Object>;
    using Void = void (Object::*)(const Napi::CallbackInfo&);
    using Value = Napi::Value (Object::*)(const Napi::CallbackInfo&);
    own.push_back(Wrap::InstanceMethod("start", static_cast<Void>(&Object::start)));
    own.push_back(Wrap::InstanceMethod("go", static_cast<Void>(&Object::go)));
    own.push_back(Wrap::InstanceMethod("stop", static_cast<Void>(&Object::stop)));
    own.push_back(Wrap::InstanceMethod("stopNow", static_cast<Void>(&Object::stop_now)));
    own.push_back(Wrap::InstanceMethod("beginWindow", static_cast<Void>(&Object::begin_window)));
    own.push_back(Wrap::InstanceMethod("endWindow", static_cast<Void>(&Object::end_window)));
    own.push_back(Wrap::InstanceMethod("series", static_cast<Value>(&Object::series)));
    own.push_back(Wrap::InstanceMethod("latency", static_cast<Value>(&Object::latency)));
    own.push_back(Wrap::InstanceAccessor("port", static_cast<Value>(&Object::port), nullptr));
    return own;
  }

  std::unique_ptr<P> peer_;
  LoopRunner runner_;

 private:
  std::vector<int> cpus_;
};

}  // namespace splicebench
