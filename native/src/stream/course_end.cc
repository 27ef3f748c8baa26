// How a course ends: what was still open is decided, with the help of the number of bytes sent.
#include <algorithm>
#include <utility>

#include "stream/course.h"

namespace splicebench {
namespace {

constexpr uint64_t kUnknown = UINT64_MAX;

}  // namespace

Course::End Course::finish(uint64_t position, bool in_stretch, uint64_t sent, const Tail& tail) {
  uint64_t end = position;  // of what is accounted for as part of the stream
  if (!in_stretch) stretch_.begin(end);
  if (sent != kUnknown) {
    if (forget_extra(&end, in_stretch, sent))
      in_stretch = false;
    else
      in_stretch = absorb_unsent(end, in_stretch, sent);
  }
  if (in_stretch)
    close_stretch(&end, sent, tail);
  else if (sent != kUnknown && offset_at(end) != sent && !return_at_end(end, sent, tail))
    part_end(end, sent, tail);

  end_ = end;
  while (!pending_.empty()) settle_first(cheapest_reading(pending_.size()).breaks[0]);

  End result;
  result.beyond = position - end;
  if (sent == kUnknown) return result;
  const uint64_t offset = offset_at(end);
  if (offset < sent) result.truncated = sent - offset;
  return result;
}

// What comes after the last byte sent is no incident. True when there was something to forget; the
// stream then ends in place, at *end.
bool Course::forget_extra(uint64_t* end, bool in_stretch, uint64_t sent) {
  if (!in_stretch && ends_late(*end, sent)) return false;
  // The bytes after the last one sent may seem to go on by chance, but not for long: a stream that
  // has, elsewhere than where it is settled, was not where it seemed.
  const auto at_end = [&](uint64_t position, int64_t shift) {
    const uint64_t offset = offset_after(position, shift);
    return offset >= sent && (offset < sent + Content::kProof || shift == shift_);
  };
  size_t breaks = 0;
  while (breaks < pending_.size() && !at_end(pending_[breaks].start, pending_[breaks].before))
    breaks++;
  if (breaks < pending_.size())
    *end = pending_[breaks].start;
  else if (in_stretch && at_end(stretch_.offset(), shift()))
    *end = stretch_.offset();
  else if (in_stretch || !at_end(*end, shift()))
    return false;
  pending_.resize(breaks);
  if (pending_.empty()) {
    const uint64_t chance = std::min(offset_at(*end) - sent, *end - credited_from_);
    *end -= chance;
    if (*end + chance > inserted_until_)
      log_->unverified(*end + chance - std::max(*end, inserted_until_));
  } else {
    const uint64_t chance = offset_at(*end) - sent;
    *end -= chance;
    pending_.back().run -= chance;
  }
  stretch_.begin(*end);
  return true;
}

// The stream ends with bytes that were skipped when it left the place it would now return to.
bool Course::ends_late(uint64_t end, uint64_t sent) const {
  const auto wanted = static_cast<int64_t>(sent - end);
  const size_t first = level(wanted);
  if (wanted == shift() || first == pending_.size()) return false;
  const Break& left = pending_[first];
  const Break& last = pending_.back();
  return offset_after(last.resume, last.after) >= offset_after(left.start, left.before) &&
         offset_at(end) <= offset_after(left.resume, left.after);
}

// A break that ends only after the end of the stream, or by going on where nothing was sent, is
// none: what follows stays in the stretch. Unless the stream ends where it should. True when that
// stretch now goes on to the end.
bool Course::absorb_unsent(uint64_t end, bool in_stretch, uint64_t sent) {
  if (!in_stretch && offset_at(end) == sent) return in_stretch;
  for (size_t i = 0; i < pending_.size();) {
    const Break& b = pending_[i];
    const bool too_late = offset_after(b.resume, b.before) >= sent;
    if (!too_late && offset_after(b.resume, b.after) < sent &&
        offset_after(b.resume + b.run, b.after) < sent + Content::kProof) {
      i++;
    } else if (!too_late && i + 1 < pending_.size()) {
      merge(i, i + 2);
    } else {
      Break rest;
      rest.start = stretch_.offset();
      rest.parts = std::move(stretch_.parts());
      rest.resume = end;
      rest.before = rest.after = shift();
      absorb(i, &rest);
      stretch_.begin(rest.start);
      stretch_.parts() = std::move(rest.parts);
      return true;
    }
  }
  return in_stretch;
}

// Decides about a stretch that goes on to the end.
void Course::close_stretch(uint64_t* end, uint64_t sent, const Tail& tail) {
  const uint64_t start = stretch_.offset();
  if (sent != kUnknown) {
    if (return_at_end(*end, sent, tail)) return;
    // The last bytes are too few to prove a place. But when all of them, or all that should still
    // have come, are the last ones sent, they are in it: bytes are missing or inserted before them.
    const uint64_t received = *end - start, due = sent - offset_at(start);
    const uint64_t equal = tail.equal(subject_, sent, received);
    const uint64_t left = equal == received ? received : due;
    if (left <= equal && left <= Tail::kSize && !subject_.content->uniform()) {
      Tail before = tail;
      before.drop(left);
      stretch_.cut(*end - left);
      resumed(*end - left, static_cast<int64_t>(sent - *end), before);
      ran(*end - left, left);
      return;
    }
    if (offset_at(*end) > sent) {
      *end -= offset_at(*end) - sent;
      stretch_.cut(*end);
      resumed(*end, shift(), Tail());
      return;
    }
  }
  resumed(*end, shift(), tail);
}

// Goes back to the place, if any, from which the stream ends exactly where it should; unless that
// takes more for overwritten than would move, and be missing at the end, in its present reading.
bool Course::return_at_end(uint64_t end, uint64_t sent, const Tail& tail) {
  const auto wanted = static_cast<int64_t>(sent - end);
  if (wanted != shift()) {
    const size_t first = level(wanted);
    if (first == pending_.size()) return false;
    const uint64_t overwritten = end - pending_[first].start;
    const uint64_t offset = offset_at(end);
    if (offset < sent && overwritten > cheapest_reading(pending_.size()).moved[0] +
                                           (end - stretch_.offset()) + (sent - offset))
      return false;
  }
  resumed(end, wanted, tail);
  return true;
}

// The last bytes sent, too few to prove a place, may by chance have seemed to go on with what was
// inserted before them.
void Course::part_end(uint64_t end, uint64_t sent, const Tail& tail) {
  if (pending_.empty()) return;
  Break& last = pending_.back();
  const uint64_t due = sent - offset_after(last.start, last.before);
  if (due > Tail::kSize || due >= last.run) return;
  if (tail.equal(subject_, sent, due) < due) return;
  last.run -= due;
  stretch_.begin(end - due);
  resumed(end - due, static_cast<int64_t>(sent - end), Tail());
  ran(end - due, due);
}

// A repetition that never came to bytes not received before: all of it is inserted.
void Course::end_repetition(Break* last) const {
  const uint64_t newest = offset_after(last->start, last->before);
  if (last->after >= last->before || offset_after(end_, last->after) >= newest) return;
  last->parts.push_back(run_part(*last));
  last->resume = end_;
  last->after = static_cast<int64_t>(newest - end_);
  last->run = 0;
}

}  // namespace splicebench
