// What a mechanism is told, by the names of its options in a scenario.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace splicebench {

// Every option of the mechanism, each with its value: defaults are the registry's in TypeScript,
// and native code has none. A mechanism takes its settings when it is made; what is missing, of
// another kind, or no mode is refused there, and so is what it did not take. All refusals are
// std::runtime_error, in words that name the option.
class Settings {
 public:
  using Value = std::variant<double, bool, std::string>;

  void set(const std::string& name, Value value) { values_[name] = {std::move(value)}; }
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  // Takes over all of the others; theirs replace those of the same name.
  void merge(const Settings& others);

  // A number of bytes, or of anything that is counted.
  size_t size(std::string_view name) const;
  bool flag(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  // What one of a few words stands for.
  template <typename T>
  T mode(std::string_view name, std::initializer_list<std::pair<std::string_view, T>> modes) const {
    const std::string& word = text(name);
    std::string known;
    for (const auto& [each, meaning] : modes) {
      if (each == word) return meaning;
      known += (known.empty() ? "" : ", ") + std::string(each);
    }
    refuse_mode(name, word, known);
  }
  // Throws for one that nobody took: the mechanism has no such option.
  void refuse_rest() const;

 private:
  struct Option {
    Value value;
    mutable bool taken = false;
  };
  template <typename T>
  const T& take(std::string_view name, const char* kind) const;
  [[noreturn]] static void refuse_mode(std::string_view name, const std::string& word,
                                       const std::string& known);

  std::map<std::string, Option, std::less<>> values_;
};

}  // namespace splicebench
