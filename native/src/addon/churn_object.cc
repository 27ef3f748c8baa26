// The Churn class as JavaScript sees it; native-surface.ts states its surface.

#include "addon/objects.h"
#include "addon/peer_object.h"
#include "endpoint/churn.h"

namespace splicebench {
namespace {

class ChurnObject : public PeerObject<ChurnObject, Churn> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Churn",
                       with_shared({
                           InstanceMethod<&ChurnObject::snapshot>("snapshot"),
                           InstanceMethod<&ChurnObject::results>("results"),
                       }));
  }

  explicit ChurnObject(const Napi::CallbackInfo& info) : PeerObject(info) {
    const auto o = info[0].As<Napi::Object>();
    ChurnOptions options;
    peer_options_from(o, options);
    options.body = static_cast<uint64_t>(number_from(o, "body", 0));
    const double transfers = number_from(o, "transfers", 0);
    if (transfers > 0) options.transfers = static_cast<uint64_t>(transfers);
    options.send = flag_from(o, "send", false);
    options.receive = flag_from(o, "receive", false);
    open(info.Env(), [&] { return std::make_unique<Churn>(options); });
  }

 private:
  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object object = snapshot_to(env, peer_->stats(), runner_);
    object.Set("completed", number_to(env, peer_->whole()));
    return object;
  }

  Napi::Value results(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    runner_.join();
    const ChurnResults& results = peer_->results();
    Napi::Object object = Napi::Object::New(env);
    object.Set("begun", number_to(env, results.begun));
    object.Set("whole", number_to(env, results.whole));
    object.Set("broken", number_to(env, results.broken));
    object.Set("truncated", number_to(env, results.truncated));
    object.Set("cutBytes", number_to(env, results.cut_bytes));
    object.Set("beyond", number_to(env, results.beyond));
    object.Set("beyondBytes", number_to(env, results.beyond_bytes));
    object.Set("corrupt", number_to(env, results.corrupt));
    object.Set("starved", number_to(env, results.starved));
    object.Set("gaveUp", results.gave_up);
    object.Set("totals", totals_to(env, results.totals));
    // 64 bits: as text.
    object.Set("sentNumbers", std::to_string(results.sent_numbers));
    object.Set("receivedNumbers", std::to_string(results.received_numbers));
    Napi::Array incidents = Napi::Array::New(env);
    for (const Incident& incident : results.incidents) {
      incidents.Set(incidents.Length(), incident_to(env, incident));
    }
    object.Set("incidents", incidents);
    Napi::Array failures = Napi::Array::New(env);
    for (const ChurnFailure& failure : results.failures) {
      Napi::Object one = Napi::Object::New(env);
      one.Set("connection", number_to(env, failure.connection));
      one.Set("sent", number_to(env, failure.sent));
      one.Set("received", number_to(env, failure.received));
      one.Set("cut", number_to(env, failure.cut));
      one.Set("error", errno_text(env, static_cast<uint64_t>(failure.error)));
      failures.Set(failures.Length(), one);
    }
    object.Set("failures", failures);
    return object;
  }
};

}  // namespace

Napi::Function define_churn(Napi::Env env) {
  return ChurnObject::define(env);
}

}  // namespace splicebench
