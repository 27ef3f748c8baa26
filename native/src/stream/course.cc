#include "stream/course.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace splicebench {
namespace {

// A stream that has just jumped is not yet where it will stay: the share of believe_after for which
// it must have stayed. At the least, what an incident shows of it.
constexpr uint64_t kStayShare = 64;
constexpr uint64_t kStay = kIncidentSample;
// Parts and breaks held back at most; with more, the older half is read as it stands.
constexpr size_t kMaxHeld = 64;
// How many of the latest breaks are disregarded at a time when they upset that reading.
constexpr size_t kLooksBack = 4;

}  // namespace

void Tail::push(const uint8_t* bytes, size_t size) {
  if (size >= kSize) {
    memcpy(bytes_.data(), bytes + size - kSize, kSize);
    size_ = kSize;
    return;
  }
  const size_t keep = std::min(size_, kSize - size);
  memmove(bytes_.data(), bytes_.data() + size_ - keep, keep);
  memcpy(bytes_.data() + keep, bytes, size);
  size_ = keep + size;
}

void Tail::drop(size_t size) {
  size_ -= std::min(size, size_);
}

size_t Tail::equal(const Subject& subject, uint64_t end, uint64_t limit) const {
  const size_t look = std::min({static_cast<uint64_t>(size_), limit, end});
  const auto expected = subject.expected(end - look, look);
  size_t equal = 0;
  while (equal < look && bytes_[size_ - 1 - equal] == expected[look - 1 - equal]) equal++;
  return equal;
}

uint64_t Course::Break::moved() const {
  if (after == before) return static_cast<uint64_t>(got());
  return static_cast<uint64_t>(lost() <= 0 ? got() - lost() : std::max(got(), lost()));
}

void Course::credit(uint64_t position, uint64_t bytes) {
  const uint64_t end = position + bytes;
  if (end > inserted_until_) log_->verified(end - std::max(position, inserted_until_));
}

void Course::ran(uint64_t position, uint64_t bytes) {
  if (pending_.empty()) {
    credit(position, bytes);
    return;
  }
  pending_.back().run += bytes;
  settle();
}

void Course::broke(uint64_t position) {
  const uint64_t end = offset_at(position);
  frontier_ = pending_.empty() ? end : std::max(frontier_, end);
  stretch_.begin(position);
}

void Course::bound_stretch() {
  bound_pending();
  auto& parts = stretch_.parts();
  if (parts.size() <= kMaxHeld) return;
  // Nothing is pending any more: all but the last part are read as overwritten.
  Part last = std::move(parts.back());
  parts.pop_back();
  report_overwrite(subject_, parts, shift_, log_);
  stretch_.begin(last.offset);
  parts.push_back(std::move(last));
}

void Course::resumed(uint64_t position, int64_t shift, const Tail& tail) {
  Break next;
  next.start = stretch_.offset();
  next.before = this->shift();
  next.parts = std::move(stretch_.parts());
  next.resume = position;
  next.after = shift;
  stretch_.begin(position);
  // What was located elsewhere may have seemed to go on for a few bytes too many.
  next.run = tail.equal(subject_, offset_after(position, shift), static_cast<uint64_t>(next.got()));
  next.resume -= next.run;
  cut_parts(&next.parts, next.resume);

  absorb(level(shift), &next);
  pending_.push_back(std::move(next));
  judged_ = {};
  settle();
  bound_pending();
}

// The first break after the stream last had this shift; pending_.size() when there is none.
size_t Course::level(int64_t shift) const {
  if (shift == shift_) return 0;
  for (size_t i = pending_.size(); i > 0; i--)
    if (pending_[i - 1].after == shift) return i;
  return pending_.size();
}

// The run after a break as a part of a stretch.
Part Course::run_part(const Break& b) const {
  Part part;
  part.offset = b.resume;
  part.length = b.run;
  part.located = Content::Located{own_origin(offset_after(b.resume, b.after)), 0};
  return part;
}

Origin Course::own_origin(uint64_t offset) const {
  return {subject_.connection % kMaxConnections, subject_.direction, offset};
}

