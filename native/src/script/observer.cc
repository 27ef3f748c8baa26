#include "script/observer.h"

#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "posix/error.h"

namespace splicebench {
namespace {

// How long the kernel may take to answer: it does so within the call.
constexpr timeval kAnswer{1, 0};

Fd diag_socket(const std::string& network) {
  const InNamespace inside(network);
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) throw SystemError("socket", "NETLINK_SOCK_DIAG");
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswer, sizeof kAnswer);
  return fd;
}

// Puts an address into the request; the kernel compares mapped addresses as IPv4.
void put_address(const Address& address, __be32* out, __be16* port) {
  if (address.family() == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    memcpy(out, &six->sin6_addr, 16);
    *port = six->sin6_port;
    return;
  }
  const auto* four = reinterpret_cast<const sockaddr_in*>(&address.storage);
  out[0] = four->sin_addr.s_addr;
  *port = four->sin_port;
}

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

Request request_for(const SocketName& name, uint32_t sequence) {
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_seq = sequence;
  request.body.sdiag_family = static_cast<__u8>(name.local.family());
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
  request.body.idiag_states = ~0u;
  put_address(name.local, request.body.id.idiag_src, &request.body.id.idiag_sport);
  put_address(name.remote, request.body.id.idiag_dst, &request.body.id.idiag_dport);
  request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

SocketState state_from(const inet_diag_msg& message, size_t size) {
  SocketState state;
  state.known = true;
  state.state = message.idiag_state;
  state.unread = message.idiag_rqueue;
  state.unacked = message.idiag_wqueue;
  const auto* attribute = reinterpret_cast<const rtattr*>(&message + 1);
  auto left = static_cast<int>(size - sizeof message);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != INET_DIAG_INFO) continue;
    tcp_info info{};
    memcpy(&info, RTA_DATA(attribute), std::min<size_t>(sizeof info, RTA_PAYLOAD(attribute)));
    // Both counts of the receiving side hold the end of stream as one byte, once it has come.
    state.taken =
        info.tcpi_bytes_received - std::min<uint64_t>(state.unread, info.tcpi_bytes_received);
    state.given = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes;
  }
  return state;
}

SocketName reversed(const SocketName& name) {
  return {name.remote, name.local};
}

// An end of stream that was read counts as a byte taken; less than that is nothing held.
uint64_t held(const SocketState& from, const SocketState& to) {
  if (!from.known || !to.known || from.taken <= to.given + 1) return 0;
  return from.taken - to.given;
}

}  // namespace

InNamespace::InNamespace(const std::string& path) {
  if (path.empty()) return;
  Fd other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!other) throw SystemError("open", path);
  own_ = Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own_) throw SystemError("open", "/proc/thread-self/ns/net");
  if (setns(other.get(), CLONE_NEWNET) == -1) throw SystemError("setns", path);
}

InNamespace::~InNamespace() {
  // A thread that cannot go home would make its next sockets elsewhere: there is nothing to go on
  // with.
  if (own_ && setns(own_.get(), CLONE_NEWNET) == -1) abort();
}

QueueObserver::QueueObserver(const std::string& client, const std::string& forwarder,
                             const std::string& server)
    : client_(diag_socket(client)),
      forwarder_(diag_socket(forwarder)),
      server_(diag_socket(server)) {}

SocketState QueueObserver::ask(int fd, const SocketName& name) {
  const Request request = request_for(name, ++sequence_);
  if (send(fd, &request, sizeof request, 0) == -1) return {};
  alignas(nlmsghdr) char buffer[4096];
  for (;;) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return {};
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer);
    if (header->nlmsg_seq != sequence_) continue;  // an answer that came too late
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) return {};
    return state_from(*static_cast<const inet_diag_msg*>(NLMSG_DATA(header)),
                      static_cast<size_t>(got) - NLMSG_HDRLEN);
  }
}

Queues QueueObserver::look(const ConversationNames& names) {
  const std::lock_guard lock(mutex_);
  Queues queues;
  queues[kClient] = ask(client_.get(), names.client);
  queues[kServer] = ask(server_.get(), names.server);
  if (names.direct) return queues;
  queues[kAccepted] = ask(forwarder_.get(), reversed(names.client));
  queues[kConnected] = ask(forwarder_.get(), reversed(names.server));
  return queues;
}

uint64_t held_up(const Queues& queues) {
  return held(queues[kAccepted], queues[kConnected]);
}
uint64_t held_down(const Queues& queues) {
  return held(queues[kConnected], queues[kAccepted]);
}

}  // namespace splicebench
