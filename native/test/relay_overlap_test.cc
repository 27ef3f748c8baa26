// A segment of which a part is new, as a retransmission may bring it: recv and splice begin where
// that part does. A program of a sockmap is shown the whole of it, which is asserted so that a
// kernel without that is noticed; sockmap-paced cuts it.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// Options of a segment, by their numbers (RFC 9293, 7323, 2018).
constexpr uint32_t kMaximumSegmentSize = 2;
constexpr uint32_t kWindowScale = 3;
constexpr uint32_t kSelectiveAcknowledgements = 4;
constexpr int kSegment = 32'767;  // the most that TCP_MAXSEG allows
// Queues of TCP_REPAIR_QUEUE; glibc and the kernel have an enumeration each, of which only one can
// be included.
constexpr int kReceiveQueue = 1;
constexpr int kSendQueue = 2;

template <typename T>
void set_tcp(const Fd& fd, int option, const T& value) {
  CHECK(setsockopt(fd.get(), IPPROTO_TCP, option, &value, sizeof(value)) == 0);
}

template <typename T>
T get_tcp(const Fd& fd, int option) {
  T value{};
  socklen_t size = sizeof(value);
  CHECK(getsockopt(fd.get(), IPPROTO_TCP, option, &value, &size) == 0);
  return value;
}

uint32_t next_sequence(const Fd& fd, int queue) {
  set_tcp(fd, TCP_REPAIR_QUEUE, queue);
  return get_tcp<uint32_t>(fd, TCP_QUEUE_SEQ);
}

void set_next_sequence(const Fd& fd, int queue, uint32_t value) {
  set_tcp(fd, TCP_REPAIR_QUEUE, queue);
  set_tcp(fd, TCP_QUEUE_SEQ, value);
}

bool all_acknowledged(const Fd& fd) {
  return eventually([&] { return get_tcp<tcp_info>(fd, TCP_INFO).tcpi_unacked == 0; });
}

