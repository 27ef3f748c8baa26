// The course of one received stream: how far it is shifted against what was sent, from where on.
//
// A break: the stream leaves its place at one position and goes on from another, in its place again
// or shifted. Breaks are pending until nothing that follows can change how they are read; check.h
// says how that is. A return to a shift that the stream had before makes one break of all since.
#pragma once

#include <array>
#include <vector>

#include "stream/classify.h"

namespace splicebench {

// The last bytes received, in order; enough to tell chance matches at the end of a stretch, and
// last bytes of the stream that are too few to prove their place (a chance match included).
class Tail {
 public:
  static constexpr size_t kSize = 2 * Content::kProof;
  void push(const uint8_t* bytes, size_t size);
  void drop(size_t size);  // forgets the last ones
  // How many of the last bytes, at most `limit`, equal the stream's bytes up to offset `end`.
  size_t equal(const Subject& subject, uint64_t end, uint64_t limit) const;

 private:
  std::array<uint8_t, kSize> bytes_{};
  size_t size_ = 0;
};

class Course {
 public:
  Course(const Subject& subject, uint64_t believe_after, IncidentLog* log)
      : subject_(subject), believe_after_(believe_after), log_(log) {}

  // Before anything was taken in.
  void set_connection(uint32_t connection) { subject_.connection = connection; }

  // Add to a received position to get the stream's offset there.
  int64_t shift() const { return pending_.empty() ? shift_ : pending_.back().after; }
  uint64_t offset_at(uint64_t position) const { return offset_after(position, shift()); }
  bool settled() const { return pending_.empty(); }

  // `bytes` more bytes were found in place (at shift()), from position on.
  void ran(uint64_t position, uint64_t bytes);
  // The stream leaves its place at position. What comes goes into stretch(), until resumed.
  void broke(uint64_t position);
  Stretch& stretch() { return stretch_; }
  // Call after each part added: bounds what a stretch can hold.
  void bound_stretch();
  // From position on the stream is found at `shift`. tail = the bytes before.
  void resumed(uint64_t position, int64_t shift, const Tail& tail);

  struct End {
    uint64_t beyond = 0;     // received bytes past the end of what was sent
    uint64_t truncated = 0;  // sent bytes that never came at the end
  };
  // The stream ended at position; in_stretch: while not in place. sent: UINT64_MAX when unknown.
  End finish(uint64_t position, bool in_stretch, uint64_t sent, const Tail& tail);

 private:
  struct Break {
    uint64_t start = 0;       // the earliest byte not in place
    int64_t before = 0;       // shift until there
    std::vector<Part> parts;  // [start, resume)
    uint64_t resume = 0;      // from here on the stream was found at `after`
    int64_t after = 0;
    uint64_t run = 0;  // for so many bytes, up to the next break

    int64_t got() const { return static_cast<int64_t>(resume - start); }
    // The stream's bytes that should have come in place of those; negative: some came twice.
    int64_t lost() const { return got() + after - before; }
    uint64_t moved() const;  // bytes lost, added or overwritten in this reading
  };

  static uint64_t offset_after(uint64_t position, int64_t shift) {
    return position + static_cast<uint64_t>(shift);
  }
  void credit(uint64_t position, uint64_t bytes);
  Part run_part(const Break& b) const;
  Origin own_origin(uint64_t offset) const;
  size_t level(int64_t shift) const;
  void absorb(size_t first, Break* next);

  void merge(size_t first, size_t last);
  struct Reading {
    std::vector<size_t> breaks;
    std::vector<uint64_t> moved;
  };
  Reading cheapest_reading(size_t count) const;
  void settle();
  void settle_first(size_t breaks);
  void bound_pending();

  void report(const Break& b);
  void report_missing(const Break& b, uint64_t length);
  void report_inserted(const Break& b, const std::vector<Part>& parts, uint64_t offset,
                       uint64_t length);

  bool forget_extra(uint64_t* end, bool in_stretch, uint64_t sent);
  bool ends_late(uint64_t end, uint64_t sent) const;
  bool absorb_unsent(uint64_t end, bool in_stretch, uint64_t sent);
  void close_stretch(uint64_t* end, uint64_t sent, const Tail& tail);
  bool return_at_end(uint64_t end, uint64_t sent, const Tail& tail);
  void part_end(uint64_t end, uint64_t sent, const Tail& tail);
  void end_repetition(Break* last) const;

  Subject subject_;
  uint64_t believe_after_;
  IncidentLog* log_;
  int64_t shift_ = 0;           // settled
  std::vector<Break> pending_;  // the first starts from shift_
  Stretch stretch_;             // open; its shift before is shift()
  uint64_t frontier_ = 0;       // while pending: the end of all that was received of the stream
  // What is known of the last run, when it did not suffice to decide about the first break.
  struct Judged {
    bool crossed = false;  // it came from below the frontier and went past it
    bool lasted = false;   // the first break has lasted
    bool operator==(const Judged&) const = default;
  };
  Judged judged_;
  uint64_t inserted_until_ = 0;  // positions below belong to a reported insertion
  uint64_t credited_from_ = 0;   // the settled run in progress: where its verified bytes begin
  uint64_t end_ = UINT64_MAX;    // of the received stream, once known
};

}  // namespace splicebench
