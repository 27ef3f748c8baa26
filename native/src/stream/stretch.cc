#include "stream/stretch.h"

#include <algorithm>
#include <utility>

namespace splicebench {
namespace {

void extend_sample(std::vector<uint8_t>* sample, const uint8_t* bytes, size_t size) {
  const size_t room = kIncidentSample - sample->size();
  sample->insert(sample->end(), bytes, bytes + std::min(size, room));
}

// Adds bytes to the part's counts. in_a_row: zeros just before them; returns those at the end.
uint64_t count_zeros(Part* part, const uint8_t* bytes, size_t size, uint64_t in_a_row) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != 0) {
      in_a_row = 0;
      continue;
    }
    part->zeros++;
    in_a_row++;
    if (in_a_row == Content::kProof) part->zero_runs += Content::kProof;
    if (in_a_row > Content::kProof) part->zero_runs++;
  }
  return in_a_row;
}

}  // namespace

bool Part::same_source(const Part& other) const {
  if (located.has_value() != other.located.has_value()) return false;
  if (!located) return true;
  const Origin& a = located->origin;
  const Origin& b = other.located->origin;
  return located->known_key == other.located->known_key && a.connection == b.connection &&
         a.direction == b.direction && a.offset - offset == b.offset - other.offset;
}

Part split_part(Part* part, uint64_t length) {
  Part rest = *part;
  rest.offset += length;
  rest.length -= length;
  if (rest.located) rest.located->origin.offset += length;
  const size_t kept = std::min<uint64_t>(length, part->sample.size());
  rest.sample.erase(rest.sample.begin(), rest.sample.begin() + static_cast<ptrdiff_t>(kept));
  part->sample.resize(kept);

  const uint64_t zeros = part->zeros, zero_runs = part->zero_runs;
  if (kept == length) {
    part->zeros = part->zero_runs = 0;
    count_zeros(part, part->sample.data(), kept, 0);
  } else {
    const double share = static_cast<double>(length) / static_cast<double>(part->length);
    const auto share_of = [&](uint64_t n) {
      return n == part->length ? length : static_cast<uint64_t>(static_cast<double>(n) * share);
    };
    part->zeros = share_of(zeros);
    part->zero_runs = share_of(zero_runs);
  }
  rest.zeros = zeros - part->zeros;
  rest.zero_runs = zero_runs - std::min(zero_runs, part->zero_runs);
  part->length = length;
  return rest;
}

void cut_parts(std::vector<Part>* parts, uint64_t end) {
  while (!parts->empty() && parts->back().offset >= end) parts->pop_back();
  if (!parts->empty() && parts->back().end() > end)
    split_part(&parts->back(), end - parts->back().offset);
}

void Stretch::begin(uint64_t offset) {
  offset_ = offset;
  parts_.clear();
}

Part& Stretch::append(std::optional<Content::Located> located) {
  Part part;
  part.offset = end();
  part.located = located;
  zeros_in_a_row_ = 0;
  parts_.push_back(std::move(part));
  return parts_.back();
}

void Stretch::add_raw(const uint8_t* bytes, size_t size) {
  if (size == 0) return;
  Part& part = parts_.empty() || parts_.back().located ? append(std::nullopt) : parts_.back();
  extend_sample(&part.sample, bytes, size);
  part.length += size;
  zeros_in_a_row_ = count_zeros(&part, bytes, size, zeros_in_a_row_);
}

void Stretch::begin_located(const Content::Located& located) {
  append(located);
}

void Stretch::add_located(const uint8_t* bytes, size_t size) {
  Part& part = parts_.back();
  extend_sample(&part.sample, bytes, size);
  part.length += size;
}

Content::Located Stretch::continuation() const {
  Content::Located located = *parts_.back().located;
  located.origin.offset += parts_.back().length;
  return located;
}

}  // namespace splicebench
