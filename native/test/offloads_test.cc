// Offloads of interfaces: the loopback has some, and what is not there says so.

#include "posix/offloads.h"

#include "posix/error.h"
#include "testing.h"

using namespace splicebench;

namespace {

int code_of_reading(const std::string& name) {
  try {
    read_offloads(name);
    return 0;
  } catch (const SystemError& error) {
    return error.code();
  }
}

}  // namespace

int main() {
  // Loopback coalesces and needs no checksums, in every namespace.
  const Offloads found = read_offloads("lo");
  CHECK(found.tso);
  CHECK(found.gso);
  CHECK(found.tx_checksum);
  CHECK(code_of_reading("no-such-one") == ENODEV);
  CHECK(code_of_reading("") == ENODEV);
  CHECK(code_of_reading("a-name-that-is-too-long-for-linux") == ENODEV);
  try {
    write_offloads("no-such-one", found);
    CHECK(false);
  } catch (const SystemError& error) {
    // Without the privilege the kernel does not even look for it.
    CHECK(error.code() == ENODEV || error.code() == EPERM);
  }
  printf("offloads_test: %s\n", testing::failures ? "FAILED" : "ok");
  return testing::failures != 0;
}
