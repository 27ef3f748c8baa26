#include "stream/content.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "posix/fd.h"
#include "stream/stamp_engines.h"

namespace splicebench {

std::optional<Content::Found> Content::find(uint32_t connection, Direction direction,
                                            uint64_t expected, const uint8_t* bytes, size_t size,
                                            bool /*search*/) const {
  for (size_t at = 0; at + kProof <= size;) {
    const size_t equal = match(connection, direction, expected + at, bytes + at, size - at);
    if (equal >= kProof) return Found{at, {{connection, direction, expected + at}, 0}};
    at += equal + 1;
  }
  return std::nullopt;
}

size_t Content::match_located(const Located& located, const uint8_t* received, size_t size) const {
  if (located.known_key != 0) return 0;
  const Origin& origin = located.origin;
  return match(origin.connection, origin.direction, origin.offset, received, size);
}

namespace {

class StampedContent final : public Content {
 public:
  StampedContent(uint64_t seed, const std::vector<uint64_t>& earlier_seeds) {
    // The order in which a place is looked for.
    const StampKey own(seed);
    keys_.push_back({own, 0});
    keys_.push_back({own.decoy(), -1});
    int known_key = 1;
    for (const uint64_t earlier : earlier_seeds) keys_.push_back({StampKey(earlier), known_key++});
  }

  void fill(uint32_t connection, Direction direction, uint64_t offset, uint8_t* out,
            size_t size) const override {
    engine_.fill(keys_[0].key, connection, direction, offset, out, size);
  }

  size_t match(uint32_t connection, Direction direction, uint64_t offset, const uint8_t* received,
               size_t size) const override {
    return engine_.match(keys_[0].key, connection, direction, offset, received, size);
  }

  std::optional<Located> locate(const uint8_t* bytes, size_t size) const override {
    for (const KnownKey& known : keys_)
      if (const auto origin = splicebench::locate(known.key, bytes, size))
        return Located{*origin, known.number};
    return std::nullopt;
  }

  // A stamp that is in place is found like any other.
  std::optional<Found> find(uint32_t, Direction, uint64_t, const uint8_t* bytes, size_t size,
                            bool) const override {
    // All keys over one stretch before the next stretch, so that a find by the last key is not paid
    // for with a search by the first over everything. As long as makes 256 words to decode.
    constexpr size_t kStretch = 256 - (kWord - 1);
    for (size_t from = 0; from + kProof <= size; from += kStretch) {
      size_t window = std::min(size - from, kStretch + kProof - 1);
      std::optional<Found> best;
      for (const KnownKey& known : keys_) {
        const auto found = find_stamped(known.key, bytes + from, window);
        if (!found) continue;
        best = Found{from + found->position, {found->origin, known.number}};
        if (found->position == 0) break;
        window = found->position + kProof - 1;  // only an earlier place is of interest now
      }
      if (best) return best;
    }
    return std::nullopt;
  }

  size_t match_located(const Located& located, const uint8_t* received,
                       size_t size) const override {
    const auto known = std::find_if(keys_.begin(), keys_.end(), [&](const KnownKey& k) {
      return k.number == located.known_key;
    });
    if (known == keys_.end()) return 0;
    const Origin& origin = located.origin;
    return engine_.match(known->key, origin.connection, origin.direction, origin.offset, received,
                         size);
  }

 private:
  struct KnownKey {
    StampKey key;
    int number;
  };
  std::vector<KnownKey> keys_;
  const StampEngine& engine_ = stamp_engine();
};

// Content whose own bytes prove nothing: the decoys' do, and are told like in a stamped stream.
class UnmarkedContent : public Content {
 public:
  explicit UnmarkedContent(uint64_t seed) : decoy_(StampKey(seed).decoy()) {}

  std::optional<Located> locate(const uint8_t* bytes, size_t size) const override {
    const auto origin = splicebench::locate(decoy_, bytes, size);
    return origin ? std::optional(Located{*origin, kDecoyKey}) : std::nullopt;
  }

  std::optional<Found> find(uint32_t connection, Direction direction, uint64_t expected,
                            const uint8_t* bytes, size_t size, bool search) const override {
    const auto found = find_own(connection, direction, expected, bytes, size, search);
    // Only an earlier place is of interest then.
    const size_t window = found ? found->position + kProof - 1 : size;
    const auto decoy = find_stamped(decoy_, bytes, std::min(size, window));
    return decoy ? Found{decoy->position, {decoy->origin, kDecoyKey}} : found;
  }

  size_t match_located(const Located& located, const uint8_t* received,
                       size_t size) const override {
    if (located.known_key != kDecoyKey) return Content::match_located(located, received, size);
    const Origin& origin = located.origin;
    return engine_.match(decoy_, origin.connection, origin.direction, origin.offset, received,
                         size);
  }

 private:
  static constexpr int kDecoyKey = -1;

  // As `find`, of the stream's own bytes.
  virtual std::optional<Found> find_own(uint32_t connection, Direction direction, uint64_t expected,
                                        const uint8_t* bytes, size_t size, bool search) const {
    return Content::find(connection, direction, expected, bytes, size, search);
  }

