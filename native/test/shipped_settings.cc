#include "shipped_settings.h"

#include <map>
#include <sstream>

namespace splicebench::testing {

std::string shipped_words(const std::string& mechanism) {
  static const std::map<std::string, std::string> kShipped = {
#include "shipped_settings.inc"
  };
  const auto found = kShipped.find(mechanism);
  return found == kShipped.end() ? "" : found->second;
}

Settings shipped_settings(const std::string& mechanism) {
  Settings settings;
  read_settings(shipped_words(mechanism), settings);
  // Empty in the registry: the host's folder for temporary files.
  if (settings.has("dir")) settings.set("dir", std::string("/tmp"));
  return settings;
}

void read_settings(const std::string& words, Settings& settings) {
  std::istringstream stream(words);
  std::string word;
  while (stream >> word) {
    const size_t split = word.find('=');
    const std::string value = split == std::string::npos ? "true" : word.substr(split + 1);
    const std::string name = word.substr(0, split);
    if (value == "true" || value == "false") {
      settings.set(name, value == "true");
    } else if (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos) {
      settings.set(name, std::stod(value));
    } else {
      settings.set(name, value);
    }
  }
}

}  // namespace splicebench::testing
