// The Endpoint class as JavaScript sees it; native-surface.ts states its surface.

#include <functional>
#include <memory>

#include "addon/convert.h"
#include "addon/endpoint_results.h"
#include "addon/loop_object.h"
#include "addon/objects.h"
#include "endpoint/endpoint.h"
#include "faults/overwriting.h"

namespace splicebench {
namespace {

SendMode send_mode(const std::string& name) {
  if (name == "content") return SendMode::kContent;
  if (name == "buffer") return SendMode::kBuffer;
  if (name == "prepared") return SendMode::kPrepared;
  if (name == "file") return SendMode::kFile;
  if (name == "overwriting" || name == "graded") return SendMode::kGiven;
  return SendMode::kNone;
}

// Of sources that write over what they have handed over.
SenderMaker sender_maker(const Napi::Object& o) {
  const std::string name = string_from(o, "send");
  if (name == "overwriting") {
    return overwriting_senders(
        handover_named(string_from(o, "handover")).value_or(Handover::kSend));
  }
  if (name != "graded") return {};
  return graded_senders(static_cast<uint64_t>(number_from(o, "overwriteEvery", 0)));
}

ReceiveMode receive_mode(const std::string& name) {
  if (name == "check") return ReceiveMode::kCheck;
  if (name == "buffer") return ReceiveMode::kBuffer;
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

// {host, port, send, pages, receive}
ArmOptions arm_from(const Napi::Value& value) {
  ArmOptions arm;
  arm.address = address_from(value, "arms");
  const auto o = value.As<Napi::Object>();
  arm.send = send_mode(string_from(o, "send"));
  arm.pages = page_kind_named(string_from(o, "pages"));
  arm.receive = receive_mode(string_from(o, "receive"));
  return arm;
}

EndpointOptions options_from(const Napi::Object& o) {
  EndpointOptions options;
  options.listen = flag_from(o, "listen", false);
  options.address = address_from(o.Get("address"), "address");
  if (o.Get("arms").IsArray()) {
    const auto arms = o.Get("arms").As<Napi::Array>();
    for (uint32_t i = 0; i < arms.Length(); ++i) {
      options.arms.push_back(arm_from(arms.Get(i)));
    }
  }
  options.prefix = prefix_from(string_from(o, "prefix"));
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
  options.pages = page_kind_named(string_from(o, "pages"));
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
  options.make_sender = sender_maker(o);
  options.receive = receive_mode(string_from(o, "receive"));
  options.receive_direction = direction_from(string_from(o, "receiveDirection"));
  options.output = static_cast<int>(number_from(o, "output", 1));
  options.stored_incidents = static_cast<size_t>(number_from(o, "storedIncidents", 1000));
  return options;
}

// Waits on a thread of the pool, so that JavaScript learns of it as soon as it happens and nobody
// polls meanwhile.
class Wait final : public Napi::AsyncWorker {
 public:
  // `owner` is kept until it is over.
  Wait(const Napi::Object& owner, std::function<SliceFigures()> body)
      : AsyncWorker(owner.Env()),
        owner_(Napi::Persistent(owner)),
        promise_(Napi::Promise::Deferred::New(owner.Env())),
        body_(std::move(body)) {}
  Napi::Promise promise() const { return promise_.Promise(); }

 private:
  void Execute() override { figures_ = body_(); }
  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object object = Napi::Object::New(env);
    object.Set("sent", number_to(env, figures_.sent));
    object.Set("received", number_to(env, figures_.received));
    object.Set("firstNs", number_to(env, figures_.first_ns));
    object.Set("fromNs", number_to(env, figures_.from_ns));
    object.Set("toNs", number_to(env, figures_.to_ns));
    object.Set("bytes", number_to(env, figures_.bytes));
    object.Set("lastNs", number_to(env, figures_.last_ns));
    object.Set("incidents", number_to(env, figures_.incidents));
    object.Set("complete", figures_.complete);
    object.Set("ended", figures_.ended);
    promise_.Resolve(object);
  }

  Napi::ObjectReference owner_;
  Napi::Promise::Deferred promise_;
  std::function<SliceFigures()> body_;
  SliceFigures figures_;
};

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
                           InstanceMethod<&EndpointObject::begin_slice>("beginSlice"),
                           InstanceMethod<&EndpointObject::sent>("sent"),
                           InstanceMethod<&EndpointObject::received>("received"),
                           InstanceMethod<&EndpointObject::end_arm>("endArm"),
                           InstanceMethod<&EndpointObject::arms>("arms"),
                           InstanceMethod<&EndpointObject::arm_results>("armResults"),
                           InstanceAccessor<&EndpointObject::port>("port"),
                           InstanceAccessor<&EndpointObject::ports>("ports"),
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
    object.Set("awaitingPrefix", number_to(info.Env(), endpoint_->stats().awaiting_prefix.get()));
    return object;
  }

