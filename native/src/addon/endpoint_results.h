// What endpoints of every kind counted, as JavaScript sees it.
#pragma once

#include <napi.h>

#include <map>
#include <memory>
#include <vector>

#include "addon/loop_object.h"
#include "counters/histogram.h"
#include "endpoint/endpoint.h"

namespace splicebench {

Napi::Object snapshot_to(Napi::Env env, const EndpointStats& stats, const LoopRunner& runner);
// Flat: [timeNs, received, sent, timeNs, …]
Napi::Value series_to(Napi::Env env, const std::vector<SeriesSample>& samples);
// [[connection, bytes], …]; connections are stamped in the order of opening.
Napi::Value sent_to(Napi::Env env, const std::vector<ConnectionResult>& results);
Napi::Object totals_to(Napi::Env env, const CheckTotals& totals);
// {count, minNs, meanNs, maxNs, p50Ns, p90Ns, p99Ns, p999Ns}
Napi::Object latency_to(Napi::Env env, const Histogram& histogram);

// The connections of an endpoint with the verdicts of their checkers, which are ended once.
class StreamVerdicts {
 public:
  // sent: what the other end sent by connection number, [[connection, bytes], …], or null when
  // unknown. Call it after the loop has ended.
  Napi::Object results_to(const Napi::Value& sent, const std::vector<ConnectionResult>& results,
                          const std::vector<std::unique_ptr<Receiver>>& receivers) {
    return results_to(sent, results, receivers, 0, results.size());
  }
  // Of so many connections from the first on.
  Napi::Object results_to(const Napi::Value& sent, const std::vector<ConnectionResult>& results,
                          const std::vector<std::unique_ptr<Receiver>>& receivers, size_t first,
                          size_t count);

 private:
  std::map<size_t, uint64_t> cut_;
};

}  // namespace splicebench
