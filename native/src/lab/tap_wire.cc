#include "lab/tap_wire.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <array>

#include "posix/error.h"

namespace splicebench {

namespace {

// Finite, and more than the frames that can be on their way at once.
constexpr int kSendBuffer = 4 << 20;
// The largest MTU that an interface may have, and its Ethernet header.
constexpr size_t kFrame = 65536 + 64;
// Frames of one wire's end before the others have their turn.
constexpr int kTurn = 64;

Fd open_tap(const std::string& name) {
  Fd tap(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!tap) throw SystemError("open", "/dev/net/tun");
  ifreq request{};
  if (name.size() >= sizeof(request.ifr_name)) throw SystemError("TUNSETIFF", name, ENAMETOOLONG);
  name.copy(request.ifr_name, name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(tap.get(), TUNSETIFF, &request) == -1) throw SystemError("TUNSETIFF", name);
  int bytes = kSendBuffer;
  if (ioctl(tap.get(), TUNSETSNDBUF, &bytes) == -1) throw SystemError("TUNSETSNDBUF", name);
  return tap;
}

}  // namespace

TapWires::TapWires(const std::vector<std::string>& names)
    : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw SystemError("eventfd", "");
  for (const std::string& name : names) taps_.push_back(open_tap(name));
}

void TapWires::run() {
  std::vector<pollfd> waiting;
  for (const Fd& tap : taps_) waiting.push_back({tap.get(), POLLIN, 0});
  waiting.push_back({wake_.get(), POLLIN, 0});
  while (!stop_) {
    if (poll(waiting.data(), waiting.size(), -1) == -1 && errno != EINTR)
      throw SystemError("poll", "tap");
    for (size_t end = 0; end < taps_.size() && !stop_; ++end) {
      if (waiting[end].revents != 0) carry(taps_[end].get(), taps_[end ^ 1].get());
    }
  }
}

void TapWires::stop() {
  stop_ = true;
  const uint64_t one = 1;
  // Fails only where it was woken already.
  [[maybe_unused]] const ssize_t woken = write(wake_.get(), &one, sizeof(one));
}

// The descriptors block, for the sake of the heads: it is asked before each read whether it would.
void TapWires::carry(int from, int to) {
  std::array<char, kFrame> frame;
  for (int turn = 0; turn < kTurn; ++turn) {
    pollfd ready{from, POLLIN, 0};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLIN) == 0) return;
    const ssize_t size = read(from, frame.data(), frame.size());
    if (size <= 0) return;
    if (write(to, frame.data(), static_cast<size_t>(size)) == size)
      stats_.frames.add(1);
    else
      stats_.dropped.add(1);
  }
}

}  // namespace splicebench
