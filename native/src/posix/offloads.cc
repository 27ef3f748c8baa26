#include "posix/offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "posix/error.h"
#include "posix/fd.h"

namespace splicebench {
namespace {

class Interface {
 public:
  explicit Interface(const std::string& name)
      : name_(name), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (!socket_) throw SystemError("socket", "");
    if (name.empty() || name.size() >= IFNAMSIZ) throw SystemError("ethtool", name, ENODEV);
  }

  // `command` begins with the number of the ethtool command; the answer replaces it. errno or 0.
  int ask(void* command) const {
    ifreq request{};
    memcpy(request.ifr_name, name_.data(), name_.size());
    request.ifr_data = static_cast<char*>(command);
    return ioctl(socket_.get(), SIOCETHTOOL, &request) == -1 ? errno : 0;
  }

  void must(void* command) const {
    if (const int code = ask(command)) throw SystemError("ethtool", name_, code);
  }

 private:
  std::string name_;
  Fd socket_;
};

// Memory for a command with an array at its end, aligned for any of them.
class Command {
 public:
  explicit Command(size_t size) : words_((size + 7) / 8) {}
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(words_.data());
  }

 private:
  std::vector<uint64_t> words_;
};

// The names of all features; a feature's bit is its place here.
std::vector<std::string> feature_names(const Interface& interface) {
  Command info_memory(sizeof(ethtool_sset_info) + sizeof(uint32_t));
  auto* info = info_memory.as<ethtool_sset_info>();
  info->cmd = ETHTOOL_GSSET_INFO;
  info->sset_mask = 1ULL << ETH_SS_FEATURES;
  interface.must(info);
  const uint32_t count = info->sset_mask ? info->data[0] : 0;

  Command strings_memory(sizeof(ethtool_gstrings) + size_t{count} * ETH_GSTRING_LEN);
  auto* strings = strings_memory.as<ethtool_gstrings>();
  strings->cmd = ETHTOOL_GSTRINGS;
  strings->string_set = ETH_SS_FEATURES;
  strings->len = count;
  interface.must(strings);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < count; i++) {
    const char* text = reinterpret_cast<const char*>(strings->data) + size_t{i} * ETH_GSTRING_LEN;
    names.emplace_back(text, strnlen(text, ETH_GSTRING_LEN));
  }
  return names;
}

}  // namespace

Offloads read_offloads(const std::string& name) {
  const Interface interface(name);
  const std::vector<std::string> names = feature_names(interface);
  const size_t blocks = (names.size() + 31) / 32;
  Command memory(sizeof(ethtool_gfeatures) + blocks * sizeof(ethtool_get_features_block));
  auto* features = memory.as<ethtool_gfeatures>();
  features->cmd = ETHTOOL_GFEATURES;
  features->size = static_cast<uint32_t>(blocks);
  interface.must(features);
  const auto active = [&](std::string_view feature) {
    for (size_t i = 0; i < names.size(); i++)
      if (names[i] == feature) return (features->features[i / 32].active >> (i % 32) & 1) != 0;
    return false;
  };
  return {
      .tso = active("tx-tcp-segmentation"),
      .gso = active("tx-generic-segmentation"),
      .gro = active("rx-gro"),
      .tx_checksum = active("tx-checksum-ip-generic") || active("tx-checksum-ipv4"),
      .rx_checksum = active("rx-checksum"),
  };
}

void write_offloads(const std::string& name, const Offloads& wanted) {
  const Interface interface(name);
  const auto set = [&](uint32_t command, bool on) {
    ethtool_value value{.cmd = command, .data = on ? 1U : 0U};
    // What the interface refuses is for the caller to see, who reads back.
    const int code = interface.ask(&value);
    if (code != 0 && code != EOPNOTSUPP && code != EINVAL) throw SystemError("ethtool", name, code);
  };
  // Segmentation needs checksums: they come first.
  set(ETHTOOL_STXCSUM, wanted.tx_checksum);
  set(ETHTOOL_SRXCSUM, wanted.rx_checksum);
  set(ETHTOOL_STSO, wanted.tso);
  set(ETHTOOL_SGSO, wanted.gso);
  set(ETHTOOL_SGRO, wanted.gro);
}

}  // namespace splicebench
