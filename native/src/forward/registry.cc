#include <algorithm>
#include <stdexcept>

#include "forward/forwarder.h"

namespace splicebench {
namespace {

// Made at its first use, which may be before anything of this file is.
std::vector<ForwarderEntry>& entries() {
  static std::vector<ForwarderEntry> all;
  return all;
}

}  // namespace

Registered::Registered(const ForwarderEntry& entry) {
  const auto by_name = [](const ForwarderEntry& a, const ForwarderEntry& b) {
    return a.name < b.name;
  };
  entries().insert(std::upper_bound(entries().begin(), entries().end(), entry, by_name), entry);
}

const std::vector<ForwarderEntry>& forwarder_registry() {
  return entries();
}

const ForwarderEntry* find_forwarder(std::string_view name) {
  for (const ForwarderEntry& entry : entries()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::unique_ptr<Forwarder> make_forwarder(const std::string& mechanism, const Settings& settings) {
  const ForwarderEntry* entry = find_forwarder(mechanism);
  if (!entry) throw std::runtime_error("no mechanism '" + mechanism + "'");
  try {
    std::unique_ptr<Forwarder> forwarder = entry->make(settings);
    settings.refuse_rest();
    return forwarder;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(mechanism + ": " + error.what());
  }
}

}  // namespace splicebench
