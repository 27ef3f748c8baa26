// The Script class as JavaScript sees it; native-script.ts states its surface.

#include <memory>

#include "addon/convert.h"
#include "addon/endpoint_results.h"
#include "addon/loop_object.h"
#include "addon/objects.h"
#include "script/script.h"

namespace splicebench {
namespace {

uint64_t whole_from(const Napi::Object& o, const char* key) {
  return static_cast<uint64_t>(number_from(o, key, 0));
}

// The names of StepKind, SendBy and Until travel as their numbers: native-script.ts has the order.
Step step_from(const Napi::Object& o) {
  Step step;
  step.kind = static_cast<StepKind>(whole_from(o, "kind"));
  step.until = static_cast<Until>(whole_from(o, "until"));
  step.by = static_cast<SendBy>(whole_from(o, "by"));
  step.bytes = whole_from(o, "bytes");
  step.limit = whole_from(o, "limit");
  step.piece = whole_from(o, "piece");
  step.interval_ns = whole_from(o, "intervalNs");
  step.rate = whole_from(o, "rate");
  step.for_ns = whole_from(o, "forNs");
  step.quiet_ns = whole_from(o, "quietNs");
  step.within_ns = whole_from(o, "withinNs");
  step.finish = flag_from(o, "finish", false);
  return step;
}

BufferSizes buffers_from(const Napi::Object& o) {
  BufferSizes buffers;
  buffers.receive = static_cast<int>(number_from(o, "receiveBuffer", 0));
  buffers.send = static_cast<int>(number_from(o, "sendBuffer", 0));
  buffers.segment = static_cast<int>(number_from(o, "segment", 0));
  return buffers;
}

EndPlan end_from(const Napi::Object& o) {
  EndPlan plan;
  plan.buffers = buffers_from(o);
  plan.nodelay = flag_from(o, "nodelay", true);
  const auto steps = o.Get("steps").As<Napi::Array>();
  for (uint32_t i = 0; i < steps.Length(); i++) {
    plan.steps.push_back(step_from(steps.Get(i).As<Napi::Object>()));
  }
  return plan;
}

// One entry a socket, null where there is none.
Napi::Value queues_to(Napi::Env env, const Queues& queues) {
  Napi::Array array = Napi::Array::New(env);
  for (const SocketState& socket : queues) {
    if (!socket.known) {
      array.Set(array.Length(), env.Null());
      continue;
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("state", number_to(env, socket.state));
    object.Set("unread", number_to(env, socket.unread));
    object.Set("unacked", number_to(env, socket.unacked));
    object.Set("taken", number_to(env, socket.taken));
    object.Set("given", number_to(env, socket.given));
    array.Set(array.Length(), object);
  }
  return array;
}

Napi::Object step_to(Napi::Env env, const StepRecord& step) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("beginNs", number_to(env, step.begin_ns));
  object.Set("endNs", number_to(env, step.end_ns));
  object.Set("bytes", number_to(env, step.bytes));
  object.Set("outcome", number_to(env, static_cast<uint64_t>(step.outcome)));
  object.Set("error", errno_text(env, static_cast<uint64_t>(step.error)));
  object.Set("queues", queues_to(env, step.queues));
  return object;
}

Napi::Object end_to(Napi::Env env, const EndRecord& end) {
  Napi::Object object = Napi::Object::New(env);
  Napi::Array steps = Napi::Array::New(env);
  for (const StepRecord& step : end.steps) steps.Set(steps.Length(), step_to(env, step));
  Napi::Array incidents = Napi::Array::New(env);
  for (const Incident& one : end.incidents)
    incidents.Set(incidents.Length(), incident_to(env, one));
  object.Set("steps", steps);
  object.Set("sent", number_to(env, end.sent));
  object.Set("received", number_to(env, end.received));
  object.Set("seen", number_to(env, static_cast<uint64_t>(end.seen)));
  object.Set("seenNs", number_to(env, end.seen_ns));
  object.Set("error", errno_text(env, static_cast<uint64_t>(end.error)));
  object.Set("unreadAtClose", number_to(env, end.unread_at_close));
  object.Set("cut", number_to(env, end.cut));
  object.Set("beyondEnd", number_to(env, end.beyond_end));
  object.Set("totals", totals_to(env, end.totals));
  object.Set("incidents", incidents);
  return object;
}

class ScriptObject : public Napi::ObjectWrap<ScriptObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Script",
                       {
                           InstanceMethod<&ScriptObject::start>("start"),
                           InstanceMethod<&ScriptObject::cancel>("cancel"),
                           InstanceMethod<&ScriptObject::results>("results"),
                           InstanceAccessor<&ScriptObject::port>("port"),
                       });
  }

  explicit ScriptObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto o = info[0].As<Napi::Object>();
    ScriptOptions options;
    options.seed = seed_from(o.Get("seed"), "seed");
    options.listen = address_from(o.Get("listen"), "listen");
    options.client_network = string_from(o, "clientNetwork");
    options.forwarder_network = string_from(o, "forwarderNetwork");
    options.server_buffers = buffers_from(o);
    try {
      script_ = std::make_unique<Script>(std::move(options));
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  ~ScriptObject() override {
    if (script_) script_->cancel();
    if (runner_) runner_->join();
  }

 private:
  // ({address, direct, connections, rounds, firstNumber}, onEnd); again once that has ended.
  void start(const Napi::CallbackInfo& info) {
    const auto o = info[0].As<Napi::Object>();
    ScriptRun run;
    run.address = address_from(o.Get("address"), "address");
    run.direct = flag_from(o, "direct", false);
    run.prefix = prefix_from(string_from(o, "prefix"));
    run.connections = static_cast<uint32_t>(number_from(o, "connections", 1));
    run.rounds = static_cast<uint32_t>(number_from(o, "rounds", 1));
    run.client = end_from(o.Get("client").As<Napi::Object>());
    run.server = end_from(o.Get("server").As<Napi::Object>());
    run.first_number = static_cast<uint32_t>(number_from(o, "firstNumber", 0));
    if (runner_) runner_->join();
    records_.clear();
    runner_ = std::make_unique<LoopRunner>();
    runner_->start(info.Env(), info[1].As<Napi::Function>(), {},
                   [this, run] { records_ = script_->run(run); });
  }
  void cancel(const Napi::CallbackInfo&) { script_->cancel(); }
  Napi::Value port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), script_->port());
  }

  Napi::Value results(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (runner_) runner_->join();
    Napi::Array array = Napi::Array::New(env);
    for (const ConversationRecord& one : records_) {
      Napi::Object object = Napi::Object::New(env);
      object.Set("number", number_to(env, one.number));
      object.Set("failure", one.failure.empty()
                                ? env.Null()
                                : Napi::String::New(env, one.failure).As<Napi::Value>());
      object.Set("connectNs", number_to(env, one.connect_ns));
      object.Set("beginNs", number_to(env, one.begin_ns));
      object.Set("client", end_to(env, one.client));
      object.Set("server", end_to(env, one.server));
      array.Set(array.Length(), object);
    }
    return array;
  }

  std::unique_ptr<Script> script_;
  std::unique_ptr<LoopRunner> runner_;
  std::vector<ConversationRecord> records_;
};

}  // namespace

Napi::Function define_script(Napi::Env env) {
  return ScriptObject::define(env);
}

}  // namespace splicebench
