// poc: the loop of the program in the 2008 report, with its behaviour kept as it was.
//
// One connection, one direction (upstream to client), one pipe, select, chunks of 64 KiB with
// MOVE | NONBLOCK. It reads on while the pipe holds data, and takes any EAGAIN of the filling
// splice for "the pipe is full" when it believes the pipe holds bytes, and for "the connection has
// ended" when it believes it empty. That is its reading, not ours: it is what the report measured.
// The options `move`, `nonblock` and `read-when-pipe-holds-data` are the variants that the report
// tells of; without NONBLOCK it waits for ever in a splice to a full pipe, as told there.
// `two-chunks` makes or prevents what the report saw each time: that a write carried two chunks,
// as two reads had brought them. `joined_writes` counts how often it did.
//
// Two differences, both outside the data path: select also watches the stop event, so that a role
// can be ended, and the sessions go on one after another unless `once` is given.

#include <netinet/in.h>
#include <sys/select.h>

#include <algorithm>
#include <deque>

#include "forward/forwarder.h"
#include "forward/pipe.h"
#include "posix/error.h"

namespace splicebench {
namespace {

constexpr size_t kPipeSize = 65536;
// How long a chunk waits for a second one where writes are to carry two.
constexpr timeval kPartnerWait{.tv_sec = 0, .tv_usec = 2000};

enum class TwoChunks : uint8_t { kAsItComes, kForced, kPrevented };

TwoChunks two_chunks_of(const std::string& name) {
  return name == "force"     ? TwoChunks::kForced
         : name == "prevent" ? TwoChunks::kPrevented
                             : TwoChunks::kAsItComes;
}

struct Variant {
  explicit Variant(const Settings& settings)
      : nonblock(settings.flag("nonblock", true)),
        flags((settings.flag("move", true) ? SPLICE_F_MOVE : 0u) |
              (nonblock ? SPLICE_F_NONBLOCK : 0u)),
        read_while_held(settings.flag("read-when-pipe-holds-data", true)),
        two_chunks(two_chunks_of(settings.text("two-chunks", ""))) {}
  bool nonblock;
  unsigned flags;
  bool read_while_held;  // false: the report's commented-out !bytes
  TwoChunks two_chunks;
};

class Poc final : public Forwarder {
 public:
  void run(ForwarderContext& context) override {
    do {
      const int client = accept_one(context);
      if (client < 0) return;
      context.stats.accepted.add(1);
      context.stats.open.set(1);
      session(context, client);
      context.sys.close(client);
      context.stats.open.set(0);
    } while (!context.stop && !context.options.once);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"joined_writes", &joined_writes_}};
  }

 private:
  // -1 when stop was asked. Descriptors at or above FD_SETSIZE do not occur: this process is fresh.
  static int accept_one(ForwarderContext& context) {
    while (!context.stop) {
      fd_set readable;
      FD_ZERO(&readable);
      FD_SET(context.listener, &readable);
      FD_SET(context.wake, &readable);
      context.sys.select(std::max(context.listener, context.wake) + 1, &readable, nullptr, nullptr);
      if (!FD_ISSET(context.listener, &readable)) continue;
      const int fd = context.sys.accept(context.listener);
      if (fd >= 0) return fd;
    }
    return -1;
  }

  // The program connected in blocking mode and made its sockets non-blocking afterwards.
  static int connect_upstream(ForwarderContext& context) {
    const Address& upstream = context.options.upstream;
    const int fd = context.sys.socket(upstream.family());
    if (fd < 0) return fd;
    context.sys.fcntl(fd, F_SETFL, 0);
    const int result = context.sys.connect(fd, reinterpret_cast<const sockaddr*>(&upstream.storage),
                                           upstream.size);
    if (result < 0) {
      context.sys.close(fd);
      return result;
    }
    context.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }

  void session(ForwarderContext& context, int client) {
    const int upstream = connect_upstream(context);
    if (upstream < 0) {
      context.stats.connect_failures.add(1);
      context.stats.last_errno.set(static_cast<uint64_t>(-upstream));
      return;
    }
    const Variant variant(context.options.settings);
    const std::optional<Pipe> pipe = make_pipe(context.sys, 0, variant.nonblock);
    if (pipe) {
      context.stats.pipe_capacity.set(pipe->capacity);
      context.stats.pipes_created.add(1);
      forward(context, variant, upstream, client, *pipe);
      close_pipe(context.sys, *pipe);
    }
    context.sys.close(upstream);
  }

  void forward(ForwarderContext& context, const Variant& variant, int upstream, int client,
               const Pipe& pipe) {
    Sys& sys = context.sys;
    const int watched = std::max({upstream, client, context.wake}) + 1;
    size_t bytes = 0;
    std::deque<size_t> chunks;  // what each read brought, and is still in the pipe
    bool pipe_full = false;
    bool waited = false;  // in vain, for a second chunk
    uint64_t received = 0;
    uint64_t sent = 0;
    while (!context.stop) {
      fd_set readable;
      fd_set writable;
      FD_ZERO(&readable);
      FD_ZERO(&writable);
      FD_SET(context.wake, &readable);
      if (variant.read_while_held ? !pipe_full : !bytes) FD_SET(upstream, &readable);
      const bool alone =
          variant.two_chunks == TwoChunks::kForced && chunks.size() == 1 && !pipe_full && !waited;
      if (bytes && !alone) FD_SET(client, &writable);
      timeval wait = kPartnerWait;
      waited = sys.select(watched, &readable, &writable, alone ? &wait : nullptr) == 0;

      if (FD_ISSET(upstream, &readable)) {
        const ssize_t got =
            sys.splice(upstream, pipe.write, kPipeSize, variant.flags, {0, received});
        if (got > 0) {
          bytes += static_cast<size_t>(got);
          received += static_cast<uint64_t>(got);
          chunks.push_back(static_cast<size_t>(got));
        } else if (got == 0 || got == -EAGAIN) {
          if (!bytes) return;
          pipe_full = true;
        } else {
          note_failure(context, got);
          return;
        }
      }
      if (FD_ISSET(client, &writable)) {
        const size_t most =
            variant.two_chunks == TwoChunks::kPrevented && !chunks.empty() ? chunks.front() : bytes;
        const ssize_t put = sys.splice(pipe.read, client, most, variant.flags, {0, sent, true});
        if (put == 0) return;
        if (put > 0) {
          bytes -= static_cast<size_t>(put);
          sent += static_cast<uint64_t>(put);
          context.stats.down_bytes.add(static_cast<uint64_t>(put));
          pipe_full = false;
          if (take_chunks(chunks, static_cast<size_t>(put)) > 1) joined_writes_.add(1);
        } else if (put != -EAGAIN) {
          note_failure(context, put);
          return;
        }
      }
    }
  }

  // Takes so many bytes from the front; how many chunks they were part of.
  static int take_chunks(std::deque<size_t>& chunks, size_t size) {
    int touched = 0;
    while (size > 0 && !chunks.empty()) {
      ++touched;
      const size_t step = std::min(size, chunks.front());
      chunks.front() -= step;
      size -= step;
      if (chunks.front() == 0) chunks.pop_front();
    }
    return touched;
  }

  static void note_failure(ForwarderContext& context, ssize_t result) {
    context.stats.resets.add(1);
    context.stats.last_errno.set(static_cast<uint64_t>(-result));
  }

  Counter joined_writes_;
};

}  // namespace

std::unique_ptr<Forwarder> make_poc() {
  return std::make_unique<Poc>();
}

}  // namespace splicebench
