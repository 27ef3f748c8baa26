#include "journal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace splicebench::recorder {
namespace {

constexpr size_t kRecords = size_t{1} << 16;
constexpr int kDescriptors = 1 << 16;

// What is known of a descriptor. Written without a lock: two threads that look at once find the
// same.
struct Known {
  Kind kind;
  uint16_t local_port;
  uint32_t peer;
  uint64_t received;
  uint64_t sent;
  uint64_t watched;
};

Header* header = nullptr;
Record* records = nullptr;
Known known[kDescriptors];
// The descriptor that was last watched with data of that hash; checked before it is believed.
uint16_t watchers[kDescriptors];
// A copy, since the program may change its environment.
char folder[3800];
thread_local uint32_t thread __attribute__((tls_model("initial-exec")));

class KeepErrno {
 public:
  KeepErrno() : kept_(errno) {}
  ~KeepErrno() { errno = kept_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  const int kept_;
};

uint64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return uint64_t{1000000000} * time.tv_sec + time.tv_nsec;
}

// The names of ports differ from one family to the next.
uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohs(((const sockaddr_in&)address).sin_port);
  return ntohs(((const sockaddr_in6&)address).sin6_port);
}

Known look(int descriptor) {
  const KeepErrno keep;
  Known found{Kind::kOther, 0, 0, 0, 0, 0};
  struct stat status;
  if (fstat(descriptor, &status) != 0) return found;
  if (S_ISFIFO(status.st_mode)) {
    found.kind = Kind::kPipe;
    found.peer = static_cast<uint32_t>(status.st_ino);
    return found;
  }
  if (!S_ISSOCK(status.st_mode)) return found;
  sockaddr_storage own, peer;
  socklen_t size = sizeof(own);
  if (getsockname(descriptor, (sockaddr*)&own, &size) != 0) return found;
  int type = 0;
  socklen_t type_size = sizeof(type);
  getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_size);
  if (type != SOCK_STREAM || (own.ss_family != AF_INET && own.ss_family != AF_INET6)) return found;
  size = sizeof(peer);
  // It listens, or its connection is not established yet, or is gone.
  if (getpeername(descriptor, (sockaddr*)&peer, &size) != 0) {
    found.kind = Kind::kUnknown;
    return found;
  }
  found.kind = Kind::kTcp;
  found.local_port = port_of(own);
  found.peer = port_of(peer);
  return found;
}

uint16_t hash_of(uint64_t data) {
  return static_cast<uint16_t>((data * 0x9e3779b97f4a7c15) >> 48);
}

Known* known_of(int descriptor) {
  if (descriptor < 0 || descriptor >= kDescriptors) return nullptr;
  Known& one = known[descriptor];
  if (one.kind == Kind::kUnknown) {
    const uint64_t watched = one.watched;
    one = look(descriptor);
    one.watched = watched;
  }
  return &one;
}

End end_of(int descriptor, const Known* one) {
  if (one == nullptr) return {-1, Kind::kUnknown, 0, 0, 0};
  return {descriptor, one->kind, 0, one->local_port, one->peer};
}

bool is_tcp(const Known* one) {
  return one != nullptr && one->kind == Kind::kTcp;
}

