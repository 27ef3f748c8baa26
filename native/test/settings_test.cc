// What a mechanism is told is complete and known, or it is refused in words: no mechanism has
// defaults of its own.
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "forward/forwarder.h"
#include "shipped_settings.h"
#include "testing.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// What the mechanism says against the settings; empty = it takes them.
std::string refusal(const std::string& mechanism, const Settings& settings) {
  try {
    make_forwarder(mechanism, settings);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

// Each option as a word. The seed of the faulty forwarder is its trial's, not the registry's.
std::vector<std::string> words_of(const std::string& mechanism) {
  std::istringstream stream(shipped_words(mechanism));
  std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
  if (mechanism == "faulty") words.push_back("seed=a");
  return words;
}

Settings settings_of(const std::vector<std::string>& words) {
  Settings settings;
  for (const std::string& word : words) read_settings(word, settings);
  return settings;
}

void refuses(const std::string& mechanism) {
  const std::vector<std::string> words = words_of(mechanism);
  CHECK(!words.empty());
  CHECK(refusal(mechanism, settings_of(words)).empty());
  Settings more = settings_of(words);
  more.set("pipes", 4096.0);
  CHECK(refusal(mechanism, more) == mechanism + ": no option 'pipes'");
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string name = words[i].substr(0, words[i].find('='));
    std::vector<std::string> less = words;
    less.erase(less.begin() + static_cast<ptrdiff_t>(i));
    CHECK(refusal(mechanism, settings_of(less)) ==
          mechanism + ": option '" + name + "' is missing");
    // A size below zero is none, and nothing else takes a number.
    Settings wrong = settings_of(words);
    wrong.set(name, -1.0);
    CHECK(refusal(mechanism, wrong).starts_with(mechanism + ": option '" + name + "': expected "));
  }
}

void refuses_mode(const std::string& mechanism, const std::string& option,
                  const std::string& modes) {
  Settings settings = settings_of(words_of(mechanism));
  settings.set(option, std::string("rot13"));
  CHECK(refusal(mechanism, settings) ==
        mechanism + ": option '" + option + "': no mode 'rot13', only " + modes);
}

}  // namespace

int main() {
  for (const ForwarderEntry& entry : forwarder_registry()) refuses(std::string(entry.name));
  refuses_mode("file-source", "via", "sendfile, splice");
  refuses_mode("sockmap", "flags", "egress, ingress");
  refuses_mode("poc", "two-chunks", "as-it-comes, force, prevent");
  refuses_mode("faulty", "direction", "download, upload, both");
  CHECK(refusal("splise", {}) == "no mechanism 'splise'");
  printf("settings_test: %s\n", failures == 0 ? "ok" : "FAILED");
  return failures == 0 ? 0 : 1;
}
