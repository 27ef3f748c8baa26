// poc: the loop of the program in the 2008 report, with its behaviour kept as it was.
//
// One connection, one direction (upstream to client), one pipe, select, chunks of 64 KiB with
// MOVE | NONBLOCK. It reads on while the pipe holds data, and takes any EAGAIN of the filling
// splice for "the pipe is full" when it believes the pipe holds bytes, and for "the connection has
// ended" when it believes it empty. That is its reading, not ours: it is what the report measured.
// The options `move`, `nonblock` and `read-when-pipe-holds-data` are the variants that the report
// tells of; without NONBLOCK it waits for ever in a splice to a full pipe, as told there.
// `two-chunks` makes or prevents what the report saw each time: that a write carried two chunks,
// as two reads had brought them. Only where one of the two is asked for are chunks kept in mind,
// and counted by `joined_writes`: the original knew nothing of them.
//
// docs/mechanisms.md says where it differs from the original; nowhere in the data path.

#include <netinet/in.h>
#include <sys/select.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "forward/forwarder.h"
#include "forward/pipe.h"
#include "posix/error.h"

namespace splicebench {
namespace {

constexpr size_t kPipeSize = 65536;
// How long a chunk waits for a second one where writes are to carry two.
constexpr timeval kPartnerWait{.tv_sec = 0, .tv_usec = 2000};

enum class TwoChunks : uint8_t { kAsItComes, kForced, kPrevented };

struct Variant {
  explicit Variant(const Settings& settings)
      : nonblock(settings.flag("nonblock")),
        flags((settings.flag("move") ? SPLICE_F_MOVE : 0u) | (nonblock ? SPLICE_F_NONBLOCK : 0u)),
        read_while_held(settings.flag("read-when-pipe-holds-data")),
        two_chunks(settings.mode<TwoChunks>("two-chunks", {{"as-it-comes", TwoChunks::kAsItComes},
                                                           {"force", TwoChunks::kForced},
                                                           {"prevent", TwoChunks::kPrevented}})) {}
  bool nonblock;
  unsigned flags;
  bool read_while_held;  // false: the report's commented-out !bytes
  TwoChunks two_chunks;
};

// What each read brought, as long as it is in the pipe.
class Chunks {
 public:
  void add(size_t size) { sizes_.push_back(size); }
  size_t count() const { return sizes_.size(); }
  size_t first() const { return sizes_.empty() ? 0 : sizes_.front(); }
  // Takes so many bytes from the front; how many chunks they were part of.
  int take(size_t size) {
    int touched = 0;
    while (size > 0 && !sizes_.empty()) {
      ++touched;
      const size_t step = std::min(size, sizes_.front());
      sizes_.front() -= step;
      size -= step;
      if (sizes_.front() == 0) sizes_.pop_front();
    }
    return touched;
  }

 private:
  std::deque<size_t> sizes_;
};

class Poc final : public Forwarder {
 public:
  explicit Poc(const Settings& settings) : variant_(settings) {}
  void run(ForwarderContext& context) override {
    do {
      SysFd client = accept_one(context);
      if (!client) return;
      context.stats.accepted.add(1);
      context.stats.open.set(1);
      session(context, client.get());
      client.reset();
      context.stats.open.set(0);
    } while (!context.stop && !context.options.once);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    if (variant_.two_chunks == TwoChunks::kAsItComes) return {};
    return {{"joined_writes", &joined_writes_}};
  }

 private:
  // None when stop was asked. Descriptors at or above FD_SETSIZE do not occur: this process is
  // fresh.
  static SysFd accept_one(ForwarderContext& context) {
    while (!context.stop) {
      fd_set readable;
      FD_ZERO(&readable);
      FD_SET(context.listener, &readable);
      FD_SET(context.wake, &readable);
      context.sys.select(std::max(context.listener, context.wake) + 1, &readable, nullptr, nullptr);
      if (!FD_ISSET(context.listener, &readable)) continue;
      SysFd fd(context.sys, context.sys.accept(context.listener));
      if (fd) return fd;
    }
    return {};
  }

  // The program connected in blocking mode and made its sockets non-blocking afterwards.
  // Its get() is the negative errno where it could not.
  static SysFd connect_upstream(ForwarderContext& context) {
    const Address& upstream = context.options.upstream;
    SysFd fd(context.sys, context.sys.socket(upstream.family()));
    if (!fd) return fd;
    context.sys.fcntl(fd.get(), F_SETFL, 0);
    const int result = context.sys.connect(
        fd.get(), reinterpret_cast<const sockaddr*>(&upstream.storage), upstream.size);
    if (result < 0) return SysFd(context.sys, result);
    context.sys.fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    return fd;
  }

  void session(ForwarderContext& context, int client) {
    const SysFd upstream = connect_upstream(context);
    if (!upstream) {
      context.stats.connect_failures.add(1);
      context.stats.last_errno.set(static_cast<uint64_t>(-upstream.get()));
      return;
    }
    const std::optional<Pipe> pipe = make_pipe(context.sys, 0, variant_.nonblock);
    if (pipe) {
      context.stats.pipe_capacity.set(pipe->capacity);
      context.stats.pipes_created.add(1);
      forward(context, upstream.get(), client, *pipe);
    }
  }

  void forward(ForwarderContext& context, int upstream, int client, const Pipe& pipe) {
    Sys& sys = context.sys;
    const int watched = std::max({upstream, client, context.wake}) + 1;
    size_t bytes = 0;
    std::optional<Chunks> chunks;
    if (variant_.two_chunks != TwoChunks::kAsItComes) chunks.emplace();
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
      if (variant_.read_while_held ? !pipe_full : !bytes) FD_SET(upstream, &readable);
      const bool alone = variant_.two_chunks == TwoChunks::kForced && chunks->count() == 1 &&
                         !pipe_full && !waited;
      if (bytes && !alone) FD_SET(client, &writable);
      timeval wait = kPartnerWait;
      waited = sys.select(watched, &readable, &writable, alone ? &wait : nullptr) == 0;

      if (FD_ISSET(upstream, &readable)) {
        const ssize_t got =
            sys.splice(upstream, pipe.write.get(), kPipeSize, variant_.flags, {0, received});
        if (got > 0) {
          bytes += static_cast<size_t>(got);
          received += static_cast<uint64_t>(got);
          if (chunks) chunks->add(static_cast<size_t>(got));
        } else if (got == 0 || got == -EAGAIN) {
          if (!bytes) return;
          pipe_full = true;
        } else {
          note_failure(context, got);
          return;
        }
      }
      if (FD_ISSET(client, &writable)) {
        const size_t most = variant_.two_chunks == TwoChunks::kPrevented ? chunks->first() : bytes;
        const ssize_t put =
            sys.splice(pipe.read.get(), client, most, variant_.flags, {0, sent, CallSide::kOut});
        if (put == 0) return;
        if (put > 0) {
          bytes -= static_cast<size_t>(put);
          sent += static_cast<uint64_t>(put);
          context.stats.down_bytes.add(static_cast<uint64_t>(put));
          pipe_full = false;
          if (chunks && chunks->take(static_cast<size_t>(put)) > 1) joined_writes_.add(1);
        } else if (put != -EAGAIN) {
          note_failure(context, put);
          return;
        }
      }
    }
  }

  static void note_failure(ForwarderContext& context, ssize_t result) {
    context.stats.resets.add(1);
    context.stats.last_errno.set(static_cast<uint64_t>(-result));
  }

  const Variant variant_;
  Counter joined_writes_;
};

const Registered kPoc({"poc", make_of<Poc>});

}  // namespace

}  // namespace splicebench
