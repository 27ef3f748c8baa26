// The graded source: a set share of its pages is written over.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "faults/overwriting.h"
#include "posix/error.h"
#include "posix/fd.h"

namespace splicebench {
namespace {

constexpr uint64_t kPiece = uint64_t{1} << 20;

class GradedSender final : public Sender {
 public:
  GradedSender(const SentStream& stream, std::shared_ptr<const Content> content, uint64_t every,
               uint64_t length)
      : stream_(stream),
        content_(std::move(content)),
        key_(stream.seed),
        decoy_(key_.decoy()),
        every_(every),
        stretches_(every == 0 ? 0 : length / kGradedPage / every) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) throw SystemError("pipe2", "");
    read_ = Fd(ends[0]);
    write_ = Fd(ends[1]);
    // Refused: the default size serves as well.
    fcntl(write_.get(), F_SETPIPE_SZ, static_cast<int>(kPiece));
  }
  ~GradedSender() override { drop_memory(); }

  ssize_t send(int fd, uint64_t offset, uint64_t most) override {
    if (in_pipe_ == 0) {
      const int failed = fill_pipe(offset, most);
      if (failed != 0) return -failed;
    }
    const ssize_t sent =
        splice(read_.get(), nullptr, fd, nullptr, std::min(in_pipe_, most), SPLICE_F_NONBLOCK);
    if (sent == -1) return -errno;
    in_pipe_ -= static_cast<uint64_t>(sent);
    return sent;
  }

  uint64_t overwritten() const override { return overwritten_; }

 private:
  // Fresh memory with the stream's bytes, into the pipe by reference, then the chosen pages are
  // written over. Returns an errno.
  int fill_pipe(uint64_t offset, uint64_t most) {
    if (!memory_ || offset < base_ || offset >= base_ + kPiece) {
      drop_memory();
      base_ = offset / kPiece * kPiece;
      void* memory = mmap(nullptr, kPiece, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
      if (memory == MAP_FAILED) return errno;
      memory_ = static_cast<uint8_t*>(memory);
      content_->fill(stream_.connection, stream_.direction, base_, memory_, kPiece);
    }
    uint64_t size = std::min(most, base_ + kPiece - offset);
    // End at a page's end where the visit allows, so that pages are handed over whole.
    if (const uint64_t odd = (offset + size) % kGradedPage; size > odd) size -= odd;
    const iovec piece{memory_ + (offset - base_), size};
    const ssize_t got = vmsplice(write_.get(), &piece, 1, SPLICE_F_NONBLOCK);
    if (got <= 0) return got == 0 ? EAGAIN : errno;
    in_pipe_ = static_cast<uint64_t>(got);
    overwrite(offset, offset + in_pipe_);
    return 0;
  }

  // The chosen pages of [from, to) that begin in it.
  void overwrite(uint64_t from, uint64_t to) {
    if (every_ == 0) return;
    const uint64_t first = (from + kGradedPage - 1) / kGradedPage;
    for (uint64_t stretch = first / every_; stretch < stretches_; ++stretch) {
      const uint64_t page = chosen(stretch);
      if (page * kGradedPage >= to) return;
      if (page < first) continue;
      const uint64_t offset = page * kGradedPage;
      stamp_engine().fill(decoy_, stream_.connection, Direction::kDecoy, offset,
                          memory_ + (offset - base_), kGradedPage);
      overwritten_ += kGradedPage;
    }
  }

  // Never the stream's first page, a part of which goes ahead.
  uint64_t chosen(uint64_t stretch) const {
    const uint64_t random = key_.word(0, Direction::kDecoy, stretch);
    if (stretch == 0 && every_ > 1) return 1 + random % (every_ - 1);
    return stretch * every_ + random % every_;
  }

  void drop_memory() {
    if (memory_) munmap(memory_, kPiece);
    memory_ = nullptr;
  }

  SentStream stream_;
  std::shared_ptr<const Content> content_;
  StampKey key_;
  StampKey decoy_;
  uint64_t every_;
  uint64_t stretches_;
  Fd read_;
  Fd write_;
  uint8_t* memory_ = nullptr;
  uint64_t base_ = 0;
  uint64_t in_pipe_ = 0;
  uint64_t overwritten_ = 0;
};

}  // namespace

SenderMaker graded_senders(uint64_t every) {
  return [every](const SentStream& stream, std::shared_ptr<const Content> content,
                 uint64_t length) -> std::unique_ptr<Sender> {
    return std::make_unique<GradedSender>(stream, std::move(content), every, length);
  };
}

}  // namespace splicebench
