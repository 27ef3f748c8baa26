#include "faults/overwriting.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "endpoint/endpoint.h"
#include "posix/error.h"
#include "posix/fd.h"

namespace splicebench {
namespace {

constexpr std::array<std::pair<std::string_view, Handover>, 6> kNames = {{
    {"send", Handover::kSend},
    {"vmsplice", Handover::kVmsplice},
    {"gift", Handover::kGift},
    {"sendfile", Handover::kSendfile},
    {"splice-file", Handover::kSpliceFile},
    {"zerocopy", Handover::kZerocopy},
}};

// Larger streams are for the graded source, which keeps nothing.
constexpr uint64_t kMostKept = uint64_t{256} << 20;

void make_pipe(Fd& read, Fd& write) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) throw SystemError("pipe2", "");
  read = Fd(ends[0]);
  write = Fd(ends[1]);
}

// A file without a name whose pages are mapped: writing to the memory writes over the file.
class FileInMemory {
 public:
  explicit FileInMemory(uint64_t size) : file_(memfd_create("splicebench-lab", MFD_CLOEXEC)) {
    if (!file_) throw SystemError("memfd_create", "");
    if (ftruncate(file_.get(), static_cast<off_t>(size)) == -1) throw SystemError("ftruncate", "");
  }
  int fd() const { return file_.get(); }

 private:
  Fd file_;
};

// Memory of whole pages, private or a file's.
class Mapping {
 public:
  Mapping(uint64_t size, int file) : size_(size) {
    const int flags = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, file, 0);
    if (memory == MAP_FAILED) throw SystemError("mmap", "");
    memory_ = static_cast<uint8_t*>(memory);
  }
  ~Mapping() { munmap(memory_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  uint8_t* get() const { return memory_; }

 private:
  uint64_t size_;
  uint8_t* memory_;
};

class OverwritingSender final : public Sender {
 public:
  OverwritingSender(Handover handover, const SentStream& stream, const Content& content,
                    uint64_t length)
      : handover_(handover),
        stream_(stream),
        length_(length),
        file_(of_file() ? std::make_unique<FileInMemory>(length) : nullptr),
        memory_(length, file_ ? file_->fd() : -1) {
    content.fill(stream.connection, stream.direction, 0, memory_.get(), length);
    if (handover != Handover::kSend && handover != Handover::kZerocopy) make_pipe(read_, write_);
  }

  ssize_t send(int fd, uint64_t offset, uint64_t most) override {
    const ssize_t sent = hand_over(fd, offset, std::min(most, length_ - offset));
    if (sent == -1) return errno == ENOBUFS ? -EAGAIN : -errno;
    handed_ = offset + static_cast<uint64_t>(sent);
    return sent;
  }

  uint64_t overwritten() const override { return overwritten_; }

  void overwrite() override {
    const uint64_t from = std::max(kPrologue, written_);
    if (handed_ <= from) return;
    stamp_engine().fill(StampKey(stream_.seed).decoy(), stream_.connection, Direction::kDecoy, from,
                        memory_.get() + from, handed_ - from);
    overwritten_ += handed_ - from;
    written_ = handed_;
  }

 private:
  bool of_file() const {
    return handover_ == Handover::kSendfile || handover_ == Handover::kSpliceFile;
  }

  // Bytes that the socket took; -1 with errno.
  ssize_t hand_over(int fd, uint64_t offset, uint64_t size) {
    switch (handover_) {
      case Handover::kSend:
        return ::send(fd, memory_.get() + offset, size, MSG_NOSIGNAL);
      case Handover::kZerocopy: {
        const int on = 1;
        if (!allowed_ && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) == -1) return -1;
        allowed_ = true;
        return ::send(fd, memory_.get() + offset, size, MSG_NOSIGNAL | MSG_ZEROCOPY);
      }
      case Handover::kSendfile: {
        off_t from = static_cast<off_t>(offset);
        return sendfile(fd, file_->fd(), &from, size);
      }
      case Handover::kVmsplice:
      case Handover::kGift:
      case Handover::kSpliceFile:
        break;
    }
    if (in_pipe_ == 0) {
      const ssize_t got = into_pipe(offset, size);
      if (got <= 0) return -1;
      in_pipe_ = static_cast<uint64_t>(got);
    }
    const ssize_t sent =
        splice(read_.get(), nullptr, fd, nullptr, std::min(in_pipe_, size), SPLICE_F_NONBLOCK);
    if (sent > 0) in_pipe_ -= static_cast<uint64_t>(sent);
    return sent;
  }

  ssize_t into_pipe(uint64_t offset, uint64_t size) {
    if (file_) {
      loff_t from = static_cast<loff_t>(offset);
      return splice(file_->fd(), &from, write_.get(), nullptr, size, SPLICE_F_NONBLOCK);
    }
    const iovec piece{memory_.get() + offset, size};
    const unsigned gift = handover_ == Handover::kGift ? SPLICE_F_GIFT : 0;
    return vmsplice(write_.get(), &piece, 1, SPLICE_F_NONBLOCK | gift);
  }

  Handover handover_;
  SentStream stream_;
  uint64_t length_;
  std::unique_ptr<FileInMemory> file_;
  Mapping memory_;
  Fd read_;
  Fd write_;
  uint64_t in_pipe_ = 0;
  uint64_t handed_ = 0;       // stream offset behind the last byte that a socket took
  uint64_t written_ = 0;      // everything before it is written over
  uint64_t overwritten_ = 0;  // bytes
  bool allowed_ = false;      // SO_ZEROCOPY is set
};

