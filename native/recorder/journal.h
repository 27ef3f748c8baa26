// Where calls are written to, and what is known of the descriptors they are about.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ring.h"

// The program is not to find any of this in place of something of its own.
#pragma GCC visibility push(hidden)
namespace splicebench::recorder {

// False when there is no ring: nothing was asked for, or it could not be made. Everything below may
// be called all the same and does nothing then. No function here changes errno, waits or takes
// memory.
bool recording();

// Nothing is known of it any more: it was just made, or is about to be closed.
void forget(int descriptor);

// What a program has the kernel tell it with the events of a descriptor; afterwards whose that is,
// or -1.
void watched(int descriptor, uint64_t data);
int watched_as(uint64_t data);

// Which kind it is, as far as it matters here; a socket that is not connected yet is unknown.
Kind kind_of(int descriptor);

// A call that took bytes from one descriptor and gave them to another; -1 = memory. Left out when
// neither is a TCP socket.
void moved(Call call, int from, int to, uint64_t asked, int64_t result, int error, uint16_t flags);

// A call about one TCP socket that moves nothing.
void noted(Call call, int descriptor, uint64_t asked, int64_t result, int error, uint16_t flags);

// A wait that ended.
void waited(int descriptor, uint64_t asked, int64_t result, int error);

// Bytes in a socket that nobody has read.
uint64_t unread(int descriptor);

}  // namespace splicebench::recorder
#pragma GCC visibility pop
