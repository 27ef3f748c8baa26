// The registry's defaults of every mechanism, which has none of its own.
#pragma once

#include <string>

#include "forward/settings.h"

namespace splicebench::testing {

// As words: `buffer=1048576 more=false`; empty for a name that is none.
std::string shipped_words(const std::string& mechanism);
// The same as settings; without settings for a name that is none.
Settings shipped_settings(const std::string& mechanism);
// Adds words as `chunk=4096 more`: a flag that stands alone is true, a number is a size.
void read_settings(const std::string& words, Settings& settings);

}  // namespace splicebench::testing
