#include "addon/endpoint_results.h"

#include "addon/convert.h"
#include "addon/objects.h"
#include "counters/clock.h"

namespace splicebench {
namespace {

std::map<uint32_t, uint64_t> sent_from(const Napi::Value& value) {
  std::map<uint32_t, uint64_t> sent;
  const auto pairs = value.As<Napi::Array>();
  for (uint32_t i = 0; i < pairs.Length(); ++i) {
    const auto pair = pairs.Get(i).As<Napi::Array>();
    sent[pair.Get(uint32_t{0}).As<Napi::Number>().Uint32Value()] =
        static_cast<uint64_t>(pair.Get(1).As<Napi::Number>().Int64Value());
  }
  return sent;
}

}  // namespace

Napi::Object snapshot_to(Napi::Env env, const EndpointStats& stats, const LoopRunner& runner) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("timeNs", number_to(env, monotonic_ns()));
  object.Set("cpuNs", number_to(env, runner.started() ? runner.thread()->cpu_ns() : 0));
  object.Set("tid", runner.started() ? runner.thread()->tid() : 0);
  object.Set("established", number_to(env, stats.established.get()));
  object.Set("started", number_to(env, stats.started.get()));
  object.Set("ended", number_to(env, stats.ended.get()));
  object.Set("failed", number_to(env, stats.failed.get()));
  object.Set("lastErrno", errno_text(env, stats.last_errno.get()));
  object.Set("sent", number_to(env, stats.sent.get()));
  object.Set("received", number_to(env, stats.received.get()));
  object.Set("incidents", number_to(env, stats.incidents.get()));
  object.Set("pauses", number_to(env, stats.pauses.get()));
  object.Set("firstByteNs", number_to(env, stats.first_byte_ns.get()));
  object.Set("lastByteNs", number_to(env, stats.last_byte_ns.get()));
  return object;
}

Napi::Value series_to(Napi::Env env, const std::vector<SeriesSample>& samples) {
  auto array = Napi::Float64Array::New(env, samples.size() * 3);
  for (size_t i = 0; i < samples.size(); ++i) {
    array[i * 3] = static_cast<double>(samples[i].time_ns);
    array[i * 3 + 1] = static_cast<double>(samples[i].received);
    array[i * 3 + 2] = static_cast<double>(samples[i].sent);
  }
  return array;
}

Napi::Value sent_to(Napi::Env env, const std::vector<ConnectionResult>& results) {
  Napi::Array pairs = Napi::Array::New(env);
  for (uint32_t i = 0; i < results.size(); ++i) {
    Napi::Array pair = Napi::Array::New(env, 2);
    pair.Set(uint32_t{0}, results[i].connection);
    pair.Set(uint32_t{1}, number_to(env, results[i].sent));
    pairs.Set(i, pair);
  }
  return pairs;
}

Napi::Object totals_to(Napi::Env env, const CheckTotals& totals) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("verified", number_to(env, totals.verified));
  object.Set("corrupted", number_to(env, totals.corrupted));
  object.Set("missing", number_to(env, totals.missing));
  object.Set("extra", number_to(env, totals.extra));
  object.Set("incidents", number_to(env, totals.incidents));
  Napi::Object classes = Napi::Object::New(env);
  for (size_t k = 0; k < kIncidentClasses; ++k) {
    if (totals.by_class[k] == 0) continue;
    classes.Set(incident_class_name(static_cast<IncidentClass>(k)),
                number_to(env, totals.by_class[k]));
  }
  object.Set("byClass", classes);
  return object;
}

Napi::Object latency_to(Napi::Env env, const Histogram& histogram) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("count", number_to(env, histogram.count()));
  object.Set("minNs", number_to(env, histogram.min()));
  object.Set("meanNs", histogram.mean());
  object.Set("maxNs", number_to(env, histogram.max()));
  object.Set("p50Ns", number_to(env, histogram.percentile(0.5)));
  object.Set("p90Ns", number_to(env, histogram.percentile(0.9)));
  object.Set("p99Ns", number_to(env, histogram.percentile(0.99)));
  object.Set("p999Ns", number_to(env, histogram.percentile(0.999)));
  return object;
}

Napi::Object StreamVerdicts::results_to(const Napi::Value& sent_pairs,
                                        const std::vector<ConnectionResult>& results,
                                        const std::vector<std::unique_ptr<Receiver>>& receivers,
                                        size_t first, size_t count) {
  const Napi::Env env = sent_pairs.Env();
  const bool known = sent_pairs.IsArray();
  const std::map<uint32_t, uint64_t> sent =
      known ? sent_from(sent_pairs) : std::map<uint32_t, uint64_t>{};
  Napi::Array connections = Napi::Array::New(env);
  Napi::Array incidents = Napi::Array::New(env);
  CheckTotals totals;
  for (size_t i = first; i < first + count; ++i) {
    const ConnectionResult& result = results[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("connection", result.connection);
    object.Set("sent", number_to(env, result.sent));
    object.Set("received", number_to(env, result.received));
    object.Set("orderly", result.orderly);
    object.Set("error", errno_text(env, static_cast<uint64_t>(result.error)));
    object.Set("port", result.port);
    object.Set("mss", result.mss);
    if (Checker* checker = receivers[i] ? receivers[i]->checker() : nullptr) {
      if (!cut_.contains(i)) {
        const auto found = sent.find(checker->connection());
        cut_[i] = checker->finish(!known ? UINT64_MAX : found == sent.end() ? 0 : found->second);
      }
      object.Set("connection", checker->connection());
      object.Set("cut", number_to(env, cut_[i]));
      object.Set("beyondEnd", number_to(env, checker->beyond_end()));
      totals += checker->totals();
      for (const Incident& incident : checker->incidents()) {
        incidents.Set(incidents.Length(), incident_to(env, incident));
      }
    }
    connections.Set(connections.Length(), object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("connections", connections);
  object.Set("incidents", incidents);
  object.Set("totals", totals_to(env, totals));
  return object;
}

}  // namespace splicebench
