#include "endpoint/page_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

#include "posix/error.h"
#include "posix/fd.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace splicebench {
namespace {

constexpr size_t kSmall = 4096;
constexpr char kSetting[] = "/sys/kernel/mm/transparent_hugepage/enabled";

size_t page_size() {
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

void* map(size_t size, int protection) {
  void* memory = mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw SystemError("mmap", "");
  return memory;
}

// A page of its own between any two, which goes back at the end: what the kernel hands out one
// after the other often lies side by side.
void touch_apart(uint8_t* data, size_t size) {
  void* between = map(size, PROT_READ | PROT_WRITE);
  madvise(between, size, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < size; at += page_size()) {
    static_cast<volatile uint8_t*>(data)[at] = 0;
    static_cast<volatile uint8_t*>(between)[at] = 0;
  }
  munmap(between, size);
}

void touch(uint8_t* data, size_t size) {
  for (size_t at = 0; at < size; at += page_size()) static_cast<volatile uint8_t*>(data)[at] = 0;
}

// Runs of pages whose frames follow one another; 0 = not told.
size_t runs_of(const uint8_t* data, size_t size) {
  const Fd file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  std::vector<uint64_t> entries(size / page_size());
  const auto begin = reinterpret_cast<uintptr_t>(data) / page_size() * sizeof(uint64_t);
  const size_t bytes = entries.size() * sizeof(uint64_t);
  if (!file || pread(file.get(), entries.data(), bytes, static_cast<off_t>(begin)) !=
                   static_cast<ssize_t>(bytes)) {
    return 0;
  }
  constexpr uint64_t kFrame = (uint64_t{1} << 55) - 1;
  size_t runs = 0;
  uint64_t before = 0;
  for (const uint64_t entry : entries) {
    const uint64_t frame = entry & kFrame;
    if (frame == 0) return 0;
    if (frame != before + 1) ++runs;
    before = frame;
  }
  return runs;
}

// Of the mapping that holds `data`, which nothing else is in.
std::optional<size_t> huge_bytes_at(const uint8_t* data) {
  std::ifstream file("/proc/self/smaps");
  const auto address = reinterpret_cast<uintptr_t>(data);
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long low = 0;
    unsigned long high = 0;
    size_t kilobytes = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &low, &high) == 2) {
      inside = low <= address && address < high;
    } else if (inside && sscanf(line.c_str(), "AnonHugePages: %zu kB", &kilobytes) == 1) {
      return kilobytes * 1024;
    }
  }
  return std::nullopt;
}

std::string contents_of(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line.empty() ? "not there" : line;
}

}  // namespace

PageKind page_kind_named(std::string_view name) {
  if (name == "4KiB") return PageKind::kSingle;
  if (name == "contiguous") return PageKind::kContiguous;
  return PageKind::kDefault;
}

std::string not_of_kind(PageKind kind, const PageFacts& facts) {
  const auto runs = [&facts] {
    return std::to_string(facts.pages) + " pages lie in " + std::to_string(facts.runs) +
           " pieces of physical memory";
  };
  switch (kind) {
    case PageKind::kDefault:
      break;
    case PageKind::kSingle:
      if (page_size() != kSmall)
        return "the pages of this host have " + std::to_string(page_size()) + " bytes";
      if (facts.huge_bytes.value_or(0) > 0) return "the kernel made huge pages of them";
      if (facts.runs == 0 && !facts.huge_bytes)
        return "neither /proc/self/pagemap nor /proc/self/smaps tells what they are";
      if (facts.runs > 0 && facts.runs * 2 < facts.pages) return "the " + runs();
      break;
    case PageKind::kContiguous:
      if (facts.runs == 1) break;
      if (facts.runs > 1 || facts.huge_bytes.value_or(0) < facts.pages * page_size())
        return "the kernel gave no huge page (" + std::string(kSetting) + ": " +
               contents_of(kSetting) + (facts.runs == 0 ? ")" : "); the " + runs());
      break;
  }
  return "";
}

PageMemory::PageMemory(PageKind kind, size_t size) : size_(size) {
  // Nothing may be joined with the mapping whose huge pages are counted: it has a neighbour on
  // either side that cannot be touched. A huge page begins at a multiple of its size.
  reserved_ = map(3 * kLargest, PROT_NONE);
  const auto begin = reinterpret_cast<uintptr_t>(reserved_) + page_size();
  data_ = reinterpret_cast<uint8_t*>((begin + kLargest - 1) / kLargest * kLargest);
  const size_t usable = kind == PageKind::kContiguous ? kLargest : size;
  if (mprotect(data_, usable, PROT_READ | PROT_WRITE) == -1) {
    const SystemError error("mprotect", "");
    munmap(reserved_, 3 * kLargest);
    throw error;
  }
  // What is refused here is seen by who asks for the facts.
  if (kind == PageKind::kSingle) {
    madvise(data_, size, MADV_NOHUGEPAGE);
    touch_apart(data_, size);
    return;
  }
  if (kind == PageKind::kContiguous) madvise(data_, kLargest, MADV_HUGEPAGE);
  touch(data_, size);
  // Whatever the host's setting for huge pages is (Linux 6.1).
  if (kind == PageKind::kContiguous) madvise(data_, kLargest, MADV_COLLAPSE);
}

PageMemory::~PageMemory() {
  munmap(reserved_, 3 * kLargest);
}

PageFacts PageMemory::facts() const {
  std::optional<size_t> huge = huge_bytes_at(data_);
  // The huge page may be larger than what is used of it.
  if (huge) huge = std::min(*huge, size_);
  return {size_ / page_size(), runs_of(data_, size_), huge};
}

std::string pages_unavailable(PageKind kind) {
  if (kind == PageKind::kDefault) return "";
  try {
    return not_of_kind(kind, PageMemory(kind, size_t{1} << 20).facts());
  } catch (const SystemError& error) {
    return error.what();
  }
}

}  // namespace splicebench
