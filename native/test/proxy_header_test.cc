// The PROXY protocol header before the stream of an accepted connection: taken off where it is
// good, however it is cut into segments; refused where it is malformed, of another version, or
// missing.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "pipeline_support.h"

using namespace splicebench;
using namespace splicebench::testing;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;

std::string version_2(uint8_t command, uint8_t family, std::string_view body, size_t length) {
  std::string header(kSignature);
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(length >> 8);
  header += static_cast<char>(length & 0xff);
  header += body;
  return header;
}

std::string version_2(uint8_t command, uint8_t family, std::string_view body) {
  return version_2(command, family, body, body.size());
}

void put(int fd, std::string_view bytes) {
  CHECK(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

EndpointOptions listening(Prefix prefix) {
  EndpointOptions options = source(0);
  options.prefix = prefix;
  return options;
}

// An end that receives: what is behind the header is its stream, to the byte.
EndpointOptions receiving(Prefix prefix) {
  EndpointOptions options = listening(prefix);
  options.send = SendMode::kNone;
  options.receive = ReceiveMode::kBuffer;
  return options;
}

// `header` in pieces of `piece` bytes, the stream's first bytes in the last one.
void good(Prefix prefix, const std::string& header, size_t piece) {
  constexpr std::string_view kStream = "\r\nPROXY stream";
  Running to(receiving(prefix));
  const Fd peer = connect_to(to->address());
  set_nodelay(peer.get(), true);
  for (size_t at = 0; at < header.size(); at += piece) {
    CHECK(to->stats().received.get() == 0 && to->stats().established.get() == 0);
    const bool last = at + piece >= header.size();
    put(peer.get(), header.substr(at, piece) + std::string(last ? kStream : ""sv));
    if (!last) usleep(1000);
  }
  shutdown(peer.get(), SHUT_WR);
  to.join();
  CHECK(to->results()[0].orderly && to->results()[0].received == kStream.size());
  CHECK(to->stats().established.get() == 1 && to->stats().awaiting_prefix.get() == 0);
}

void bad(Prefix prefix, std::string_view header, int error) {
  Running to(receiving(prefix));
  const Fd peer = connect_to(to->address());
  if (!header.empty()) put(peer.get(), header);
  shutdown(peer.get(), SHUT_WR);
  to.join();
  const ConnectionResult& result = to->results()[0];
  CHECK(!result.orderly && result.error == error && result.received == 0);
  CHECK(to->stats().failed.get() == 1 && to->stats().established.get() == 0);
  CHECK(to->stats().awaiting_prefix.get() == 0);
}

// An end that sends: not a byte before the header has come.
void sends_behind_header() {
  EndpointOptions options = listening(Prefix::kProxyV1);
  options.bytes = 1000;
  Running from(std::move(options));
  const Fd peer = connect_to(from->address());
  CHECK(eventually([&] { return from->stats().awaiting_prefix.get() == 1; }));
  put(peer.get(), "PROXY UNK");
  usleep(20'000);
  CHECK(from->stats().sent.get() == 0 && from->stats().established.get() == 0);
  put(peer.get(), "NOWN\r\n");
  shutdown(peer.get(), SHUT_WR);
  from.join();
  CHECK(from->results()[0].orderly && from->results()[0].sent == 1000);
}

void good_ones(Cases& cases) {
  const std::string addresses(36, '\x01');
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'f') + "\r\n";
  CHECK(longest.size() == 107);
  for (const size_t piece : {size_t{1}, size_t{5}, size_t{16}, size_t{100'000}}) {
    const std::string name = " in pieces of " + std::to_string(piece);
    cases.run("version 1" + name, 20, [&] {
      good(Prefix::kProxyV1, "PROXY TCP4 10.0.0.1 192.168.0.11 56324 443\r\n", piece);
      good(Prefix::kProxyV1, "PROXY TCP6 ::1 2001:db8::2 0 65535\r\n", piece);
      good(Prefix::kProxyV1, "PROXY UNKNOWN\r\n", piece);
      good(Prefix::kProxyV1, longest, piece);
    });
    cases.run("version 2" + name, 20, [&] {
      good(Prefix::kProxyV2, version_2(0x21, 0x11, addresses.substr(0, 12)), piece);
      good(Prefix::kProxyV2, version_2(0x21, 0x21, addresses), piece);
      good(Prefix::kProxyV2, version_2(0x20, 0, ""), piece);
    });
  }
  cases.run("version 2 with 60,000 bytes behind the addresses", 20, [&] {
    good(Prefix::kProxyV2, version_2(0x21, 0x11, std::string(60'012, 'x')), 20'000);
  });
}

void malformed_ones() {
  constexpr std::string_view kLines[] = {
      "PROXY TCP4 10.0.0.1 192.168.0.11 56324\r\n",
      "PROXY TCP4 10.0.0.1 192.168.0.11 56324 443 1\r\n",
      "PROXY TCP4 10.0.0.1 192.168.0.11 56324 65536\r\n",
      "PROXY TCP4 10.0.0.1 192.168.0.11 056 443\r\n",
      "PROXY TCP4 10.0.0.256 192.168.0.11 56324 443\r\n",
      "PROXY TCP4 ::1 ::1 56324 443\r\n",
      "PROXY TCP6 10.0.0.1 192.168.0.11 56324 443\r\n",
      "PROXY TCP4  10.0.0.1 192.168.0.11 56324 443\r\n",
      "PROXY UDP4 10.0.0.1 192.168.0.11 56324 443\r\n",
      "PROXY \r\nthe stream",
      "PROXY UNKNOWN\n the stream",
      "PROXY TCP4 10.0.0.1",  // and the end
  };
  for (const std::string_view line : kLines) bad(Prefix::kProxyV1, line, EPROTO);
  bad(Prefix::kProxyV1, "PROXY UNKNOWN " + std::string(92, 'f') + "\r\n", EPROTO);
  const std::string addresses(12, '\x01');
  bad(Prefix::kProxyV2, version_2(0x11, 0x11, addresses), EPROTO);
  bad(Prefix::kProxyV2, version_2(0x22, 0x11, addresses), EPROTO);
  bad(Prefix::kProxyV2, version_2(0x21, 0x41, addresses), EPROTO);
  bad(Prefix::kProxyV2, version_2(0x21, 0x13, addresses), EPROTO);
  bad(Prefix::kProxyV2, version_2(0x21, 0x21, addresses), EPROTO);      // too few for IPv6
  bad(Prefix::kProxyV2, version_2(0x21, 0x11, addresses, 13), EPROTO);  // and the end
  bad(Prefix::kProxyV2, kSignature.substr(0, 5), EPROTO);
}

void missing_ones() {
  for (const Prefix prefix : {Prefix::kProxyV1, Prefix::kProxyV2}) {
    bad(prefix, "", ENOMSG);
    bad(prefix, "GET / HTTP/1.1\r\n\r\n", ENOMSG);
    bad(prefix, "x", ENOMSG);
  }
  bad(Prefix::kProxyV1, version_2(0x20, 0, ""), ENOMSG);
  bad(Prefix::kProxyV2, "PROXY UNKNOWN\r\n", ENOMSG);
}

// Nothing comes at all: it is waited for, and the end of the endpoint ends that.
void silence() {
  Running to(receiving(Prefix::kProxyV1));
  const Fd peer = connect_to(to->address());
  CHECK(eventually([&] { return to->stats().awaiting_prefix.get() == 1; }));
  to->stop_now();
  to.join();
  CHECK(!to->results()[0].orderly && to->results()[0].error == ECANCELED);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  good_ones(cases);
  cases.run("malformed", 20, malformed_ones);
  cases.run("missing", 20, missing_ones);
  cases.run("silence", 20, silence);
  cases.run("sends behind the header", 20, sends_behind_header);
  return cases.finish();
}
