#include "stream/check.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "stream/course.h"

namespace splicebench {
namespace {

// With adopt_connection: how much of the stream may pass before it decodes.
constexpr size_t kAdoptWithin = 64 * 1024;

// How many costly searches are allowed: some at once, and one more for each so many bytes received.
constexpr uint64_t kSearches = 64;
constexpr uint64_t kBytesPerSearch = 256 * 1024;

}  // namespace

struct Checker::State {
  State(std::shared_ptr<const Content> held, const Options& options)
      : content(std::move(held)),
        subject{content.get(), options.connection, options.direction},
        log(options.stored_incidents),
        course(subject, options.believe_after, &log),
        adopting(options.adopt_connection) {}

  void feed(const uint8_t* bytes, size_t size);
  void finish();
  bool adopt(const uint8_t* bytes, size_t size, bool last);
  size_t consume(const uint8_t* bytes, size_t size, bool last);
  size_t run(const uint8_t* bytes, size_t size);
  size_t search(const uint8_t* bytes, size_t size, bool last);
  size_t follow(const uint8_t* bytes, size_t size);
  bool may_search();

  enum class Mode : uint8_t {
    kRun,     // in place, as far as the course knows
    kSearch,  // in a stretch; the next bytes prove no place yet
    kFollow,  // in a stretch; in a part of it that is located
  };

  std::shared_ptr<const Content> content;
  Subject subject;
  IncidentLog log;
  Course course;
  Mode mode = Mode::kRun;
  uint64_t position = 0;  // bytes that were decided on
  Tail tail;              // the bytes before position, unless all is settled
  uint64_t searches = 0;
  uint64_t beyond_end = 0;

  // Bytes too few to decide on; joined with the beginning of the next feed.
  std::array<uint8_t, 4096> carry;
  size_t carried = 0;

