#include "forward/settings.h"

#include <stdexcept>

namespace splicebench {

void Settings::merge(const Settings& others) {
  for (const auto& [name, option] : others.values_) values_[name] = {option.value};
}

template <typename T>
const T& Settings::take(std::string_view name, const char* kind) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    throw std::runtime_error("option '" + std::string(name) + "' is missing");
  }
  const T* value = std::get_if<T>(&found->second.value);
  if (!value) throw std::runtime_error("option '" + std::string(name) + "': expected " + kind);
  found->second.taken = true;
  return *value;
}

size_t Settings::size(std::string_view name) const {
  const double value = take<double>(name, "a number");
  // 2^53: beyond it a number from JavaScript is no longer whole for certain.
  if (value >= 0 && value <= 9007199254740992.0) return static_cast<size_t>(value);
  throw std::runtime_error("option '" + std::string(name) + "': expected 0 to 2^53");
}

bool Settings::flag(std::string_view name) const {
  return take<bool>(name, "true or false");
}

const std::string& Settings::text(std::string_view name) const {
  return take<std::string>(name, "text");
}

void Settings::refuse_mode(std::string_view name, const std::string& word,
                           const std::string& known) {
  throw std::runtime_error("option '" + std::string(name) + "': no mode '" + word + "', only " +
                           known);
}

void Settings::refuse_rest() const {
  for (const auto& [name, option] : values_) {
    if (!option.taken) throw std::runtime_error("no option '" + name + "'");
  }
}

}  // namespace splicebench
