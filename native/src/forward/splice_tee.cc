// splice-tee: splice, and a mirror of every stream through tee.
//
// What is in the pipe is duplicated by reference into a second pipe, which is spliced to the
// mirror, and only then goes on to its output: no byte enters this process. The mirror gets the
// pieces of all flows in the order in which they pass; with one connection and one direction it is
// the stream. A mirror that cannot be written, such as a file on a full disk, fails the session: a
// mirror with holes would be worse than none.
//
// Both pipes are filled only when empty, as in splice.cc, so that tee finds a slot for each of the
// first pipe's unless the second was granted smaller: then it goes piece by piece. A flow keeps
// both while the first holds bytes.

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "forward/flow.h"
#include "forward/pipe.h"
#include "posix/error.h"

namespace splicebench {
namespace {

constexpr size_t kDefaultPipe = size_t{1} << 20;
constexpr size_t kMostAtOnce = size_t{1} << 30;
constexpr size_t kFallbackBuffer = size_t{64} << 10;
constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

struct TeeShared {
  TeeShared(ForwarderContext& context, int mirror_fd, const std::string& path,
            Counter& mirrored_bytes)
      : sys(context.sys),
        stats(context.stats),
        mirror(mirror_fd),
        mirror_path(path),
        mirrored(mirrored_bytes),
        pool(sys, context.options.settings.size("pipe", kDefaultPipe)) {}
  Sys& sys;
  ForwarderStats& stats;
  const int mirror;
  const std::string mirror_path;
  Counter& mirrored;
  PipePool pool;
};

class TeeFlow final : public Flow {
 public:
  TeeFlow(TeeShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered) {}
  TeeFlow(const TeeFlow&) = delete;
  TeeFlow& operator=(const TeeFlow&) = delete;
  // Pipes that end with data in them are closed, never pooled.
  ~TeeFlow() override {
    if (main_) close_pipe(sys_, *main_);
    if (side_) close_pipe(sys_, *side_);
  }

  bool holds_data() const override { return held_ != 0 || !copied_.empty(); }
  void note_urgent() override { urgent_ = true; }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!copied_.empty()) return copy_once(in, out);
    if (!take_pipes()) {
      shared_.stats.copy_fallbacks.add(1);
      return copy_once(in, out);
    }
    const PumpResult result = move(in, out, budget);
    if (held_ == 0) {
      give_back(side_);
      give_back(main_);
    }
    return result;
  }

 private:
  bool take_pipes() {
    if (!main_) main_ = shared_.pool.take();
    if (main_ && !side_) side_ = shared_.pool.take();
    shared_.stats.pipe_capacity.set(shared_.pool.smallest_capacity());
    shared_.stats.pipes_created.set(shared_.pool.created());
    if (main_ && side_) return true;
    if (held_ == 0) give_back(main_);
    return false;
  }

