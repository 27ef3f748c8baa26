#include "stream/incident_log.h"

#include <cmath>

namespace splicebench {
namespace {

double entropy_of(const std::vector<uint8_t>& bytes) {
  if (bytes.empty()) return 0;
  std::array<unsigned, 256> counts{};
  for (const uint8_t byte : bytes) counts[byte]++;
  const auto total = static_cast<double>(bytes.size());
  double bits = 0;
  for (const unsigned n : counts)
    if (n != 0) bits -= n / total * std::log2(n / total);
  return bits;
}

double printable_share(const std::vector<uint8_t>& bytes) {
  if (bytes.empty()) return 0;
  size_t printable = 0;
  for (const uint8_t byte : bytes)
    printable += (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r');
  return static_cast<double>(printable) / static_cast<double>(bytes.size());
}

}  // namespace

const char* incident_class_name(IncidentClass c) {
  switch (c) {
    case IncidentClass::kBitFlip:
      return "bit-flip";
    case IncidentClass::kZeros:
      return "zeros";
    case IncidentClass::kMisplaced:
      return "misplaced";
    case IncidentClass::kForeign:
      return "foreign";
    case IncidentClass::kDecoy:
      return "decoy";
    case IncidentClass::kMissing:
      return "missing";
    case IncidentClass::kInserted:
      return "inserted";
    case IncidentClass::kUnknown:
      break;
  }
  return "unknown";
}

void IncidentLog::count(IncidentClass kind, uint64_t length) {
  add(&incidents_, 1);
  add(&by_class_[static_cast<size_t>(kind)], 1);
  add(kind == IncidentClass::kMissing    ? &missing_
      : kind == IncidentClass::kInserted ? &extra_
                                         : &corrupted_,
      length);
}

void IncidentLog::keep(Incident incident) {
  incident.entropy = entropy_of(incident.received);
  incident.printable = printable_share(incident.received);
  kept_.push_back(std::move(incident));
}

CheckTotals IncidentLog::totals() const {
  CheckTotals totals;
  totals.received = received_.load(kRelaxed);
  totals.verified = verified_.load(kRelaxed);
  totals.corrupted = corrupted_.load(kRelaxed);
  totals.missing = missing_.load(kRelaxed);
  totals.extra = extra_.load(kRelaxed);
  totals.incidents = incidents_.load(kRelaxed);
  for (size_t i = 0; i < kIncidentClasses; i++) totals.by_class[i] = by_class_[i].load(kRelaxed);
  return totals;
}

}  // namespace splicebench
