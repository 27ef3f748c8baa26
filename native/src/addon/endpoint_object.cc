// The Endpoint class as JavaScript sees it; native-surface.ts states its surface.

#include <memory>

#include "addon/convert.h"
#include "addon/endpoint_results.h"
#include "addon/loop_object.h"
#include "addon/objects.h"
#include "endpoint/endpoint.h"

namespace splicebench {
namespace {

SendMode send_mode(const std::string& name) {
  if (name == "content") return SendMode::kContent;
  if (name == "buffer") return SendMode::kBuffer;
  if (name == "prepared") return SendMode::kPrepared;
  if (name == "file") return SendMode::kFile;
  if (name == "overwriting") return SendMode::kOverwriting;
  if (name == "graded") return SendMode::kGraded;
  return SendMode::kNone;
}

ReceiveMode receive_mode(const std::string& name) {
  if (name == "check") return ReceiveMode::kCheck;
  if (name == "discard") return ReceiveMode::kDiscard;
  if (name == "output") return ReceiveMode::kOutput;
  return ReceiveMode::kNone;
}

ContentKind content_kind(const std::string& name) {
  if (name == "zero") return ContentKind::kZero;
  if (name == "file") return ContentKind::kFile;
  return ContentKind::kStamped;
}

Direction direction_from(const std::string& name) {
  return name == "up" ? Direction::kUp : Direction::kDown;
}

EndpointOptions options_from(const Napi::Object& o) {
  EndpointOptions options;
  options.listen = flag_from(o, "listen", false);
  options.address = address_from(o.Get("address"), "address");
  options.connections = static_cast<uint32_t>(number_from(o, "connections", 1));
  options.first_connection = static_cast<uint32_t>(number_from(o, "firstConnection", 0));
  options.buffers.receive = static_cast<int>(number_from(o, "receiveBuffer", 0));
  options.buffers.send = static_cast<int>(number_from(o, "sendBuffer", 0));
  options.buffers.segment = static_cast<int>(number_from(o, "segment", 0));
  options.nodelay = flag_from(o, "nodelay", false);
  options.batch = flag_from(o, "batch", false);
  options.content = content_kind(string_from(o, "content"));
  options.file = string_from(o, "file");
  options.seed = seed_from(o.Get("seed"), "seed");
  options.earlier_seeds = seeds_from(o.Get("earlierSeeds"), "earlierSeeds");
  options.send = send_mode(string_from(o, "send"));
  options.send_direction = direction_from(string_from(o, "sendDirection"));
  const double bytes = number_from(o, "bytes", -1);
  if (bytes >= 0) options.bytes = static_cast<uint64_t>(bytes);
  options.message = static_cast<size_t>(number_from(o, "message", 0));
  options.message_most = static_cast<size_t>(number_from(o, "messageMost", 0));
  const double urgent = number_from(o, "urgentAt", -1);
  if (urgent >= 0) options.urgent_at = static_cast<uint64_t>(urgent);
  options.send_rate = static_cast<uint64_t>(number_from(o, "sendRate", 0));
  options.receive_rate = static_cast<uint64_t>(number_from(o, "receiveRate", 0));
  options.hold = flag_from(o, "hold", false);
  options.prologue = static_cast<uint64_t>(number_from(o, "prologue", kPrologue));
  options.hold_receive = flag_from(o, "holdReceive", false);
  const double pause = number_from(o, "pauseAt", -1);
  if (pause >= 0) options.pause_at = static_cast<uint64_t>(pause);
  options.pause_every = static_cast<uint64_t>(number_from(o, "pauseEvery", 0));
  options.pause_ns = static_cast<uint64_t>(number_from(o, "pauseNs", 0));
  options.handover = handover_named(string_from(o, "handover")).value_or(Handover::kSend);
  options.overwrite_every = static_cast<uint64_t>(number_from(o, "overwriteEvery", 0));
  options.receive = receive_mode(string_from(o, "receive"));
  options.receive_direction = direction_from(string_from(o, "receiveDirection"));
  options.output = static_cast<int>(number_from(o, "output", 1));
  options.stored_incidents = static_cast<size_t>(number_from(o, "storedIncidents", 1000));
  return options;
}

class EndpointObject : public Napi::ObjectWrap<EndpointObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Endpoint",
                       {
                           InstanceMethod<&EndpointObject::start>("start"),
                           InstanceMethod<&EndpointObject::go>("go"),
                           InstanceMethod<&EndpointObject::overwrite>("overwrite"),
                           InstanceMethod<&EndpointObject::stop>("stop"),
                           InstanceMethod<&EndpointObject::stop_now>("stopNow"),
                           InstanceMethod<&EndpointObject::snapshot>("snapshot"),
                           InstanceMethod<&EndpointObject::series>("series"),
                           InstanceMethod<&EndpointObject::sent_counts>("sentCounts"),
                           InstanceMethod<&EndpointObject::results>("results"),
                           InstanceAccessor<&EndpointObject::port>("port"),
                       });
  }

  explicit EndpointObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const auto options = info[0].As<Napi::Object>();
    cpus_ = integers_from(options.Get("cpus"), "cpus");
    try {
      endpoint_ = std::make_unique<Endpoint>(options_from(options));
    } catch (const std::runtime_error& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  ~EndpointObject() override {
    if (runner_.started()) endpoint_->stop_now();
    runner_.join();
  }

 private:
  void start(const Napi::CallbackInfo& info) {
    runner_.start(info.Env(), info[0].As<Napi::Function>(), cpus_, [this] { endpoint_->run(); });
  }
  void go(const Napi::CallbackInfo&) { endpoint_->go(); }
  void overwrite(const Napi::CallbackInfo&) { endpoint_->overwrite(); }
  void stop(const Napi::CallbackInfo&) { endpoint_->stop(); }
  void stop_now(const Napi::CallbackInfo&) { endpoint_->stop_now(); }

  Napi::Value port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), endpoint_->address().port());
  }

  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    Napi::Object object = snapshot_to(info.Env(), endpoint_->stats(), runner_);
    object.Set("waiting", number_to(info.Env(), endpoint_->stats().waiting.get()));
    object.Set("overwritten", number_to(info.Env(), endpoint_->stats().overwritten.get()));
    return object;
  }

  // Flat: [timeNs, received, sent, timeNs, …]
  Napi::Value series(const Napi::CallbackInfo& info) {
    return series_to(info.Env(), endpoint_->series());
  }

  // [[connection, bytes], …]; connections are stamped in the order of opening.
  Napi::Value sent_counts(const Napi::CallbackInfo& info) {
    runner_.join();
    return sent_to(info.Env(), endpoint_->results());
  }

  // Ends the checkers, with what the other end sent by connection number: [[connection, bytes], …]
  // or null when unknown.
  Napi::Value results(const Napi::CallbackInfo& info) {
    runner_.join();
    Napi::Object object =
        verdicts_.results_to(info[0], endpoint_->results(), endpoint_->receivers());
    object.Set("overwritten", number_to(info.Env(), endpoint_->stats().overwritten.get()));
    return object;
  }

  std::unique_ptr<Endpoint> endpoint_;
  std::vector<int> cpus_;
  LoopRunner runner_;
  StreamVerdicts verdicts_;
};

}  // namespace

Napi::Function define_endpoint(Napi::Env env) {
  return EndpointObject::define(env);
}

}  // namespace splicebench
