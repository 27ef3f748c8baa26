// The calls that stand before the C library's: each does what was asked by the library's own
// function, and writes down what came of it. Preloaded (LD_PRELOAD) into programs that are not
// ours, so nothing here may fail, wait, or leave errno other than the call left it.
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "journal.h"

namespace {

using namespace splicebench::recorder;

// The function of that name that would have been called without us. Looked up at the first call:
// other libraries' constructors may come before ours.
template <typename Function>
Function* next(Function*& kept, const char* name) {
  Function* found = __atomic_load_n(&kept, __ATOMIC_RELAXED);
  if (found == nullptr) {
    found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
    __atomic_store_n(&kept, found, __ATOMIC_RELAXED);
  }
  return found;
}

uint64_t sum(const iovec* parts, int count) {
  uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return bytes;
}

uint64_t sum(const msghdr* message) {
  return sum(message->msg_iov, static_cast<int>(message->msg_iovlen));
}

// What is only looked at is not taken.
ssize_t received(Call call, int fd, uint64_t asked, ssize_t got, int flags) {
  if ((flags & MSG_PEEK) == 0) {
    moved(call, fd, -1, asked, got, errno, static_cast<uint16_t>(flags));
  }
  return got;
}

ssize_t sent(Call call, int fd, uint64_t asked, ssize_t got, int flags) {
  moved(call, -1, fd, asked, got, errno, static_cast<uint16_t>(flags));
  return got;
}

// A socket that is written to is not the one that an earlier descriptor of that number was.
int made(int fd) {
  forget(fd);
  return fd;
}

int epolled(int fd, const epoll_event* events, int most, int got) {
  const int error = errno;
  waited(fd, most, got, error);
  for (int i = 0; i < got; ++i) {
    const int ready = watched_as(events[i].data.u64);
    noted(Call::kEvent, ready, 0, got, 0, static_cast<uint16_t>(events[i].events));
  }
  errno = error;
  return got;
}

int polled(const pollfd* fds, nfds_t count, int got) {
  const int error = errno;
  waited(-1, count, got, error);
  for (nfds_t i = 0; got > 0 && i < count; ++i) {
    if (fds[i].revents == 0) continue;
    noted(Call::kEvent, fds[i].fd, 0, got, 0, static_cast<uint16_t>(fds[i].revents));
  }
  errno = error;
  return got;
}

int selected(int count, const fd_set* in, const fd_set* out, int got) {
  const int error = errno;
  waited(-1, count, got, error);
  for (int fd = 0; got > 0 && fd < count; ++fd) {
    const int events = (in != nullptr && FD_ISSET(fd, in) ? POLLIN : 0) |
                       (out != nullptr && FD_ISSET(fd, out) ? POLLOUT : 0);
    if (events != 0) noted(Call::kEvent, fd, 0, got, 0, static_cast<uint16_t>(events));
  }
  errno = error;
  return got;
}

}  // namespace

// NEXT(read) is the library's read.
#define NEXT(name)                 \
  ([] {                            \
    static decltype(::name)* kept; \
    return next(kept, #name);      \
  }())

extern "C" {

ssize_t read(int fd, void* buffer, size_t size) {
  return received(Call::kRead, fd, size, NEXT(read)(fd, buffer, size), 0);
}
ssize_t readv(int fd, const iovec* parts, int count) {
  return received(Call::kReadv, fd, sum(parts, count), NEXT(readv)(fd, parts, count), 0);
}
ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return received(Call::kRecv, fd, size, NEXT(recv)(fd, buffer, size, flags), flags);
}
ssize_t recvfrom(int fd, void* __restrict buffer, size_t size, int flags,
                 sockaddr* __restrict address, socklen_t* __restrict length) {
  const ssize_t got = NEXT(recvfrom)(fd, buffer, size, flags, address, length);
  return received(Call::kRecv, fd, size, got, flags);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  const uint64_t asked = sum(message);
  return received(Call::kRecvmsg, fd, asked, NEXT(recvmsg)(fd, message, flags), flags);
}

ssize_t write(int fd, const void* buffer, size_t size) {
  return sent(Call::kWrite, fd, size, NEXT(write)(fd, buffer, size), 0);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return sent(Call::kWritev, fd, sum(parts, count), NEXT(writev)(fd, parts, count), 0);
}
ssize_t send(int fd, const void* buffer, size_t size, int flags) {
  return sent(Call::kSend, fd, size, NEXT(send)(fd, buffer, size, flags), flags);
}
ssize_t sendto(int fd, const void* buffer, size_t size, int flags, const sockaddr* address,
               socklen_t length) {
  const ssize_t got = NEXT(sendto)(fd, buffer, size, flags, address, length);
  return sent(Call::kSend, fd, size, got, flags);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return sent(Call::kSendmsg, fd, sum(message), NEXT(sendmsg)(fd, message, flags), flags);
}

ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, size_t size, unsigned flags) {
  const ssize_t got = NEXT(splice)(from, from_at, to, to_at, size, flags);
  moved(Call::kSplice, from, to, size, got, errno, static_cast<uint16_t>(flags));
  return got;
}
ssize_t sendfile(int to, int from, off_t* at, size_t size) {
  const ssize_t got = NEXT(sendfile)(to, from, at, size);
  moved(Call::kSendfile, -1, to, size, got, errno, 0);
  return got;
}
ssize_t sendfile64(int to, int from, off64_t* at, size_t size) {
  const ssize_t got = NEXT(sendfile64)(to, from, at, size);
  moved(Call::kSendfile, -1, to, size, got, errno, 0);
  return got;
}

