// The latency histogram against exact percentiles of the same values.
#include "counters/histogram.h"

#include <algorithm>
#include <vector>

#include "counters/latency_window.h"
#include "testing.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// The exact percentile by the same rank.
uint64_t exact(const std::vector<uint64_t>& sorted, double share) {
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

void against_exact(Random& random, size_t count, uint64_t most) {
  Histogram histogram;
  std::vector<uint64_t> values;
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(random.scale(0, most));
    histogram.record(values.back());
    sum += static_cast<double>(values.back());
  }
  std::sort(values.begin(), values.end());
  CHECK(histogram.count() == count);
  CHECK(histogram.min() == values.front() && histogram.max() == values.back());
  CHECK(std::abs(histogram.mean() - sum / static_cast<double>(count)) <= 1e-9 * sum);
  for (const double share : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const uint64_t want = exact(values, share);
    const uint64_t got = histogram.percentile(share);
    // Never below, and above by less than a bucket.
    CHECK(got >= want);
    CHECK(got - want <= want / (Histogram::kLinear / 2));
  }
}

void buckets() {
  for (uint64_t value = 0; value < 100'000; ++value) {
    const size_t index = Histogram::index_of(value);
    CHECK(value <= Histogram::last_of(index));
    if (index > 0) CHECK(value > Histogram::last_of(index - 1));
  }
  CHECK(Histogram::last_of(Histogram::index_of(Histogram::kTop)) == Histogram::kTop);
}

void edges() {
  Histogram empty;
  CHECK(empty.percentile(0.5) == 0 && empty.min() == 0 && empty.max() == 0 && empty.mean() == 0);
  Histogram one;
  one.record(123'456'789);
  CHECK(one.percentile(0.0) == 123'456'789 && one.percentile(0.999) == 123'456'789);
  Histogram far;
  far.record(UINT64_MAX);
  CHECK(far.max() == Histogram::kTop && far.percentile(1) == Histogram::kTop);
  Histogram many;
  many.record(10, 99);
  many.record(1000, 1);
  CHECK(many.percentile(0.99) == 10 && many.percentile(0.991) == 1000);
}

// By the beginning: what is under way when the window ends belongs to it.
void window() {
  LatencyWindow window;
  window.record(5, 10);
  window.begin(100);
  window.end(200);
  window.record(99, 150);
  window.record(100, 130);
  window.record(199, 5000);
  window.record(200, 201);
  CHECK(window.histogram().count() == 2);
  CHECK(window.histogram().min() == 30);
  CHECK(window.histogram().max() == 4801);
}

}  // namespace

int main() {
  Random random(7);
  buckets();
  edges();
  window();
  for (const size_t count : {1, 2, 10, 1000, 100'000}) {
    against_exact(random, count, 1'000);
    against_exact(random, count, 10'000'000);
    against_exact(random, count, uint64_t{1} << 43);
  }
  printf("histogram_test: %s\n", failures == 0 ? "ok" : "FAILED");
  return failures == 0 ? 0 : 1;
}