  Napi::Value ports(const Napi::CallbackInfo& info) {
    Napi::Array ports = Napi::Array::New(info.Env());
    for (const Address& address : endpoint_->addresses()) {
      ports.Set(ports.Length(), Napi::Number::New(info.Env(), address.port()));
    }
    return ports;
  }

  // {arm, settleNs, measureNs}
  void begin_slice(const Napi::CallbackInfo& info) {
    const auto o = info[0].As<Napi::Object>();
    endpoint_->begin_slice({static_cast<uint32_t>(number_from(o, "arm", 0)),
                            static_cast<uint64_t>(number_from(o, "settleNs", 0)),
                            static_cast<uint64_t>(number_from(o, "measureNs", 0))});
  }
  void end_arm(const Napi::CallbackInfo& info) {
    endpoint_->end_arm(info[0].As<Napi::Number>().Uint32Value());
  }
  // (patienceNs)
  Napi::Value sent(const Napi::CallbackInfo& info) {
    const auto patience = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    return wait(info, [this, patience] { return endpoint_->slices().wait_sent(patience); });
  }
  // (total, stallNs)
  Napi::Value received(const Napi::CallbackInfo& info) {
    const auto total = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    const auto stall = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
    return wait(info,
                [this, total, stall] { return endpoint_->slices().wait_received(total, stall); });
  }
  Napi::Value wait(const Napi::CallbackInfo& info, std::function<SliceFigures()> body) {
    auto* waiting = new Wait(info.This().As<Napi::Object>(), std::move(body));
    waiting->Queue();  // which deletes it
    return waiting->promise();
  }

  Napi::Value arms(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Array arms = Napi::Array::New(env);
    for (uint32_t i = 0; i < endpoint_->slices().count(); ++i) {
      const ArmStats& arm = endpoint_->slices().arm(i);
      Napi::Object object = Napi::Object::New(env);
      object.Set("established", number_to(env, arm.established.get()));
      object.Set("started", number_to(env, arm.started.get()));
      object.Set("ended", number_to(env, arm.ended.get()));
      object.Set("sent", number_to(env, arm.sent.get()));
      object.Set("received", number_to(env, arm.received.get()));
      object.Set("incidents", number_to(env, arm.incidents.get()));
      arms.Set(i, object);
    }
    return arms;
  }

  // results() of each arm.
  Napi::Value arm_results(const Napi::CallbackInfo& info) {
    runner_.join();
    Napi::Array all = Napi::Array::New(info.Env());
    const uint32_t arms = endpoint_->slices().count();
    const size_t each = endpoint_->results().size() / arms;
    for (uint32_t i = 0; i < arms; ++i) {
      Napi::Object one = verdicts_.results_to(info[0], endpoint_->results(), endpoint_->receivers(),
                                              i * each, each);
      set_pages(one, i);
      all.Set(i, one);
    }
    return all;
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
    set_pages(object, 0);
    return object;
  }

  // Of the prepared pages that an arm sent: pages: {pages, runs, hugeBytes}, null where not known.
  void set_pages(Napi::Object& object, uint32_t arm) {
    if (arm >= endpoint_->pages().size() || !endpoint_->pages()[arm]) return;
    const Napi::Env env = object.Env();
    const PageFacts& facts = *endpoint_->pages()[arm];
    Napi::Object pages = Napi::Object::New(env);
    pages.Set("pages", number_to(env, facts.pages));
    pages.Set("runs", facts.runs == 0 ? env.Null() : number_to(env, facts.runs));
    pages.Set("hugeBytes", facts.huge_bytes ? number_to(env, *facts.huge_bytes) : env.Null());
    object.Set("pages", pages);
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
