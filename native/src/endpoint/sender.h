// How an endpoint sends one stream.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "endpoint/page_memory.h"
#include "posix/fd.h"
#include "stream/content.h"

namespace splicebench {

class Sender {
 public:
  virtual ~Sender() = default;
  // Hands the stream's bytes from `offset` on to the socket, at most `most`. Returns the bytes the
  // socket took, or -errno (-EAGAIN: it is full).
  virtual ssize_t send(int fd, uint64_t offset, uint64_t most) = 0;
  // Bytes of the stream written over so far, in senders that do so (faults/overwriting.h).
  virtual uint64_t overwritten() const { return 0; }
  // Writes over what has been handed over, where a sender is for that.
  virtual void overwrite() {}
};

// Which stream a sender sends.
struct SentStream {
  uint64_t seed = 0;
  uint32_t connection = 0;
  Direction direction = Direction::kDown;
};

// Makes the sender of one stream's first `length` bytes. Throws SystemError or std::runtime_error.
using SenderMaker = std::function<std::unique_ptr<Sender>(
    const SentStream& stream, std::shared_ptr<const Content> content, uint64_t length)>;

// A buffer that the senders of one loop share, with whose bytes it holds: what a full socket did
// not take need not be made again while no other connection used the buffer.
struct SendBuffer {
  explicit SendBuffer(size_t size) : bytes(size) {}
  std::vector<uint8_t> bytes;
  const void* owner = nullptr;
  uint64_t offset = 0;
  size_t filled = 0;
};

// Makes the bytes in `buffer` on the fly and sends them. `buffer` outlives the sender.
std::unique_ptr<Sender> make_content_sender(std::shared_ptr<const Content> content,
                                            uint32_t connection, Direction direction,
                                            SendBuffer& buffer);

// Fills the buffer with the beginning of a stream, for make_buffer_sender.
void fill_once(SendBuffer& buffer, const Content& content);
// Sends what the buffer was filled with, over and over: the cost of plain sends and of nothing
// else, where nothing looks at the contents. `buffer` outlives the sender.
std::unique_ptr<Sender> make_buffer_sender(const SendBuffer& buffer);

// Pages prepared once and given to sockets by reference, to take the source out of the way where
// nothing looks at the contents. They sit in a pipe, and each send takes another reference to them
// with tee: no copy, and unlike vmsplice no look-up of user pages each time. Shared by all
// connections of a loop, which costs none of them a descriptor; never written again.
class PreparedPages {
 public:
  // Throws SystemError, or std::runtime_error where the pages are not of the kind.
  explicit PreparedPages(const Content& content, PageKind kind = PageKind::kDefault);
  PreparedPages(const PreparedPages&) = delete;
  PreparedPages& operator=(const PreparedPages&) = delete;
  // As Sender::send. What a socket did not take goes to the one that is served next.
  ssize_t send(int fd, uint64_t most);
  // As large as a usual L2 cache, so that a copying forwarder does not read from its L1.
  static constexpr size_t kSize = size_t{1} << 20;
  // What they are as long as they are sent: the pipe holds them where they lie.
  const PageFacts& facts() const { return facts_; }

 private:
  struct Pipe {
    Fd read;
    Fd write;
  };
  static Pipe make_pipe();

  PageMemory memory_;
  PageFacts facts_;
  Pipe pages_;
  Pipe next_;        // references to the pages, on their way to a socket
  size_t held_ = 0;  // bytes in next_
};
// From the pages, whatever the offset. `pages` outlive the sender.
std::unique_ptr<Sender> make_prepared_sender(PreparedPages& pages);

// The file's bytes by sendfile. Throws SystemError.
std::unique_ptr<Sender> make_file_sender(const std::string& path);

}  // namespace splicebench
