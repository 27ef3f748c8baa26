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
#include <utility>
#include <vector>

#include "forward/flow.h"
#include "forward/pipe.h"
#include "forward/piped_input.h"
#include "posix/error.h"

namespace splicebench {
namespace {

constexpr size_t kMostAtOnce = size_t{1} << 30;
constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

struct TeeShared {
  TeeShared(ForwarderContext& context, size_t pipe, SysFd mirror_fd, const std::string& path,
            Counter& mirrored_bytes)
      : sys(context.sys),
        stats(context.stats),
        mirror(std::move(mirror_fd)),
        mirror_path(path),
        mirrored(mirrored_bytes),
        pool(sys, stats, pipe) {}
  Sys& sys;
  ForwarderStats& stats;
  const SysFd mirror;
  const std::string mirror_path;
  Counter& mirrored;
  PipePool pool;
};

class TeeFlow final : public Flow {
 public:
  TeeFlow(TeeShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered), input_(sys_, id) {}
  TeeFlow(const TeeFlow&) = delete;
  TeeFlow& operator=(const TeeFlow&) = delete;

  bool holds_data() const override { return held_ != 0 || !input_.copied().empty(); }
  void note_urgent() override { input_.note_urgent(); }

  PumpResult pump(int in, int out, size_t budget) override {
    if (!input_.copied().empty()) return copy_once(in, out);
    if (!take_pipes()) return copy_once(in, out);
    const PumpResult result = move(in, out, budget);
    if (held_ == 0) {
      shared_.pool.give_back_empty(side_);
      shared_.pool.give_back_empty(main_);
    }
    return result;
  }

 private:
  bool take_pipes() {
    if (!main_) main_ = shared_.pool.take();
    if (main_ && !side_) side_ = shared_.pool.take();
    if (main_ && side_) return true;
    if (held_ == 0) shared_.pool.give_back_empty(main_);
    return false;
  }

  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      if (held_ == 0) {
        const std::optional<ssize_t> got = input_.fill(in, *main_, kMostAtOnce, kFlags);
        if (!got) return copy_once(in, out);
        if (*got <= 0) return without_input(*got);
        held_ = static_cast<size_t>(*got);
        taken += held_;
      }
      if (teed_ == 0) {
        const int error = mirror_head();
        if (error != 0) return {PumpEnd::kFailed, error};
      }
      const ssize_t sent =
          sys_.splice(main_->read.get(), out, teed_, kFlags, {id_, sent_, CallSide::kOut});
      if (sent <= 0) return without_output(sent);
      held_ -= static_cast<size_t>(sent);
      teed_ -= static_cast<size_t>(sent);
      count_sent(sent);
    }
    return {PumpEnd::kBudget};
  }

  // Mirrors the head of the pipe, as much of it as the second pipe takes. 0 or an errno.
  int mirror_head() {
    const ssize_t put = sys_.tee(main_->read.get(), side_->write.get(), held_, SPLICE_F_NONBLOCK,
                                 {id_, sent_, CallSide::kWithin});
    if (put <= 0) return put == 0 ? EIO : static_cast<int>(-put);
    teed_ = side_held_ = static_cast<size_t>(put);
    while (side_held_ != 0) {
      const uint64_t at = sent_ + teed_ - side_held_;
      const ssize_t moved = sys_.splice(side_->read.get(), shared_.mirror.get(), side_held_,
                                        SPLICE_F_MOVE, {id_, at, CallSide::kWithin});
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

  // One buffer's worth by copying, mirrored before it is sent.
  PumpResult copy_once(int in, int out) {
    if (input_.copied().empty()) {
      if (const ssize_t got = input_.copy(in); got <= 0) return without_input(got);
      const std::vector<uint8_t>& bytes = input_.copied();
      for (size_t done = 0; done < bytes.size();) {
        const ssize_t put = sys_.write(shared_.mirror.get(), bytes.data() + done,
                                       bytes.size() - done, {id_, sent_ + done, CallSide::kWithin});
        if (put <= 0) return {PumpEnd::kFailed, unmirrored(put)};
        done += static_cast<size_t>(put);
        shared_.mirrored.add(static_cast<uint64_t>(put));
      }
    }
    const ssize_t sent = input_.send_copied(out, sent_);
    if (sent <= 0) return without_output(sent);
    count_sent(sent);
    return {input_.copied().empty() ? PumpEnd::kBudget : PumpEnd::kOutputFull};
  }

  void count_sent(ssize_t sent) {
    sent_ += static_cast<uint64_t>(sent);
    delivered_.add(static_cast<uint64_t>(sent));
  }

  TeeShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  PipedInput input_;
  uint64_t sent_ = 0;
  // Pipes that end with data in them are closed, never pooled.
  std::optional<Pipe> main_;
  std::optional<Pipe> side_;
  size_t held_ = 0;       // bytes in the first pipe
  size_t teed_ = 0;       // of those, the ones at its head that the mirror has
  size_t side_held_ = 0;  // bytes in the second pipe, after a failure only
};

class TeeForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit TeeForwarder(const Settings& settings)
      : pipe_(settings.size("pipe")), path_(settings.text("mirror")) {}
  void run(ForwarderContext& context) override {
    TeeShared shared(context, pipe_, open_mirror(context.sys, path_), path_, mirrored_);
    shared_ = &shared;
    run_relay(context, *this);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"mirrored_bytes", &mirrored_}};
  }

 private:
  // A file or a device: what can be full of readers' making, such as a FIFO, could block the loop.
  static SysFd open_mirror(Sys& sys, const std::string& path) {
    SysFd fd(sys, sys.open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK));
    if (!fd) throw SystemError("open mirror", path, -fd.get());
    struct stat found {};
    if (fstat(fd.get(), &found) == 0 && (S_ISREG(found.st_mode) || S_ISCHR(found.st_mode))) {
      return fd;
    }
    throw SystemError("open mirror", path + " (neither a file nor a device)", EINVAL);
  }

  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<TeeFlow>(*shared_, id, delivered);
  }
  void release_spare() override { shared_->pool.clear(); }

  const size_t pipe_;
  const std::string path_;
  Counter mirrored_;
  TeeShared* shared_ = nullptr;  // while run() goes on
};

const Registered kSpliceTee({"splice-tee", make_of<TeeForwarder>});

}  // namespace

}  // namespace splicebench