int shutdown(int fd, int how) {
  const int got = NEXT(shutdown)(fd, how);
  const int error = errno;
  noted(Call::kShutdown, fd, 0, got, error, static_cast<uint16_t>(how));
  errno = error;
  return got;
}
int close(int fd) {
  // Before the call: afterwards the number may be another's.
  if (recording() && kind_of(fd) == Kind::kTcp) noted(Call::kClose, fd, unread(fd), 0, 0, 0);
  forget(fd);
  return NEXT(close)(fd);
}

int socket(int family, int type, int protocol) {
  return made(NEXT(socket)(family, type, protocol));
}
int accept(int fd, sockaddr* __restrict address, socklen_t* __restrict length) {
  return made(NEXT(accept)(fd, address, length));
}
int accept4(int fd, sockaddr* __restrict address, socklen_t* __restrict length, int flags) {
  return made(NEXT(accept4)(fd, address, length, flags));
}
int pipe(int ends[2]) __THROW {
  const int got = NEXT(pipe)(ends);
  if (got == 0) forget(ends[0]), forget(ends[1]);
  return got;
}
int pipe2(int ends[2], int flags) __THROW {
  const int got = NEXT(pipe2)(ends, flags);
  if (got == 0) forget(ends[0]), forget(ends[1]);
  return got;
}

int epoll_ctl(int fd, int what, int watched_fd, epoll_event* event) __THROW {
  // Before the call: the first event may come to another thread before it has returned.
  if (what != EPOLL_CTL_DEL && event != nullptr) watched(watched_fd, event->data.u64);
  return NEXT(epoll_ctl)(fd, what, watched_fd, event);
}
int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  return epolled(fd, events, most, NEXT(epoll_wait)(fd, events, most, timeout));
}
int epoll_pwait(int fd, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  return epolled(fd, events, most, NEXT(epoll_pwait)(fd, events, most, timeout, mask));
}
int poll(pollfd* fds, nfds_t count, int timeout) {
  return polled(fds, count, NEXT(poll)(fds, count, timeout));
}
int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return polled(fds, count, NEXT(ppoll)(fds, count, timeout, mask));
}
int select(int count, fd_set* __restrict in, fd_set* __restrict out, fd_set* __restrict urgent,
           timeval* __restrict timeout) {
  return selected(count, in, out, NEXT(select)(count, in, out, urgent, timeout));
}

// What programs call that were compiled with checks of their buffers (_FORTIFY_SOURCE).
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
int __poll_chk(pollfd*, nfds_t, int, size_t);

ssize_t __read_chk(int fd, void* buffer, size_t size, size_t room) {
  return received(Call::kRead, fd, size, NEXT(__read_chk)(fd, buffer, size, room), 0);
}
ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t room, int flags) {
  return received(Call::kRecv, fd, size, NEXT(__recv_chk)(fd, buffer, size, room, flags), flags);
}
ssize_t __recvfrom_chk(int fd, void* buffer, size_t size, size_t room, int flags, sockaddr* address,
                       socklen_t* length) {
  const ssize_t got = NEXT(__recvfrom_chk)(fd, buffer, size, room, flags, address, length);
  return received(Call::kRecv, fd, size, got, flags);
}
int __poll_chk(pollfd* fds, nfds_t count, int timeout, size_t room) {
  return polled(fds, count, NEXT(__poll_chk)(fds, count, timeout, room));
}

}  // extern "C"
