// The Forwarder class as JavaScript sees it; native-surface.ts states its surface.

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>

#include "addon/convert.h"
#include "addon/loop_object.h"
#include "addon/objects.h"
#include "counters/clock.h"
#include "forward/forwarder.h"
#include "posix/error.h"

namespace splicebench {
namespace {

// {NAME: number | boolean | string}
Settings settings_from(const Napi::Value& value) {
  Settings settings;
  if (!value.IsObject()) return settings;
  const auto object = value.As<Napi::Object>();
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString();
    const Napi::Value given = object.Get(name);
    if (given.IsNumber()) settings.set(name, given.As<Napi::Number>().DoubleValue());
    if (given.IsBoolean()) settings.set(name, given.As<Napi::Boolean>().Value());
    if (given.IsString()) settings.set(name, given.As<Napi::String>().Utf8Value());
  }
  return settings;
}

Port port_named(const std::string& which) {
  if (which == "first") return Port::kOffered;
  return which == "next" ? Port::kJoined : Port::kOwn;
}

const char* side_name(CallSide side) {
  if (side == CallSide::kWithin) return "within";
  return side == CallSide::kOut ? "out" : "in";
}

// How long a loop may take to end before it is interrupted.
constexpr int kPatienceMs = 200;

class ForwarderObject : public Napi::ObjectWrap<ForwarderObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Forwarder",
                       {
                           InstanceMethod<&ForwarderObject::start>("start"),
                           InstanceMethod<&ForwarderObject::stop>("stop"),
                           InstanceMethod<&ForwarderObject::snapshot>("snapshot"),
                           InstanceMethod<&ForwarderObject::calls>("calls"),
                           InstanceMethod<&ForwarderObject::freeze>("freeze"),
                           InstanceMethod<&ForwarderObject::thaw>("thaw"),
                           InstanceMethod<&ForwarderObject::recorded>("recorded"),
                           InstanceAccessor<&ForwarderObject::port>("port"),
                       });
  }

  explicit ForwarderObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto o = info[0].As<Napi::Object>();
    try {
      options_.mechanism = string_from(o, "mechanism");
      options_.listen = address_from(o.Get("listen"), "listen");
      options_.upstream = address_from(o.Get("upstream"), "upstream");
      options_.once = flag_from(o, "once", false);
      options_.port = port_named(string_from(o, "oneOfSeveral"));
      cpus_ = integers_from(o.Get("cpus"), "cpus");
      forwarder_ = make_forwarder(options_.mechanism, settings_from(o.Get("settings")));
      wake_ = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
      if (!wake_) throw SystemError("eventfd", "");
      listener_ = listen_on(options_.listen, {}, kBacklog, options_.port);
      sys_ = std::make_unique<Sys>(options_.record);
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  ~ForwarderObject() override {
    do {
      ask_to_stop();
      for (int i = 0; i < kPatienceMs && !runner_.over(); ++i) usleep(1000);
    } while (!runner_.over());
    runner_.join();
  }

 private:
  void start(const Napi::CallbackInfo& info) {
    start_ns_ = monotonic_ns();
    runner_.start(info.Env(), info[0].As<Napi::Function>(), cpus_, [this] {
      const bool alone = options_.port == Port::kOwn;
      if (!alone && unshare(CLONE_FILES) == -1)
        throw SystemError("unshare", "the descriptors of a thread");
      ForwarderContext context{options_, *sys_, stats_, listener_.get(), wake_.get(), stop_};
      forwarder_->run(context);
      // In a table of its own this would close only the copy there, which ends with the thread.
      if (alone) listener_.reset();
    });
  }

  void stop(const Napi::CallbackInfo&) { ask_to_stop(); }

  // A loop that did not hear the first time waits in a call that no event ends.
  void ask_to_stop() {
    if (stop_.exchange(true)) runner_.interrupt();
    const uint64_t one = 1;
    // Fails only when the counter is full: then the loop is woken anyway.
    if (wake_ && write(wake_.get(), &one, sizeof(one)) < 0) return;
  }

  Napi::Value port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(
        info.Env(), listener_ ? local_address(listener_.get()).port() : options_.listen.port());
  }

  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object object = Napi::Object::New(env);
    object.Set("timeNs", number_to(env, monotonic_ns()));
    object.Set("startNs", number_to(env, start_ns_));
    object.Set("cpuNs", number_to(env, cpu_ns()));
    object.Set("tid", runner_.started() ? runner_.thread()->tid() : 0);
    object.Set("accepted", number_to(env, stats_.accepted.get()));
    object.Set("open", number_to(env, stats_.open.get()));
    object.Set("downBytes", number_to(env, stats_.down_bytes.get()));
    object.Set("upBytes", number_to(env, stats_.up_bytes.get()));
    object.Set("resets", number_to(env, stats_.resets.get()));
    object.Set("connectFailures", number_to(env, stats_.connect_failures.get()));
    object.Set("lastErrno", errno_text(env, stats_.last_errno.get()));
    const std::string trouble = stats_.trouble.text();
    object.Set("trouble", trouble.empty() ? env.Null() : Napi::String::New(env, trouble));
    object.Set("copyFallbacks", number_to(env, stats_.copy_fallbacks.get()));
    object.Set("pipeCapacity", number_to(env, stats_.pipe_capacity.get()));
    object.Set("pipesCreated", number_to(env, stats_.pipes_created.get()));
    object.Set("syscalls", number_to(env, sys_->system_calls()));
    Napi::Object details = Napi::Object::New(env);
    for (const auto& [name, counter] : forwarder_->details()) {
      details.Set(std::string(name), number_to(env, counter->get()));
    }
    object.Set("details", details);
    return object;
  }

  uint64_t cpu_ns() const {
    return (runner_.started() ? runner_.thread()->cpu_ns() : 0) + forwarder_->helper_cpu_ns();
  }

  // {NAME: {calls, eagain, bytes, histogram}} of the calls that were made.
  Napi::Value calls(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object all = Napi::Object::New(env);
    for (size_t i = 0; i < kCalls; ++i) {
      const CallCounter& counter = sys_->counter(static_cast<Call>(i));
      if (counter.calls.get() == 0) continue;
      Napi::Object one = Napi::Object::New(env);
      one.Set("calls", number_to(env, counter.calls.get()));
      one.Set("eagain", number_to(env, counter.eagain.get()));
      one.Set("bytes", number_to(env, counter.bytes.get()));
      Napi::Array histogram = Napi::Array::New(env);
      uint32_t used = 0;
      for (uint32_t k = 0; k < counter.histogram.size(); ++k) {
        if (counter.histogram[k].get() != 0) used = k + 1;
      }
      for (uint32_t k = 0; k < used; ++k) {
        histogram.Set(k, number_to(env, counter.histogram[k].get()));
      }
      one.Set("histogram", histogram);
      all.Set(call_name(static_cast<Call>(i)), one);
    }
    return all;
  }

  void freeze(const Napi::CallbackInfo&) { sys_->recorder().freeze(); }
  void thaw(const Napi::CallbackInfo&) { sys_->recorder().thaw(); }

  // The flight recorder, oldest first. Only after the loop has ended.
  Napi::Value recorded(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    runner_.join();
    Napi::Array array = Napi::Array::New(env);
    for (const RecordedCall& call : sys_->recorder().calls()) {
      Napi::Object object = Napi::Object::New(env);
      object.Set("t", static_cast<double>(call.time_ns - start_ns_) / 1e9);
      object.Set("name", call_name(call.call));
      object.Set("flow", call.flow);
      object.Set("asked", call.asked);
      object.Set("got", Napi::Number::New(env, static_cast<double>(call.got)));
      object.Set("offset", number_to(env, call.offset));
      object.Set("side", side_name(call.side));
      const std::optional<uint16_t> port = sys_->recorder().client_port(call.flow / 2);
      if (port) object.Set("port", *port);
      array.Set(array.Length(), object);
    }
    return array;
  }

  ForwarderOptions options_;
  std::vector<int> cpus_;
  uint64_t start_ns_ = 0;
  Fd listener_;
  Fd wake_;
  std::unique_ptr<Sys> sys_;
  ForwarderStats stats_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<Forwarder> forwarder_;
  LoopRunner runner_;
};

}  // namespace

Napi::Function define_forwarder(Napi::Env env) {
  return ForwarderObject::define(env);
}

}  // namespace splicebench