// A listener's connection and its other end.
struct Pair {
  Fd out;
  Fd in;
};

Pair connected_pair() {
  const Fd listener = listen_on(Address::parse("127.0.0.1", 0), {}, 1);
  Connecting connecting = start_connect(local_address(listener.get()), {});
  if (!connecting.fd) throw SystemError("connect", "127.0.0.1", connecting.pending);
  pollfd ready{.fd = listener.get(), .events = POLLIN, .revents = 0};
  poll(&ready, 1, 1000);
  Fd in(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!in) throw SystemError("accept4", "");
  return {std::move(connecting.fd), std::move(in)};
}

}  // namespace

std::optional<Handover> handover_named(std::string_view name) {
  for (const auto& [known, handover] : kNames) {
    if (known == name) return handover;
  }
  return std::nullopt;
}

SenderMaker overwriting_senders(Handover handover) {
  return [handover](const SentStream& stream, std::shared_ptr<const Content> content,
                    uint64_t length) -> std::unique_ptr<Sender> {
    if (length > kMostKept) throw std::runtime_error("an overwriting source needs a fixed amount");
    return std::make_unique<OverwritingSender>(handover, stream, *content, length);
  };
}

HandoverProbe probe_handover(Handover handover) {
  constexpr uint64_t kLength = uint64_t{1} << 20;
  constexpr int kPatience = 1000;  // ms
  const SentStream stream{.seed = 1};
  const auto content = make_stamped_content(stream.seed, {});
  const Pair pair = connected_pair();
  OverwritingSender sender(handover, stream, *content, kLength);
  uint64_t sent = 0;
  const auto send_all = [&] {
    while (sent < kLength) {
      const ssize_t put = sender.send(pair.out.get(), sent, kLength - sent);
      if (put == -EAGAIN) return;
      if (put < 0) throw SystemError("send", "", static_cast<int>(-put));
      sent += static_cast<uint64_t>(put);
    }
  };
  send_all();
  sender.overwrite();

  std::vector<uint8_t> received(kLength);
  uint64_t got = 0;
  while (got < kLength) {
    pollfd ready{.fd = pair.in.get(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kPatience) <= 0) throw SystemError("poll", "", ETIMEDOUT);
    const ssize_t part = recv(pair.in.get(), received.data() + got, kLength - got, 0);
    if (part <= 0) throw SystemError("recv", "", part == 0 ? ECONNRESET : errno);
    got += static_cast<uint64_t>(part);
    send_all();
  }
  std::vector<uint8_t> original(kLength);
  content->fill(stream.connection, stream.direction, 0, original.data(), kLength);
  HandoverProbe probe{.overwritten = sender.overwritten(), .changed = 0};
  for (uint64_t i = 0; i < kLength; ++i) probe.changed += received[i] != original[i];
  return probe;
}

}  // namespace splicebench
