#include "endpoint/sender.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "posix/error.h"
#include "posix/fd.h"

namespace splicebench {
namespace {

class ContentSender final : public Sender {
 public:
  ContentSender(std::shared_ptr<const Content> content, uint32_t connection, Direction direction,
                SendBuffer& buffer)
      : content_(std::move(content)),
        connection_(connection),
        direction_(direction),
        buffer_(buffer) {}
  // The next sender may live at this address, and must not find its bytes in the buffer.
  ~ContentSender() override {
    if (buffer_.owner == this) buffer_.owner = nullptr;
  }

  ssize_t send(int fd, uint64_t offset, uint64_t most) override {
    const bool held = buffer_.owner == this && offset >= buffer_.offset &&
                      offset < buffer_.offset + buffer_.filled;
    if (!held) {
      buffer_.owner = this;
      buffer_.offset = offset;
      buffer_.filled = std::min<uint64_t>(most, buffer_.bytes.size());
      content_->fill(connection_, direction_, offset, buffer_.bytes.data(), buffer_.filled);
    }
    const size_t begin = offset - buffer_.offset;
    const size_t size = std::min<uint64_t>(most, buffer_.filled - begin);
    const ssize_t sent = ::send(fd, buffer_.bytes.data() + begin, size, MSG_NOSIGNAL);
    return sent == -1 ? -errno : sent;
  }

 private:
  std::shared_ptr<const Content> content_;
  uint32_t connection_;
  Direction direction_;
  SendBuffer& buffer_;
};

class BufferSender final : public Sender {
 public:
  explicit BufferSender(const SendBuffer& buffer) : bytes_(buffer.bytes) {}

  ssize_t send(int fd, uint64_t offset, uint64_t most) override {
    const size_t begin = offset % bytes_.size();
    const size_t rest = bytes_.size() - begin;
    // A message from the start again rather than in two sends: nobody looks at the contents. What
    // is more than a buffer takes several anyway, and all of the buffer is to be read in turn.
    const bool again = most > rest && most <= bytes_.size();
    const size_t size = again ? most : std::min<uint64_t>(most, rest);
    const ssize_t sent = ::send(fd, bytes_.data() + (again ? 0 : begin), size, MSG_NOSIGNAL);
    return sent == -1 ? -errno : sent;
  }

 private:
  const std::vector<uint8_t>& bytes_;
};

class PreparedSender final : public Sender {
 public:
  explicit PreparedSender(PreparedPages& pages) : pages_(pages) {}

  ssize_t send(int fd, uint64_t, uint64_t most) override { return pages_.send(fd, most); }

 private:
  PreparedPages& pages_;
};

class FileSender final : public Sender {
 public:
  explicit FileSender(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_) throw SystemError("open", path);
  }

  ssize_t send(int fd, uint64_t offset, uint64_t most) override {
    off_t from = static_cast<off_t>(offset);
    const ssize_t sent = sendfile(fd, file_.get(), &from, std::min<uint64_t>(most, kMostAtOnce));
    // 0 = the file became shorter than it was at the start: nothing is left to send.
    return sent == -1 ? -errno : sent == 0 ? -ENODATA : sent;
  }

 private:
  static constexpr uint64_t kMostAtOnce = uint64_t{1} << 30;
  Fd file_;
};

}  // namespace

std::unique_ptr<Sender> make_content_sender(std::shared_ptr<const Content> content,
                                            uint32_t connection, Direction direction,
                                            SendBuffer& buffer) {
  return std::make_unique<ContentSender>(std::move(content), connection, direction, buffer);
}

void fill_once(SendBuffer& buffer, const Content& content) {
  content.fill(0, Direction::kDown, 0, buffer.bytes.data(), buffer.bytes.size());
}

std::unique_ptr<Sender> make_buffer_sender(const SendBuffer& buffer) {
  return std::make_unique<BufferSender>(buffer);
}

PreparedPages::PreparedPages(const Content& content, PageKind kind)
    : memory_(kind, kSize), pages_(make_pipe()), next_(make_pipe()) {
  content.fill(0, Direction::kDown, 0, memory_.data(), kSize);
  iovec piece{memory_.data(), kSize};
  // Takes what the pipe has room for; less than all of it serves as well.
  if (vmsplice(pages_.write.get(), &piece, 1, SPLICE_F_NONBLOCK) <= 0)
    throw SystemError("vmsplice", "");
  facts_ = memory_.facts();
  const std::string other = not_of_kind(kind, facts_);
  if (!other.empty()) throw std::runtime_error("prepared pages: " + other);
}

PreparedPages::Pipe PreparedPages::make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) throw SystemError("pipe2", "");
  fcntl(ends[1], F_SETPIPE_SZ, int{kSize});  // refused: the default size serves as well
  return {Fd(ends[0]), Fd(ends[1])};
}

ssize_t PreparedPages::send(int fd, uint64_t most) {
  if (held_ == 0) {
    const ssize_t got = tee(pages_.read.get(), next_.write.get(), kSize, SPLICE_F_NONBLOCK);
    if (got == -1) return -errno;
    held_ = static_cast<size_t>(got);
  }
  const ssize_t sent = splice(next_.read.get(), nullptr, fd, nullptr,
                              std::min<uint64_t>(held_, most), SPLICE_F_NONBLOCK);
  if (sent == -1) return -errno;
  held_ -= static_cast<size_t>(sent);
  return sent;
}

std::unique_ptr<Sender> make_prepared_sender(PreparedPages& pages) {
  return std::make_unique<PreparedSender>(pages);
}

std::unique_ptr<Sender> make_file_sender(const std::string& path) {
  return std::make_unique<FileSender>(path);
}

}  // namespace splicebench
