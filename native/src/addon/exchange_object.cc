// The Exchange class as JavaScript sees it; native-surface.ts states its surface.

#include "addon/objects.h"
#include "addon/peer_object.h"
#include "endpoint/exchange.h"

namespace splicebench {
namespace {

class ExchangeObject : public PeerObject<ExchangeObject, Exchange> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Exchange",
                       with_shared({
                           InstanceMethod<&ExchangeObject::snapshot>("snapshot"),
                           InstanceMethod<&ExchangeObject::pace>("pace"),
                           InstanceMethod<&ExchangeObject::sent_counts>("sentCounts"),
                           InstanceMethod<&ExchangeObject::results>("results"),
                       }));
  }

  explicit ExchangeObject(const Napi::CallbackInfo& info) : PeerObject(info) {
    const auto o = info[0].As<Napi::Object>();
    ExchangeOptions options;
    peer_options_from(o, options);
    options.request = static_cast<uint64_t>(number_from(o, "request", 64));
    options.response = static_cast<uint64_t>(number_from(o, "response", 64));
    open(info.Env(), [&] {
      return options.listen ? make_exchange_server(options) : make_exchange_client(options);
    });
  }

 private:
  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object object = snapshot_to(env, peer_->stats(), runner_);
    object.Set("completed", number_to(env, peer_->exchanges().completed.get()));
    object.Set("unsent", number_to(env, peer_->exchanges().unsent.get()));
    return object;
  }

  void pace(const Napi::CallbackInfo& info) {
    peer_->pace(info[0].As<Napi::Number>().DoubleValue());
  }

  Napi::Value sent_counts(const Napi::CallbackInfo& info) {
    runner_.join();
    return sent_to(info.Env(), peer_->results());
  }

  Napi::Value results(const Napi::CallbackInfo& info) {
    runner_.join();
    return verdicts_.results_to(info[0], peer_->results(), peer_->receivers());
  }

  StreamVerdicts verdicts_;
};

}  // namespace

Napi::Function define_exchange(Napi::Env env) {
  return ExchangeObject::define(env);
}

}  // namespace splicebench