// The same connection in a new socket that believes to have sent `back` bytes less. The old one is
// closed without a word to its peer: TCP_REPAIR is for programs that are moved between hosts.
Fd step_back(Fd old, const Address& peer, uint32_t back) {
  const Address own = local_address(old.get());
  const auto info = get_tcp<tcp_info>(old, TCP_INFO);
  set_tcp(old, TCP_REPAIR, int{TCP_REPAIR_ON});
  const uint32_t to_receive = next_sequence(old, kReceiveQueue);
  const uint32_t to_send = next_sequence(old, kSendQueue);
  auto window = get_tcp<tcp_repair_window>(old, TCP_REPAIR_WINDOW);
  old.reset();

  Fd fd(socket(own.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  CHECK(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0);
  set_tcp(fd, TCP_MAXSEG, kSegment);  // or else it would be 536, whatever is repaired later
  set_tcp(fd, TCP_REPAIR, int{TCP_REPAIR_ON});
  set_next_sequence(fd, kReceiveQueue, to_receive);
  set_next_sequence(fd, kSendQueue, to_send - back);
  const auto address = [](const Address& a) {
    return reinterpret_cast<const sockaddr*>(&a.storage);
  };
  CHECK(bind(fd.get(), address(own), own.size) == 0);
  CHECK(connect(fd.get(), address(peer), peer.size) == 0);
  const uint32_t scales = uint32_t{info.tcpi_snd_wscale} | uint32_t{info.tcpi_rcv_wscale} << 16;
  for (const tcp_repair_opt& negotiated :
       {tcp_repair_opt{kMaximumSegmentSize, uint32_t{kSegment}},
        tcp_repair_opt{kWindowScale, scales}, tcp_repair_opt{kSelectiveAcknowledgements, 0}}) {
    set_tcp(fd, TCP_REPAIR_OPTIONS, negotiated);
  }
  window.snd_wl1 = window.rcv_wup = to_receive;
  set_tcp(fd, TCP_REPAIR_WINDOW, window);
  set_tcp(fd, TCP_REPAIR, int{TCP_REPAIR_OFF_NO_WP});
  return fd;
}

// Bytes that are sent first; of these, from their end, bytes that are sent again, in a segment with
// new ones.
struct Overlap {
  size_t first;
  size_t again;
  size_t fresh;
};
constexpr Overlap kOverlaps[] = {{1000, 500, 500}, {1000, 1000, 1}, {30'000, 30'000, 1'000}};
// One segment, and more than any overlap: reading that twice sets the kernel's place in the stream
// ahead, so that less would wait, unannounced, for the end of the stream.
constexpr size_t kRest = 32'000;

struct Outcome {
  Peer upstream;
  size_t sent;
  uint64_t cut;
  std::string trouble;
};

uint64_t cut_bytes(const Relay& relay) {
  uint64_t bytes = 0;
  for (const auto& [name, counter] : relay.details()) {
    if (name == "cut_bytes") bytes = counter->get();
  }
  return bytes;
}

// The stream ends when `doubled` bytes more than it has have arrived: the end would have a sockmap
// lose what is on its way.
Outcome overlapping(const std::string& mechanism, const Overlap& overlap, size_t doubled) {
  const Fd listener = listen_upstream();
  const auto relay = start_relay(mechanism, local_address(listener.get()));
  Ends ends = open_ends(*relay, listener.get(), 7);
  ends.upstream.writing = false;
  Fd& client = ends.client.fd;
  const size_t second = overlap.first + overlap.fresh;
  std::vector<uint8_t> bytes(second + kRest);
  pattern_fill(ends.client.send_seed, 0, bytes.data(), bytes.size());
  const auto put = [&](size_t from, size_t to) {
    CHECK(send(client.get(), bytes.data() + from, to - from, MSG_NOSIGNAL) ==
          static_cast<ssize_t>(to - from));
    CHECK(all_acknowledged(client));
  };
  put(0, overlap.first);
  drive({&ends.upstream}, 0, [&] { return ends.upstream.received == overlap.first; });
  client = step_back(std::move(client), relay->address(), static_cast<uint32_t>(overlap.again));
  put(overlap.first - overlap.again, second);
  put(second, bytes.size());
  drive({&ends.upstream}, 5000, [&] { return ends.upstream.received >= bytes.size() + doubled; });
  end_sending(ends.client);
  read_to_end(ends.upstream);
  ends.client.fd.reset();
  ends.upstream.fd.reset();
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
  return {std::move(ends.upstream), bytes.size(), cut_bytes(*relay), relay->stats().trouble.text()};
}

void is_whole(const std::string& mechanism) {
  for (const Overlap& overlap : kOverlaps) {
    const Outcome outcome = overlapping(mechanism, overlap, 0);
    CHECK(outcome.upstream.intact(outcome.sent));
    CHECK(outcome.trouble.empty());
    if (mechanism == "sockmap-paced") CHECK(outcome.cut == overlap.again);
  }
}

void is_doubled(const std::string& mechanism) {
  for (const Overlap& overlap : kOverlaps) {
    const Outcome outcome = overlapping(mechanism, overlap, overlap.again);
    CHECK(outcome.upstream.eof && outcome.upstream.equal == overlap.first);
    CHECK(outcome.upstream.received == outcome.sent + overlap.again);
  }
}

void is_reset(const std::string& mechanism) {
  for (const Overlap& overlap : kOverlaps) {
    const Outcome outcome = overlapping(mechanism, overlap, overlap.again);
    CHECK(!outcome.upstream.eof && outcome.upstream.error == ECONNRESET);
    CHECK(outcome.trouble.find("delivered twice") != std::string::npos);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = TCP_REPAIR_ON;
  if (setsockopt(probe.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == -1) {
    testing::unavailable("overlapping segments", "TCP_REPAIR needs root");
    return cases.finish();
  }
  for (const std::string& mechanism : relay_mechanisms()) {
    cases.run(mechanism + ": is whole", 20, [&] { is_whole(mechanism); });
  }
  if (!available({"sockmap"}).empty()) {
    cases.run("sockmap: is doubled", 20, [] { is_doubled("sockmap"); });
    for (const std::string mechanism : {"sockmap flags=ingress", "sockmap-paced cut=false"}) {
      cases.run(mechanism + ": is reset", 20, [&] { is_reset(mechanism); });
    }
  }
  return cases.finish();
}
