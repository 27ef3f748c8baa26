// What a stream is expected to hold. Stamped content knows where any byte belongs; zeros and a
// file's bytes can only be compared. Bytes of decoys are known in any of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stream/stamp.h"

namespace splicebench {

class Content {
 public:
  virtual ~Content() = default;
  // Writes the stream's bytes [offset, offset + size); zeros past the end of a file.
  virtual void fill(uint32_t connection, Direction direction, uint64_t offset, uint8_t* out,
                    size_t size) const = 0;
  // How many leading bytes of received equal the stream's [offset, offset + size).
  virtual size_t match(uint32_t connection, Direction direction, uint64_t offset,
                       const uint8_t* received, size_t size) const = 0;
  // Where these bytes belong, when they prove it by themselves; nullopt when nothing does.
  // known_key is 0 for the trial's own key, 1.. for the further keys (earlier trials), -1 decoys.
  struct Located {
    Origin origin;
    int known_key = 0;
  };
  virtual std::optional<Located> locate(const uint8_t* bytes, size_t size) const = 0;
  // Total length when the content has one (a file); nullopt = endless.
  virtual std::optional<uint64_t> length() const { return std::nullopt; }

  // The rest is what the checker needs to find its place again; what it does here serves contents
  // whose bytes can only be compared.

  // The least bytes that prove a place.
  static constexpr size_t kProof = 16;
  // The first position whose kProof bytes (all inside size) have a place. `expected` is the
  // stream's offset at which bytes[0] would be in place. `search` allows a costly look around, for
  // contents whose search_window is not 0.
  struct Found {
    size_t position = 0;
    Located located;
  };
  virtual std::optional<Found> find(uint32_t connection, Direction direction, uint64_t expected,
                                    const uint8_t* bytes, size_t size, bool search) const;
  // How many leading bytes continue what was located.
  virtual size_t match_located(const Located& located, const uint8_t* received, size_t size) const;
  // Bytes that such a search looks at; 0 = there is nothing costly to allow.
  virtual size_t search_window() const { return 0; }
  // The same bytes everywhere: a shift cannot be seen.
  virtual bool uniform() const { return false; }
};

// Stamped with `seed`; bytes of `earlier_seeds` are recognised as foreign.
std::unique_ptr<Content> make_stamped_content(uint64_t seed, std::vector<uint64_t> earlier_seeds);
// Zeros; decoys of `seed` are recognised among them, as they are in a file's bytes.
std::unique_ptr<Content> make_zero_content(uint64_t seed);
// The file's bytes, mapped. On failure returns null and sets error ("open PATH: reason").
std::unique_ptr<Content> make_file_content(const std::string& path, uint64_t seed,
                                           std::string* error);

}  // namespace splicebench