  void give_back(std::optional<Pipe>& pipe) {
    if (pipe) shared_.pool.give_back_empty(*pipe);
    pipe.reset();
  }

  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      if (held_ == 0) {
        const ssize_t got = sys_.splice(in, main_->write, kMostAtOnce, kFlags, {id_, received_});
        // As in splice.cc: an urgent byte makes ends and "nothing now" ambiguous.
        if (got == -EAGAIN && !urgent_) return {PumpEnd::kInputDry};
        if (got == 0 && ended(in)) return {PumpEnd::kFinished};
        if (got == 0 || got == -EAGAIN) {
          urgent_ = false;
          return copy_once(in, out);
        }
        if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
        received_ += static_cast<uint64_t>(got);
        held_ = static_cast<size_t>(got);
        taken += held_;
      }
      if (teed_ == 0) {
        const int error = mirror_head();
        if (error != 0) return {PumpEnd::kFailed, error};
      }
      const ssize_t sent = sys_.splice(main_->read, out, teed_, kFlags, {id_, sent_, true});
      if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
      if (sent <= 0) return {PumpEnd::kFailed, sent == 0 ? EPIPE : static_cast<int>(-sent)};
      held_ -= static_cast<size_t>(sent);
      teed_ -= static_cast<size_t>(sent);
      count_sent(sent);
    }
    return {PumpEnd::kBudget};
  }

  // Mirrors the head of the pipe, as much of it as the second pipe takes. 0 or an errno.
  int mirror_head() {
    const ssize_t put = sys_.tee(main_->read, side_->write, held_, SPLICE_F_NONBLOCK, {id_, sent_});
    if (put <= 0) return put == 0 ? EIO : static_cast<int>(-put);
    teed_ = side_held_ = static_cast<size_t>(put);
    while (side_held_ != 0) {
      const uint64_t at = sent_ + teed_ - side_held_;
      const ssize_t moved =
          sys_.splice(side_->read, shared_.mirror, side_held_, SPLICE_F_MOVE, {id_, at});
      if (moved <= 0) return unmirrored(moved);
      side_held_ -= static_cast<size_t>(moved);
      shared_.mirrored.add(static_cast<uint64_t>(moved));
    }
    return 0;
  }

  // The mirror took nothing, or answered with an error: its errno, said with its name.
  int unmirrored(ssize_t result) {
    const int error = result == 0 ? EIO : static_cast<int>(-result);
    shared_.stats.trouble.note("write mirror", shared_.mirror_path, error);
    return error;
  }

  bool ended(int in) {
    uint8_t byte;
    return sys_.recv(in, &byte, 1, MSG_PEEK, {id_, received_}) == 0;
  }

  // One buffer's worth by copying, mirrored before it is sent.
  PumpResult copy_once(int in, int out) {
    if (copied_.empty()) {
      copied_.resize(kFallbackBuffer);
      const ssize_t got = sys_.recv(in, copied_.data(), copied_.size(), 0, {id_, received_});
      copied_.resize(got > 0 ? static_cast<size_t>(got) : 0);
      if (got == -EAGAIN) return {PumpEnd::kInputDry};
      if (got == 0) return {PumpEnd::kFinished};
      if (got < 0) return {PumpEnd::kFailed, static_cast<int>(-got)};
      received_ += static_cast<uint64_t>(got);
      for (size_t done = 0; done < copied_.size();) {
        const ssize_t put =
            sys_.write(shared_.mirror, copied_.data() + done, copied_.size() - done, {id_, sent_});
        if (put <= 0) return {PumpEnd::kFailed, unmirrored(put)};
        done += static_cast<size_t>(put);
        shared_.mirrored.add(static_cast<uint64_t>(put));
      }
    }
    const ssize_t sent =
        sys_.send(out, copied_.data(), copied_.size(), MSG_NOSIGNAL, {id_, sent_, true});
    if (sent == -EAGAIN) return {PumpEnd::kOutputFull};
    if (sent < 0) return {PumpEnd::kFailed, static_cast<int>(-sent)};
    copied_.erase(copied_.begin(), copied_.begin() + sent);
    count_sent(sent);
    return {copied_.empty() ? PumpEnd::kBudget : PumpEnd::kOutputFull};
  }

  void count_sent(ssize_t sent) {
    sent_ += static_cast<uint64_t>(sent);
    delivered_.add(static_cast<uint64_t>(sent));
  }

  TeeShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  std::optional<Pipe> main_;
  std::optional<Pipe> side_;
  size_t held_ = 0;       // bytes in the first pipe
  size_t teed_ = 0;       // of those, the ones at its head that the mirror has
  size_t side_held_ = 0;  // bytes in the second pipe, after a failure only
  bool urgent_ = false;
  std::vector<uint8_t> copied_;
};

class TeeForwarder final : public Forwarder, private FlowFactory {
 public:
  void run(ForwarderContext& context) override {
    const std::string path = context.options.settings.text("mirror", "/dev/null");
    const int mirror = open_mirror(context.sys, path);
    shared_ = std::make_unique<TeeShared>(context, mirror, path, mirrored_);
    run_relay(context, *this);
    shared_.reset();
    context.sys.close(mirror);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"mirrored_bytes", &mirrored_}};
  }

 private:
  // A file or a device: what can be full of readers' making, such as a FIFO, could block the loop.
  static int open_mirror(Sys& sys, const std::string& path) {
    const int fd = sys.open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK);
    if (fd < 0) throw SystemError("open mirror", path, -fd);
    struct stat found {};
    if (fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISCHR(found.st_mode))) return fd;
    sys.close(fd);
    throw SystemError("open mirror", path + " (neither a file nor a device)", EINVAL);
  }

  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<TeeFlow>(*shared_, id, delivered);
  }
  void release_spare() override { shared_->pool.clear(); }

  Counter mirrored_;
  std::unique_ptr<TeeShared> shared_;
};

}  // namespace

std::unique_ptr<Forwarder> make_splice_tee() {
  return std::make_unique<TeeForwarder>();
}

}  // namespace splicebench
