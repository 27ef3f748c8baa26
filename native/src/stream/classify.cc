#include "stream/classify.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace splicebench {
namespace {

// A part shorter than what proves a place says nothing by itself.
constexpr uint64_t kOwnIncident = Content::kProof;
constexpr int kFlippedBits = 4;

// Parts [first, last] that make one incident, named after parts[leader].
struct Group {
  size_t first, last, leader;
};

std::vector<Group> group_parts(const std::vector<Part>& parts) {
  std::vector<Group> groups;
  for (size_t i = 0; i < parts.size(); i++) {
    if (parts[i].length < kOwnIncident) {
      if (!groups.empty()) groups.back().last = i;
    } else if (!groups.empty() && parts[i].same_source(parts[groups.back().leader])) {
      groups.back().last = i;
    } else {
      groups.push_back({groups.empty() ? 0 : i, i, i});
    }
  }
  if (!groups.empty() || parts.empty()) return groups;

  // Only short parts: the source of most bytes leads.
  size_t leader = 0;
  uint64_t most = 0;
  for (size_t i = 0; i < parts.size(); i++) {
    uint64_t bytes = 0;
    for (const Part& other : parts)
      if (other.same_source(parts[i])) bytes += other.length;
    if (bytes > most) leader = i, most = bytes;
  }
  return {{0, parts.size() - 1, leader}};
}

IncidentClass located_class(const Subject& subject, const Part& part) {
  if (part.located->known_key == -1 || part.located->origin.direction == Direction::kDecoy)
    return IncidentClass::kDecoy;
  return subject.own(part) ? IncidentClass::kMisplaced : IncidentClass::kForeign;
}

// Bits that differ over a whole stretch; more than kFlippedBits when it is too long for few to.
int differing_bits(const Subject& subject, const std::vector<Part>& parts, const Group& group,
                   uint64_t offset, uint64_t length) {
  if (length > kFlippedBits * Content::kProof) return kFlippedBits + 1;
  const auto received = received_sample(subject, parts, group.first, group.last);
  const auto expected = subject.expected(offset, length);
  if (received.size() != expected.size()) return kFlippedBits + 1;
  int bits = 0;
  for (size_t i = 0; i < received.size(); i++)
    bits += std::popcount(static_cast<unsigned>(received[i] ^ expected[i]));
  return bits;
}

// A class for bytes that prove no place. One differing bit is a flip even where it made a zero.
IncidentClass raw_class(const Subject& subject, const std::vector<Part>& parts, const Group& group,
                        uint64_t expected_offset, uint64_t length) {
  uint64_t raw = 0, zeros = 0, zero_runs = 0;
  for (size_t i = group.first; i <= group.last; i++) {
    if (parts[i].located) continue;
    raw += parts[i].length;
    zeros += parts[i].zeros;
    zero_runs += parts[i].zero_runs;
  }
  const int bits = raw == length ? differing_bits(subject, parts, group, expected_offset, length)
                                 : kFlippedBits + 1;
  if (bits == 1) return IncidentClass::kBitFlip;
  if (zeros == raw || 2 * zero_runs > raw) return IncidentClass::kZeros;
  return bits <= kFlippedBits ? IncidentClass::kBitFlip : IncidentClass::kUnknown;
}

}  // namespace

bool Subject::own(const Part& part) const {
  return part.located && part.located->known_key == 0 &&
         part.located->origin.connection == connection % kMaxConnections &&
         part.located->origin.direction == direction;
}

std::vector<uint8_t> Subject::expected(uint64_t offset, uint64_t bytes) const {
  std::vector<uint8_t> sample(std::min<uint64_t>(bytes, kIncidentSample));
  content->fill(connection, direction, offset, sample.data(), sample.size());
  return sample;
}

std::vector<uint8_t> received_sample(const Subject& subject, const std::vector<Part>& parts,
                                     size_t first, size_t last) {
  std::vector<uint8_t> sample;
  for (size_t i = first; i <= last && sample.size() < kIncidentSample; i++) {
    const Part& part = parts[i];
    const uint64_t wanted = std::min<uint64_t>(kIncidentSample - sample.size(), part.length);
    const auto bytes =
        subject.own(part) ? subject.expected(part.located->origin.offset, wanted) : part.sample;
    const uint64_t there = std::min<uint64_t>(wanted, bytes.size());
    sample.insert(sample.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(there));
    if (there < part.length) break;
  }
  return sample;
}

void report_overwrite(const Subject& subject, const std::vector<Part>& parts, int64_t shift,
                      IncidentLog* log) {
  for (const Group& group : group_parts(parts)) {
    const Part& leader = parts[group.leader];
    const uint64_t offset = parts[group.first].offset;
    const uint64_t length = parts[group.last].end() - offset;
    const uint64_t expected_offset = offset + static_cast<uint64_t>(shift);
    const IncidentClass kind = leader.located
                                   ? located_class(subject, leader)
                                   : raw_class(subject, parts, group, expected_offset, length);
    log->count(kind, length);
    if (!log->wants()) continue;

    Incident incident;
    incident.connection = subject.connection;
    incident.direction = subject.direction;
    incident.offset = offset;
    incident.length = length;
    incident.kind = kind;
    if (leader.located) {
      incident.has_origin = true;
      incident.origin = leader.located->origin;
    }
    incident.expected = subject.expected(expected_offset, length);
    incident.received = received_sample(subject, parts, group.first, group.last);
    log->keep(std::move(incident));
  }
}

}  // namespace splicebench
