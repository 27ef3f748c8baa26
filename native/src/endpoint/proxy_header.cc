#include "endpoint/proxy_header.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

namespace splicebench {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr size_t kShortestLine = "PROXY UNKNOWN\r\n"sv.size();
constexpr size_t kLongestLine = 107;  // with its CRLF

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr size_t kFixed = 16;  // signature, version and command, family and protocol, length
// Bytes of the two addresses by family: unspecified, IPv4, IPv6, Unix.
constexpr std::array<size_t, 4> kAddressBytes = {0, 12, 36, 216};
constexpr unsigned kLastProtocol = 2;  // unspecified, stream, datagram

constexpr size_t kMostAtOnce = 4096;

unsigned byte_at(std::string_view text, size_t at) {
  return static_cast<uint8_t>(text[at]);
}

std::string_view signature_of(Prefix version) {
  return version == Prefix::kProxyV1 ? kText : kSignature;
}

// Of the version 2 header whose fixed part is there: what follows it.
size_t length_of(std::string_view header) {
  return byte_at(header, 14) << 8 | byte_at(header, 15);
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return false;
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port <= 65535;
}

bool is_address(int family, std::string_view text) {
  in6_addr ignored;
  return inet_pton(family, std::string(text).c_str(), &ignored) == 1;
}

// What stands between "PROXY " and the end of the line.
bool is_line(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at <= line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  // Whatever follows is to be ignored.
  if (words[0] == "UNKNOWN") return true;
  if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6")) return false;
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  return is_address(family, words[1]) && is_address(family, words[2]) && is_port(words[3]) &&
         is_port(words[4]);
}

bool is_fixed_part(std::string_view header) {
  const unsigned version = byte_at(header, 12) >> 4;
  const unsigned command = byte_at(header, 12) & 0xf;
  if (version != 2 || command > 1) return false;
  if (command == 0) return true;  // LOCAL: family and addresses are to be ignored
  const unsigned family = byte_at(header, 13) >> 4;
  const unsigned protocol = byte_at(header, 13) & 0xf;
  return family < kAddressBytes.size() && protocol <= kLastProtocol &&
         length_of(header) >= kAddressBytes[family];
}

}  // namespace

int ProxyHeader::read(int fd) {
  std::array<char, kMostAtOnce> buffer;
  for (size_t left = missing(); left > 0; left = missing()) {
    const ssize_t got = recv(fd, buffer.data(), std::min(left, buffer.size()), 0);
    if (got == -1) return -errno;
    if (got == 0) return seen_.empty() ? -ENOMSG : -EPROTO;
    seen_.append(buffer.data(), static_cast<size_t>(got));
    if (const int error = fault(); error != 0) return -error;
  }
  return 0;
}

size_t ProxyHeader::missing() const {
  if (version_ == Prefix::kNone) return 0;
  if (version_ == Prefix::kProxyV1) {
    if (seen_.size() < kShortestLine) return kShortestLine - seen_.size();
    return seen_.ends_with(kLineEnd) ? 0 : 1;
  }
  const size_t whole = seen_.size() < kFixed ? kFixed : kFixed + length_of(seen_);
  return whole - seen_.size();
}

int ProxyHeader::fault() const {
  const std::string_view signature = signature_of(version_);
  const size_t compared = std::min(seen_.size(), signature.size());
  if (seen_.compare(0, compared, signature, 0, compared) != 0) return ENOMSG;
  if (version_ == Prefix::kProxyV2) {
    return seen_.size() < kFixed || is_fixed_part(seen_) ? 0 : EPROTO;
  }
  const size_t end = seen_.find(kLineEnd);
  if (end == std::string::npos) return seen_.size() < kLongestLine ? 0 : EPROTO;
  // In the first bytes, which are read together, it may stand before the last.
  if (end < kText.size() || end + kLineEnd.size() != seen_.size()) return EPROTO;
  const std::string_view line(seen_);
  return is_line(line.substr(kText.size(), end - kText.size())) ? 0 : EPROTO;
}

}  // namespace splicebench