  bool adopting;
  std::vector<uint8_t> unadopted;
};

// In place: compare. While the stream is intact this is all there is.
size_t Checker::State::run(const uint8_t* bytes, size_t size) {
  const size_t equal = content->match(subject.connection, subject.direction,
                                      course.offset_at(position), bytes, size);
  if (!course.settled()) tail.push(bytes, equal);
  course.ran(position, equal);
  position += equal;
  if (equal == size) return size;
  course.broke(position);
  mode = Mode::kSearch;
  return equal;
}

bool Checker::State::may_search() {
  if (searches >= kSearches + position / kBytesPerSearch) return false;
  searches++;
  return true;
}

// Looks for the next bytes that prove a place. Returns how many it decided on; 0 = needs more.
size_t Checker::State::search(const uint8_t* bytes, size_t size, bool last) {
  const size_t window = content->search_window();
  if (size < std::max(window, Content::kProof) && !last) return 0;
  // A costly search sees exactly one window, so that how the stream was cut makes no difference.
  const size_t look = window == 0 ? size : std::min(size, window);
  const auto found =
      content->find(subject.connection, subject.direction, course.offset_at(position), bytes, look,
                    window != 0 && may_search());
  size_t raw;  // bytes that prove nothing
  if (found)
    raw = found->position;
  else if (last && look == size)
    raw = size;
  else
    raw = window == 0 ? size - (Content::kProof - 1) : window / 2;
  course.stretch().add_raw(bytes, raw);
  course.bound_stretch();
  tail.push(bytes, raw);
  position += raw;
  if (!found) return raw;

  const Origin& origin = found->located.origin;
  if (found->located.known_key == 0 && origin.direction == subject.direction &&
      origin.connection % kMaxConnections == subject.connection % kMaxConnections) {
    course.resumed(position, static_cast<int64_t>(origin.offset - position), tail);
    mode = Mode::kRun;
  } else {
    course.stretch().begin_located(found->located);
    mode = Mode::kFollow;
  }
  // The bytes found are for the next mode to take, which decides on at least one.
  return raw;
}

size_t Checker::State::follow(const uint8_t* bytes, size_t size) {
  const size_t equal = content->match_located(course.stretch().continuation(), bytes, size);
  course.stretch().add_located(bytes, equal);
  course.bound_stretch();
  tail.push(bytes, equal);
  position += equal;
  if (equal < size) mode = Mode::kSearch;
  return equal;
}

// Returns how many bytes were decided on: all, but for fewer than one search needs (none then when
// last).
size_t Checker::State::consume(const uint8_t* bytes, size_t size, bool last) {
  size_t used = 0;
  while (used < size) {
    const Mode before = mode;
    const uint8_t* next = bytes + used;
    const size_t left = size - used;
    const size_t step = mode == Mode::kRun      ? run(next, left)
                        : mode == Mode::kSearch ? search(next, left, last)
                                                : follow(next, left);
    if (step == 0 && mode == before) break;
    used += step;
  }
  return used;
}

void Checker::State::feed(const uint8_t* bytes, size_t size) {
  while (size != 0) {
    if (carried == 0) {
      const size_t used = consume(bytes, size, false);
      carried = size - used;
      if (carried != 0) memcpy(carry.data(), bytes + used, carried);
      return;
    }
    const size_t joined = std::min(size, carry.size() - carried);
    memcpy(carry.data() + carried, bytes, joined);
    const size_t used = consume(carry.data(), carried + joined, false);
    if (used >= carried) {
      // Past the carried bytes: go on in the caller's.
      bytes += used - carried;
      size -= used - carried;
      carried = 0;
    } else {
      carried += joined - used;
      memmove(carry.data(), carry.data() + used, carried);
      bytes += joined;
      size -= joined;
    }
  }
}

void Checker::State::finish() {
  if (adopting) adopt(nullptr, 0, true);
  consume(carry.data(), carried, true);
  carried = 0;
}

// Holds bytes back until some tell the connection. True when it is known: nothing is held any more.
bool Checker::State::adopt(const uint8_t* bytes, size_t size, bool last) {
  const size_t room = kAdoptWithin - unadopted.size();
  const size_t taken = std::min(size, room);
  // What was searched before need not be searched again, but for what a window may straddle.
  size_t from = unadopted.size() < Content::kProof ? 0 : unadopted.size() - (Content::kProof - 1);
  unadopted.insert(unadopted.end(), bytes, bytes + taken);
  std::optional<uint32_t> connection;
  while (!connection) {
    const auto found = content->find(subject.connection, subject.direction, from,
                                     unadopted.data() + from, unadopted.size() - from, false);
    if (!found) break;
    const Content::Located& located = found->located;
    if (located.known_key == 0 && located.origin.direction == subject.direction)
      connection = located.origin.connection;
    from += found->position + 1;
  }
  if (!connection && !last && unadopted.size() < kAdoptWithin) return false;

  adopting = false;
  if (connection) course.set_connection(subject.connection = *connection);
  const std::vector<uint8_t> held = std::move(unadopted);
  feed(held.data(), held.size());
  feed(bytes + taken, size - taken);
  return true;
}

Checker::Checker(std::shared_ptr<const Content> content, const Options& options)
    : state_(std::make_unique<State>(std::move(content), options)) {}
Checker::~Checker() = default;
Checker::Checker(Checker&&) noexcept = default;
Checker& Checker::operator=(Checker&&) noexcept = default;

void Checker::feed(const uint8_t* bytes, size_t size) {
  state_->log.received(size);
  if (state_->adopting)
    state_->adopt(bytes, size, false);
  else
    state_->feed(bytes, size);
}

uint64_t Checker::finish(uint64_t sent) {
  State& state = *state_;
  state.finish();
  const uint64_t length = state.content->length().value_or(UINT64_MAX);
  const Course::End end = state.course.finish(state.position, state.mode != State::Mode::kRun,
                                              std::min(sent, length), state.tail);
  state.beyond_end = end.beyond;
  return sent == UINT64_MAX ? 0 : end.truncated;
}

uint32_t Checker::connection() const {
  return state_->subject.connection;
}
CheckTotals Checker::totals() const {
  return state_->log.totals();
}
const std::vector<Incident>& Checker::incidents() const {
  return state_->log.kept();
}
uint64_t Checker::beyond_end() const {
  return state_->beyond_end;
}

}  // namespace splicebench