  StampKey decoy_;
  const StampEngine& engine_ = stamp_engine();
};

class ZeroContent final : public UnmarkedContent {
 public:
  using UnmarkedContent::UnmarkedContent;

  void fill(uint32_t, Direction, uint64_t, uint8_t* out, size_t size) const override {
    if (size != 0) memset(out, 0, size);
  }

  size_t match(uint32_t, Direction, uint64_t, const uint8_t* received, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const size_t step = std::min(size - done, kStep);
      if (memcmp(received + done, kZeros, step) != 0) break;
      done += step;
    }
    while (done < size && received[done] == 0) done++;
    return done;
  }

  bool uniform() const override { return true; }

 private:
  static constexpr size_t kStep = 4096;
  static constexpr uint8_t kZeros[kStep] = {};
};

// Must not change while it is in use.
class FileContent final : public UnmarkedContent {
 public:
  FileContent(const uint8_t* data, uint64_t size, uint64_t seed)
      : UnmarkedContent(seed), data_(data), size_(size) {}
  ~FileContent() override {
    if (size_ != 0) munmap(const_cast<uint8_t*>(data_), size_);
  }
  FileContent(const FileContent&) = delete;
  FileContent& operator=(const FileContent&) = delete;

  void fill(uint32_t, Direction, uint64_t offset, uint8_t* out, size_t size) const override {
    const size_t there = std::min<uint64_t>(size, offset < size_ ? size_ - offset : 0);
    if (there != 0) memcpy(out, data_ + offset, there);
    if (there != size) memset(out + there, 0, size - there);
  }

  size_t match(uint32_t, Direction, uint64_t offset, const uint8_t* received,
               size_t size) const override {
    const size_t there = std::min<uint64_t>(size, offset < size_ ? size_ - offset : 0);
    size_t done = 0;
    while (done < there) {
      const size_t step = std::min(there - done, kStep);
      if (memcmp(data_ + offset + done, received + done, step) != 0) break;
      done += step;
    }
    while (done < there && data_[offset + done] == received[done]) done++;
    return done;
  }

  std::optional<uint64_t> length() const override { return size_; }
  size_t search_window() const override { return 2 * kNeedle; }

 private:
  static constexpr size_t kStep = 4096;
  static constexpr size_t kNeedle = 64;
  static constexpr uint64_t kReach = 1 << 20;

  // In place; else, when allowed, the file is searched for the next bytes near the expected offset.
  std::optional<Found> find_own(uint32_t connection, Direction direction, uint64_t expected,
                                const uint8_t* bytes, size_t size, bool search) const override {
    auto found = Content::find(connection, direction, expected, bytes, size, false);
    if (found || !search) return found;
    for (size_t at = 0; at + kNeedle <= size && at <= kNeedle; at += kNeedle) {
      const auto* place = near(expected + at, bytes + at);
      if (place == nullptr) continue;
      while (at > 0 && place > data_ && place[-1] == bytes[at - 1]) at--, place--;
      return Found{at, {{connection, direction, static_cast<uint64_t>(place - data_)}, 0}};
    }
    return std::nullopt;
  }

  // Where the file holds the kNeedle bytes within kReach of offset; what lies ahead comes first.
  const uint8_t* near(uint64_t offset, const uint8_t* needle) const {
    if (memcmp(needle, needle + 1, kNeedle - 1) == 0) return nullptr;  // one byte repeated
    const uint64_t middle = std::min(offset, size_);
    const uint64_t begin = middle > kReach ? middle - kReach : 0;
    const uint64_t end = std::min(size_, offset + kReach);
    const void* place = memmem(data_ + middle, end - middle, needle, kNeedle);
    if (place == nullptr) {
      const uint64_t until = std::min(middle + kNeedle - 1, end);
      place = memmem(data_ + begin, until - begin, needle, kNeedle);
    }
    return static_cast<const uint8_t*>(place);
  }

  const uint8_t* data_;
  uint64_t size_;
};

}  // namespace

std::unique_ptr<Content> make_stamped_content(uint64_t seed, std::vector<uint64_t> earlier_seeds) {
  return std::make_unique<StampedContent>(seed, earlier_seeds);
}

std::unique_ptr<Content> make_zero_content(uint64_t seed) {
  return std::make_unique<ZeroContent>(seed);
}

std::unique_ptr<Content> make_file_content(const std::string& path, uint64_t seed,
                                           std::string* error) {
  const auto fail = [&](const char* call, int reason) -> std::unique_ptr<Content> {
    if (error != nullptr) *error = std::string(call) + " " + path + ": " + strerror(reason);
    return nullptr;
  };
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail("open", errno);
  struct stat status;
  if (fstat(fd.get(), &status) == -1) return fail("fstat", errno);
  if (!S_ISREG(status.st_mode)) return fail("mmap", ENODEV);
  const auto size = static_cast<uint64_t>(status.st_size);
  void* data = size == 0 ? nullptr : mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return fail("mmap", errno);
  return std::make_unique<FileContent>(static_cast<const uint8_t*>(data), size, seed);
}

}  // namespace splicebench
