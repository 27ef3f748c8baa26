// file-sink and file-source: every stream goes through a file, as the 2008 report tried.
//
// file-sink takes the bytes from the input into the file by splice and sends them by sendfile;
// file-source copies them into the file and sends them by sendfile or by splice. A forwarder that
// stores and forwards is the definition under which the bytes can still be compared end to end.
//
// Sending from a file hands the socket references to the file's pages. Whoever writes a page again,
// truncates it or punches a hole into it while the receiver has not read it changes what is
// received: a hole is made by zeroing where a folio is larger than the hole. So a file is written
// once, front to end; when kSegment bytes are in it another is begun, and it is closed, and gone,
// as soon as no flow has bytes in it. The files have no name. Disk use: at most one segment for
// each flow with bytes under way. A disk that is full fails the session that met it.

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "forward/flow.h"
#include "forward/pipe.h"
#include "forward/piped_input.h"
#include "posix/error.h"

namespace splicebench {
namespace {

constexpr size_t kSegment = size_t{8} << 20;
constexpr size_t kMostAtOnce = size_t{1} << 20;  // bytes of one flow in its file
constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

// A file without a name, in a folder; a negative errno when there can be none.
int open_nameless(Sys& sys, const std::string& folder) {
  const int fd = sys.open(folder.c_str(), O_TMPFILE | O_RDWR);
  if (fd != -EOPNOTSUPP && fd != -EISDIR) return fd;
  // A file system that has no O_TMPFILE.
  std::string path = folder + "/splicebench-XXXXXX";
  const int named = mkostemp(path.data(), O_CLOEXEC);
  if (named < 0) return -errno;
  unlink(path.c_str());
  return named;
}

// A file that is written from the front to the end; closed with the last who holds it.
class Segment {
 public:
  explicit Segment(SysFd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }
  off_t end() const { return end_; }
  void grow(size_t size) { end_ += static_cast<off_t>(size); }

 private:
  SysFd fd_;
  off_t end_ = 0;
};

struct FileWay {
  bool splice_in;
  bool splice_out;
  size_t pipe;
  std::string folder;
};

struct FileShared {
  FileShared(ForwarderContext& context, const FileWay& w, Counter& s)
      : sys(context.sys),
        stats(context.stats),
        way(w),
        segments(s),
        pool(sys, stats, way.pipe),
        buffer(way.splice_in ? size_t{64} << 10 : kMostAtOnce) {
    SysFd fd(sys, open_nameless(sys, way.folder));
    if (!fd) throw SystemError("open a file in", way.folder, -fd.get());
    current = std::make_shared<Segment>(std::move(fd));
    segments.add(1);
  }

  // The file to write to. Where no further one can be opened the old one grows on.
  const std::shared_ptr<Segment>& segment() {
    if (current->end() < static_cast<off_t>(kSegment)) return current;
    SysFd fd(sys, open_nameless(sys, way.folder));
    if (!fd) return current;
    current = std::make_shared<Segment>(std::move(fd));
    segments.add(1);
    return current;
  }

  Sys& sys;
  ForwarderStats& stats;
  const FileWay way;
  Counter& segments;
  PipePool pool;
  std::vector<uint8_t> buffer;
  std::shared_ptr<Segment> current;
};

class FileFlow final : public Flow {
 public:
  FileFlow(FileShared& shared, uint32_t id, Counter& delivered)
      : shared_(shared), sys_(shared.sys), id_(id), delivered_(delivered), input_(sys_, id) {}
  FileFlow(const FileFlow&) = delete;
  FileFlow& operator=(const FileFlow&) = delete;

  bool holds_data() const override { return piped_ != 0 || stored_ != 0; }
  void note_urgent() override { input_.note_urgent(); }

  PumpResult pump(int in, int out, size_t budget) override {
    const PumpResult result = move(in, out, budget);
    if (piped_ == 0 && !broken_) shared_.pool.give_back_empty(pipe_);
    if (stored_ == 0) segment_.reset();
    return result;
  }

 private:
  PumpResult move(int in, int out, size_t budget) {
    for (size_t taken = 0; taken < budget;) {
      if (!holds_data()) {
        const ssize_t got = store(in);
        if (got <= 0) return without_input(got);
        taken += static_cast<size_t>(got);
      }
      const ssize_t sent = serve(out);
      if (sent <= 0) return without_output(sent);
      sent_ += static_cast<uint64_t>(sent);
      delivered_.add(static_cast<uint64_t>(sent));
    }
    return {PumpEnd::kBudget};
  }

