// Sources that hand memory to the kernel by reference and then write over it, which is what a zero-
// copy path must not meet and a copying one does not notice. What they write are the stamps of a
// decoy of the same trial, so that the checker must name them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "endpoint/sender.h"

namespace splicebench {

// How bytes are handed to the socket.
enum class Handover : uint8_t {
  kSend,        // copied: writing over them later changes nothing
  kVmsplice,    // user pages into a pipe, the pipe into the socket
  kGift,        // the same with SPLICE_F_GIFT
  kSendfile,    // page cache of a file
  kSpliceFile,  // the same through a pipe
  kZerocopy,    // MSG_ZEROCOPY
};
std::optional<Handover> handover_named(std::string_view name);

// Senders that send a stream from one memory, or file in memory, that they keep; overwrite() then
// writes over everything handed over behind the prologue.
SenderMaker overwriting_senders(Handover handover);

// Senders that send by vmsplice, and writes over one page of each `every` while it is in the pipe,
// at a place in the stretch that the seed decides. So the incidence is exact, and does not depend
// on who is faster. Memory is fresh for each piece: no page is used again while a socket refers to
// it. Incomplete stretches at the end are left alone; 0 = none is written over.
SenderMaker graded_senders(uint64_t every);
inline constexpr uint64_t kGradedPage = 4096;

// Whether this host's kernel takes references at all, seen without the checker: a stream over a
// loopback connection in one thread, written over before anything of it is read.
struct HandoverProbe {
  uint64_t overwritten = 0;  // bytes written over
  uint64_t changed = 0;      // of those, bytes that arrived changed
};
HandoverProbe probe_handover(Handover handover);

}  // namespace splicebench