// Makes one break of `next` and the pending ones from `first` on: they and the runs after them
// become parts of what came before the stream resumed.
void Course::absorb(size_t first, Break* next) {
  if (first == pending_.size()) return;
  Break whole = std::move(pending_[first]);
  whole.parts.push_back(run_part(whole));
  for (size_t i = first + 1; i < pending_.size(); i++) {
    std::move(pending_[i].parts.begin(), pending_[i].parts.end(), std::back_inserter(whole.parts));
    whole.parts.push_back(run_part(pending_[i]));
  }
  if (next->parts.empty() && next->after != pending_.back().after) {
    // The run's last bytes may by chance be the next run's first.
    const uint64_t last = std::min<uint64_t>(
        {whole.parts.back().length, Content::kProof, offset_after(next->resume, next->after)});
    const uint64_t from = next->resume - last;
    const auto run = subject_.expected(offset_after(from, pending_.back().after), last);
    const auto after = subject_.expected(offset_after(from, next->after), last);
    const auto differ = std::mismatch(run.rbegin(), run.rend(), after.rbegin());
    const auto chance = static_cast<uint64_t>(differ.first - run.rbegin());
    next->resume -= chance;
    next->run += chance;
    cut_parts(&whole.parts, next->resume);
  }
  std::move(next->parts.begin(), next->parts.end(), std::back_inserter(whole.parts));
  pending_.resize(first);
  next->start = whole.start;
  next->before = whole.before;
  next->parts = std::move(whole.parts);
}

// How the first `count` pending breaks are read so that the fewest bytes moved: breaks from i up to
// .breaks[i] - 1 are one, for i = 0, .breaks[0], …; from i on .moved[i] bytes moved.
Course::Reading Course::cheapest_reading(size_t count) const {
  Reading reading{std::vector<size_t>(count), std::vector<uint64_t>(count + 1)};
  for (size_t i = count; i-- > 0;) {
    Break one;
    one.start = pending_[i].start;
    one.before = pending_[i].before;
    reading.moved[i] = UINT64_MAX;
    for (size_t j = i; j < count; j++) {
      one.resume = pending_[j].resume;
      one.after = pending_[j].after;
      const uint64_t total = one.moved() + reading.moved[j + 1];
      if (total < reading.moved[i]) reading.moved[i] = total, reading.breaks[i] = j + 1;
    }
  }
  return reading;
}

// Makes one break of the pending ones [first, last).
void Course::merge(size_t first, size_t last) {
  std::vector<Break> rest(std::make_move_iterator(pending_.begin() + static_cast<ptrdiff_t>(last)),
                          std::make_move_iterator(pending_.end()));
  Break one = std::move(pending_[last - 1]);
  pending_.resize(last - 1);
  absorb(first, &one);
  pending_.push_back(std::move(one));
  std::move(rest.begin(), rest.end(), std::back_inserter(pending_));
}

// Reports what can no longer be read in another way.
void Course::settle() {
  while (!pending_.empty()) {
    const Break& front = pending_.front();
    const Break& last = pending_.back();
    const uint64_t position = last.resume + last.run;
    if (front.after == front.before) {
      settle_first(1);
      continue;
    }
    // The stream came back to where it had left off, and went on from there.
    const bool crossed = offset_after(last.resume, last.after) <= frontier_ &&
                         offset_after(position, last.after) >= frontier_ + Content::kProof;
    const bool lasted = position - front.resume >= believe_after_ &&
                        last.run >= std::max(believe_after_ / kStayShare, kStay);
    const Judged judged{crossed, lasted};
    if (judged == judged_) return;  // nothing new since that did not suffice

    const size_t breaks = cheapest_reading(pending_.size()).breaks[0];
    const bool backward = pending_[breaks - 1].after < front.before;
    // A repetition has not lasted before it came to its end.
    const bool decided = backward ? crossed || (lasted && breaks < pending_.size()) : lasted;
    if (!decided) {
      judged_ = judged;
      return;
    }
    settle_first(breaks);
  }
}

// Reports the first pending breaks as one.
void Course::settle_first(size_t breaks) {
  judged_ = {};
  merge(0, breaks);
  Break front = std::move(pending_.front());
  pending_.erase(pending_.begin());
  if (end_ != UINT64_MAX && pending_.empty()) end_repetition(&front);

  report(front);
  shift_ = front.after;
  credit(front.resume, front.run);
  credited_from_ = front.resume;
}

