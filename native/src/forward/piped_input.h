// The input of a flow between which and its output stands a pipe. It is spliced into the pipe, or
// copied where that cannot be done: behind an urgent byte, and where no pipe can be had.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "forward/pipe.h"

namespace splicebench {

class PipedInput {
 public:
  PipedInput(Sys& sys, uint32_t id) : sys_(sys), id_(id) {}

  void note_urgent() { urgent_ = true; }

  // Fills an empty pipe: bytes, 0 at the end of the stream, or a negative errno, of which -EAGAIN
  // says that nothing is there now. nullopt: that only a copy can tell.
  std::optional<ssize_t> fill(int in, const Pipe& pipe, size_t most, unsigned flags);
  // The same for a pipe that holds bytes, where 0 and -EAGAIN say nothing of the input.
  ssize_t fill_further(int in, const Pipe& pipe, size_t most, unsigned flags);
  // By recv, into memory of whoever asks. The result is as fill's.
  ssize_t take(int in, void* memory, size_t size);

  // One buffer's worth by recv, kept until it is sent. The result is as fill's.
  ssize_t copy(int in);
  const std::vector<uint8_t>& copied() const { return copied_; }
  // Sends of what was copied as much as the output takes; `sent` is where its stream stands. Bytes,
  // or a negative errno.
  ssize_t send_copied(int out, uint64_t sent);

 private:
  Sys& sys_;
  uint32_t id_;
  uint64_t received_ = 0;
  bool urgent_ = false;  // an urgent byte was reported and may still be there
  std::vector<uint8_t> copied_;
};

}  // namespace splicebench
