// How an endpoint receives one stream.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "stream/check.h"

namespace splicebench {

class Receiver {
 public:
  virtual ~Receiver() = default;
  // Takes what the socket has, at most one buffer and at most `most`. Returns bytes, 0 at end of
  // stream, or -errno (-EAGAIN: nothing now).
  virtual ssize_t receive(int fd, uint64_t most) = 0;
  // The checker, when this receiver has one.
  virtual Checker* checker() { return nullptr; }
};

// Compares every byte. `buffer` is shared by the loop and outlives the receiver.
std::unique_ptr<Receiver> make_checking_receiver(std::shared_ptr<const Content> content,
                                                 const Checker::Options& options,
                                                 std::vector<uint8_t>& buffer);
// Takes the bytes into the buffer and does not look at them: what a program that receives pays.
std::unique_ptr<Receiver> make_buffer_receiver(std::vector<uint8_t>& buffer);
// Drops the bytes in the kernel (MSG_TRUNC): they are counted, never copied.
std::unique_ptr<Receiver> make_discarding_receiver();
// Writes the bytes to a descriptor, blocking. -EPIPE when its reader has gone.
std::unique_ptr<Receiver> make_output_receiver(int output, std::vector<uint8_t>& buffer);

}  // namespace splicebench
