// Memory for bytes that are given to sockets by reference, in pages of a chosen kind: whether they
// follow one another in physical memory decides what reading them costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace splicebench {

// kDefault: as the kernel gives them. kSingle: pages of 4 KiB, each allocated by itself and not
// next to the one before. kContiguous: parts of one transparent huge page.
enum class PageKind : uint8_t { kDefault, kSingle, kContiguous };
inline constexpr size_t kPageKinds = 3;

// "4KiB" or "contiguous"; anything else is kDefault.
PageKind page_kind_named(std::string_view name);

// What the kernel says of the memory.
struct PageFacts {
  size_t pages = 0;
  // Runs of pages that follow one another in physical memory; 0 = hidden from this process, which
  // lacks CAP_SYS_ADMIN.
  size_t runs = 0;
  // Bytes in transparent huge pages of the processor's size; none = no /proc/self/smaps.
  std::optional<size_t> huge_bytes;

  bool operator==(const PageFacts&) const = default;
};

// Why pages are not of a kind, for a reader; empty = they are.
std::string not_of_kind(PageKind kind, const PageFacts& facts);

class PageMemory {
 public:
  // Maps and touches `size` bytes, a multiple of the page's size and at most kLargest, without
  // checking what came of it. Throws SystemError.
  PageMemory(PageKind kind, size_t size);
  ~PageMemory();
  PageMemory(const PageMemory&) = delete;
  PageMemory& operator=(const PageMemory&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  // As it is now; the kernel may move or join pages that nobody holds a reference to.
  PageFacts facts() const;

  static constexpr size_t kLargest = size_t{2} << 20;

 private:
  void* reserved_ = nullptr;
  uint8_t* data_ = nullptr;
  size_t size_;
};

// Why this process gets no pages of a kind, or empty: by trying.
std::string pages_unavailable(PageKind kind);

}  // namespace splicebench