  // Input to file. Bytes stored, 0 at the end of the stream, or a negative errno.
  ssize_t store(int in) {
    segment_ = shared_.segment();
    at_ = segment_->end();
    if (shared_.way.splice_in && take_pipe()) {
      const std::optional<ssize_t> got = input_.fill(in, *pipe_, kMostAtOnce, kFlags);
      if (got) return *got > 0 ? pipe_to_file(static_cast<size_t>(*got)) : *got;
    }
    std::vector<uint8_t>& buffer = shared_.buffer;
    const ssize_t got = input_.take(in, buffer.data(), buffer.size());
    if (got <= 0) return got;
    for (size_t done = 0; done < static_cast<size_t>(got);) {
      const ssize_t put =
          sys_.pwrite(segment_->fd(), buffer.data() + done, static_cast<size_t>(got) - done,
                      segment_->end(), {id_, written_, CallSide::kWithin});
      if (put <= 0) return not_stored(put);
      done += stored(put);
    }
    return got;
  }

  ssize_t pipe_to_file(size_t size) {
    broken_ = true;  // until the pipe is empty again
    for (size_t done = 0; done < size;) {
      off_t end = segment_->end();
      const ssize_t put = sys_.splice_to_file(pipe_->read.get(), segment_->fd(), &end, size - done,
                                              SPLICE_F_MOVE, {id_, written_, CallSide::kWithin});
      if (put <= 0) return not_stored(put);
      done += stored(put);
    }
    broken_ = false;
    return static_cast<ssize_t>(size);
  }

  // The file took nothing, or answered with an error: the negative errno, said with its folder.
  ssize_t not_stored(ssize_t result) {
    const ssize_t error = result == 0 ? -EIO : result;
    shared_.stats.trouble.note("write a file in", shared_.way.folder, static_cast<int>(-error));
    return error;
  }

  size_t stored(ssize_t put) {
    const auto size = static_cast<size_t>(put);
    segment_->grow(size);
    stored_ += size;
    written_ += size;
    return size;
  }

  // File to output, as send would answer.
  ssize_t serve(int out) {
    if (piped_ == 0 && !(shared_.way.splice_out && take_pipe())) {
      const ssize_t sent =
          sys_.sendfile(out, segment_->fd(), &at_, stored_, {id_, sent_, CallSide::kOut});
      if (sent > 0) stored_ -= static_cast<size_t>(sent);
      return sent;
    }
    if (piped_ == 0) {
      const ssize_t got = sys_.splice_from_file(segment_->fd(), &at_, pipe_->write.get(), stored_,
                                                kFlags, {id_, sent_, CallSide::kWithin});
      if (got <= 0) return got == 0 || got == -EAGAIN ? -EIO : got;
      piped_ = static_cast<size_t>(got);
      stored_ -= piped_;
    }
    const ssize_t sent =
        sys_.splice(pipe_->read.get(), out, piped_, kFlags, {id_, sent_, CallSide::kOut});
    if (sent > 0) piped_ -= static_cast<size_t>(sent);
    return sent;
  }

  bool take_pipe() {
    if (!pipe_) pipe_ = shared_.pool.take();
    return pipe_.has_value();
  }

  FileShared& shared_;
  Sys& sys_;
  uint32_t id_;
  Counter& delivered_;
  PipedInput input_;
  uint64_t written_ = 0;  // to files
  uint64_t sent_ = 0;
  std::shared_ptr<Segment> segment_;  // while it holds bytes of this flow
  off_t at_ = 0;                      // of the first of them
  size_t stored_ = 0;                 // how many
  std::optional<Pipe> pipe_;
  size_t piped_ = 0;     // bytes in the pipe, on their way out
  bool broken_ = false;  // the pipe holds bytes that could not be stored
};

class FileForwarder final : public Forwarder, private FlowFactory {
 public:
  explicit FileForwarder(FileWay way) : way_(std::move(way)) {}

  void run(ForwarderContext& context) override {
    FileShared shared(context, way_, segments_);
    shared_ = &shared;
    run_relay(context, *this);
  }
  std::vector<std::pair<std::string_view, const Counter*>> details() const override {
    return {{"files", &segments_}};
  }

 private:
  std::unique_ptr<Flow> open(uint32_t id, Counter& delivered) override {
    return std::make_unique<FileFlow>(*shared_, id, delivered);
  }
  void release_spare() override { shared_->pool.clear(); }

  const FileWay way_;
  Counter segments_;
  FileShared* shared_ = nullptr;  // while run() goes on
};

std::unique_ptr<Forwarder> make_sink(const Settings& settings) {
  return std::make_unique<FileForwarder>(FileWay{.splice_in = true,
                                                 .splice_out = false,
                                                 .pipe = settings.size("pipe"),
                                                 .folder = settings.text("dir")});
}

std::unique_ptr<Forwarder> make_source(const Settings& settings) {
  const bool splice_out = settings.mode<bool>("via", {{"sendfile", false}, {"splice", true}});
  return std::make_unique<FileForwarder>(FileWay{.splice_in = false,
                                                 .splice_out = splice_out,
                                                 .pipe = settings.size("pipe"),
                                                 .folder = settings.text("dir")});
}

const Registered kFileSource({"file-source", make_source});
const Registered kFileSink({"file-sink", make_sink});

}  // namespace

}  // namespace splicebench