void write(Record record, int64_t result, int error) {
  const uint64_t number = __atomic_fetch_add(&header->next, 1, __ATOMIC_RELAXED);
  if (number >= __atomic_load_n(&header->last, __ATOMIC_RELAXED)) return;
  if (thread == 0) thread = static_cast<uint32_t>(syscall(SYS_gettid));
  Record& slot = records[number & (kRecords - 1)];
  __atomic_store_n(&slot.written, 0, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  record.time_ns = now_ns();
  record.result = result < 0 ? -error : result;
  record.thread = thread;
  record.written = 0;
  slot = record;
  __atomic_store_n(&slot.written, number + 1, __ATOMIC_RELEASE);
}

// The whole file is given its place on the disk first: a mapped page without one would end the
// program.
void* map_file(size_t bytes) {
  char path[sizeof(folder) + 32];
  snprintf(path, sizeof(path), "%s/calls.%d", folder, static_cast<int>(getpid()));
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return nullptr;
  void* at = MAP_FAILED;
  if (posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0) {
    at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  if (at == MAP_FAILED) unlink(path);
  close(file);
  return at == MAP_FAILED ? nullptr : at;
}

void begin() {
  const KeepErrno keep;
  header = nullptr;
  thread = 0;
  void* at = map_file(kHeaderBytes + kRecords * sizeof(Record));
  if (at == nullptr) return;
  auto* made = static_cast<Header*>(at);
  records = reinterpret_cast<Record*>(static_cast<char*>(at) + kHeaderBytes);
  made->header_bytes = kHeaderBytes;
  made->record_bytes = sizeof(Record);
  made->capacity = kRecords;
  made->next = 0;
  made->last = kNoLast;
  made->pid = static_cast<uint32_t>(getpid());
  made->start_ns = now_ns();
  __atomic_store_n(&made->magic, kMagic, __ATOMIC_RELEASE);
  header = made;
}

__attribute__((constructor(101))) void start() {
  const char* asked = getenv("SPLICEBENCH_CALLS");
  if (asked == nullptr || strlen(asked) >= sizeof(folder)) return;
  strcpy(folder, asked);
  begin();
  // A child has a ring of its own; what its parent knows of descriptors still holds.
  pthread_atfork(nullptr, nullptr, begin);
}

}  // namespace

bool recording() {
  return header != nullptr;
}

void forget(int descriptor) {
  if (descriptor >= 0 && descriptor < kDescriptors) known[descriptor] = {};
}

void watched(int descriptor, uint64_t data) {
  if (descriptor < 0 || descriptor >= kDescriptors) return;
  known[descriptor].watched = data;
  watchers[hash_of(data)] = static_cast<uint16_t>(descriptor);
}

int watched_as(uint64_t data) {
  const int descriptor = watchers[hash_of(data)];
  return known[descriptor].watched == data ? descriptor : -1;
}

Kind kind_of(int descriptor) {
  const Known* one = known_of(descriptor);
  return one == nullptr ? Kind::kOther : one->kind;
}

void moved(Call call, int from, int to, uint64_t asked, int64_t result, int error, uint16_t flags) {
  if (header == nullptr) return;
  Known* source = known_of(from);
  Known* sink = known_of(to);
  if (!is_tcp(source) && !is_tcp(sink)) return;
  Record record{};
  record.asked = asked;
  record.call = call;
  record.flags = flags;
  record.from = end_of(from, source);
  record.to = end_of(to, sink);
  uint64_t* count = is_tcp(source) ? &source->received : &sink->sent;
  record.offset = result > 0 ? __atomic_fetch_add(count, result, __ATOMIC_RELAXED)
                             : __atomic_load_n(count, __ATOMIC_RELAXED);
  write(record, result, error);
}

void noted(Call call, int descriptor, uint64_t asked, int64_t result, int error, uint16_t flags) {
  if (header == nullptr) return;
  Known* one = known_of(descriptor);
  if (!is_tcp(one)) return;
  Record record{};
  record.asked = asked;
  record.call = call;
  record.flags = flags;
  record.from = end_of(descriptor, one);
  record.to = end_of(-1, nullptr);
  record.offset = __atomic_load_n(&one->received, __ATOMIC_RELAXED);
  write(record, result, error);
}

void waited(int descriptor, uint64_t asked, int64_t result, int error) {
  if (header == nullptr) return;
  Record record{};
  record.asked = asked;
  record.call = Call::kWait;
  record.from = {descriptor, Kind::kOther, 0, 0, 0};
  record.to = end_of(-1, nullptr);
  write(record, result, error);
}

uint64_t unread(int descriptor) {
  const KeepErrno keep;
  int bytes = 0;
  return ioctl(descriptor, SIOCINQ, &bytes) == 0 && bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

}  // namespace splicebench::recorder
