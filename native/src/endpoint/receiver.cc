#include "endpoint/receiver.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace splicebench {
namespace {

ssize_t take(int fd, std::vector<uint8_t>& buffer, uint64_t most) {
  const ssize_t got = recv(fd, buffer.data(), std::min<uint64_t>(buffer.size(), most), 0);
  return got == -1 ? -errno : got;
}

class CheckingReceiver final : public Receiver {
 public:
  CheckingReceiver(std::shared_ptr<const Content> content, const Checker::Options& options,
                   std::vector<uint8_t>& buffer)
      : checker_(std::move(content), options), buffer_(buffer) {}

  ssize_t receive(int fd, uint64_t most) override {
    const ssize_t got = take(fd, buffer_, most);
    if (got > 0) checker_.feed(buffer_.data(), static_cast<size_t>(got));
    return got;
  }
  Checker* checker() override { return &checker_; }

 private:
  Checker checker_;
  std::vector<uint8_t>& buffer_;
};

class BufferReceiver final : public Receiver {
 public:
  explicit BufferReceiver(std::vector<uint8_t>& buffer) : buffer_(buffer) {}

  ssize_t receive(int fd, uint64_t most) override { return take(fd, buffer_, most); }

 private:
  std::vector<uint8_t>& buffer_;
};

class DiscardingReceiver final : public Receiver {
 public:
  ssize_t receive(int fd, uint64_t most) override {
    const ssize_t got = recv(fd, nullptr, std::min(most, kMostAtOnce), MSG_TRUNC);
    return got == -1 ? -errno : got;
  }

 private:
  static constexpr uint64_t kMostAtOnce = uint64_t{1} << 30;
};

class OutputReceiver final : public Receiver {
 public:
  OutputReceiver(int output, std::vector<uint8_t>& buffer) : output_(output), buffer_(buffer) {}

  ssize_t receive(int fd, uint64_t most) override {
    const ssize_t got = take(fd, buffer_, most);
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = write(output_, buffer_.data() + done, static_cast<size_t>(got - done));
      if (put == -1 && errno == EINTR) continue;
      if (put == -1 && errno == EAGAIN) {
        // Whoever shares the descriptor may have made it non-blocking, as Node does with its
        // stdout.
        pollfd writable{.fd = output_, .events = POLLOUT, .revents = 0};
        poll(&writable, 1, -1);
        continue;
      }
      if (put == -1) return -EPIPE;
      done += put;
    }
    return got;
  }

 private:
  int output_;
  std::vector<uint8_t>& buffer_;
};

}  // namespace

std::unique_ptr<Receiver> make_checking_receiver(std::shared_ptr<const Content> content,
                                                 const Checker::Options& options,
                                                 std::vector<uint8_t>& buffer) {
  return std::make_unique<CheckingReceiver>(std::move(content), options, buffer);
}

std::unique_ptr<Receiver> make_buffer_receiver(std::vector<uint8_t>& buffer) {
  return std::make_unique<BufferReceiver>(buffer);
}

std::unique_ptr<Receiver> make_discarding_receiver() {
  return std::make_unique<DiscardingReceiver>();
}

std::unique_ptr<Receiver> make_output_receiver(int output, std::vector<uint8_t>& buffer) {
  return std::make_unique<OutputReceiver>(output, buffer);
}

}  // namespace splicebench