void Course::bound_pending() {
  const auto held = [&] {
    size_t n = pending_.size() + stretch_.parts().size();
    for (const Break& b : pending_) n += b.parts.size();
    return n;
  };
  if (held() <= kMaxHeld) return;
  while (!pending_.empty() && held() > kMaxHeld / 2) {
    // The last breaks may lead to bytes that just do not belong, and back: a reading of the older
    // half that involves them is not to be had yet.
    const size_t half = (pending_.size() + 1) / 2;
    size_t count = pending_.size();
    Reading reading = cheapest_reading(count);
    while (reading.breaks[0] > half && count > half) {
      count -= std::min(kLooksBack, count - half);
      reading = cheapest_reading(count);
    }
    for (size_t done = 0; done < half;) {
      const size_t next = reading.breaks[done];
      if (next > half && done != 0) break;
      settle_first(next - done);
      done = next;
    }
  }
  settle();
}

void Course::report(const Break& b) {
  const int64_t got = b.got(), lost = b.lost();
  if (b.after == b.before) {
    report_overwrite(subject_, b.parts, b.before, log_);
  } else if (lost <= 0) {
    report_inserted(b, b.parts, b.start, static_cast<uint64_t>(got - lost));
  } else if (lost >= got) {
    report_overwrite(subject_, b.parts, b.before, log_);
    report_missing(b, static_cast<uint64_t>(lost - got));
  } else {
    // The first `lost` bytes stand where others should, the rest are too many.
    const uint64_t border = b.start + static_cast<uint64_t>(lost);
    std::vector<Part> first, rest;
    for (Part part : b.parts) {
      if (part.offset >= border) {
        rest.push_back(std::move(part));
        continue;
      }
      if (part.end() > border) rest.push_back(split_part(&part, border - part.offset));
      first.push_back(std::move(part));
    }
    report_overwrite(subject_, first, b.before, log_);
    report_inserted(b, rest, border, static_cast<uint64_t>(got - lost));
  }
}

void Course::report_missing(const Break& b, uint64_t length) {
  log_->count(IncidentClass::kMissing, length);
  if (!log_->wants()) return;
  Incident incident;
  incident.connection = subject_.connection;
  incident.direction = subject_.direction;
  incident.offset = b.resume;
  incident.length = length;
  incident.kind = IncidentClass::kMissing;
  incident.expected = subject_.expected(offset_after(b.resume, b.before), length);
  incident.received = subject_.expected(offset_after(b.resume, b.after), std::min(length, b.run));
  log_->keep(std::move(incident));
}

void Course::report_inserted(const Break& b, const std::vector<Part>& parts, uint64_t offset,
                             uint64_t length) {
  length = std::min(length, end_ - offset);
  log_->count(IncidentClass::kInserted, length);
  inserted_until_ = std::max(inserted_until_, offset + length);
  if (!log_->wants()) return;
  Incident incident;
  incident.connection = subject_.connection;
  incident.direction = subject_.direction;
  incident.offset = offset;
  incident.length = length;
  incident.kind = IncidentClass::kInserted;
  // Bytes of the stream that came twice.
  const uint64_t from_run = offset + length > b.resume ? offset + length - b.resume : 0;
  const auto located = std::find_if(parts.begin(), parts.end(),
                                    [](const Part& part) { return part.located.has_value(); });
  if (located != parts.end()) {
    incident.has_origin = true;
    incident.origin = located->located->origin;
  } else if (parts.empty() || from_run >= Content::kProof) {
    incident.has_origin = true;
    incident.origin = own_origin(offset_after(b.resume, b.after));
  }
  incident.expected = subject_.expected(offset_after(offset, b.before), length);
  if (!parts.empty()) incident.received = received_sample(subject_, parts, 0, parts.size() - 1);
  if (offset + incident.received.size() == b.resume) {
    const auto twice = subject_.expected(
        offset_after(b.resume, b.after),
        std::min<uint64_t>({from_run, b.run, kIncidentSample - incident.received.size()}));
    incident.received.insert(incident.received.end(), twice.begin(), twice.end());
  }
  log_->keep(std::move(incident));
}

}  // namespace splicebench
