// What the io_uring mechanisms say where the kernel refuses them: each denial is made by a seccomp
// filter in a child process, and the reason has to name it.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "denial.h"
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// What a child says that was denied something; nullopt when nothing could be denied.
std::optional<std::string> reason_without(const ForwarderEntry& entry,
                                          const std::function<bool()>& denial) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    if (!denial()) _exit(2);
    const std::string reason = entry.unavailable();
    const auto size = static_cast<ssize_t>(reason.size());
    _exit(write(ends[1], reason.data(), reason.size()) == size ? 0 : 1);
  }
  close(ends[1]);
  char text[512];
  const ssize_t got = read(ends[0], text, sizeof(text));
  close(ends[0]);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return std::nullopt;
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return std::string(text, got > 0 ? static_cast<size_t>(got) : 0);
}

struct Denial {
  const char* name;
  int call;
  int error;
  int64_t second;  // argument, or -1
  const char* said;
  const char* only = nullptr;  // the one mechanism that this takes something from
};

// Numbers of io_uring_register: probe 8, limits of workers 19, buffer ring 22.
constexpr Denial kDenials[] = {
    {"no such call", SYS_io_uring_setup, ENOSYS, -1,
     "the kernel has no io_uring, or a seccomp filter hides it"},
    {"forbidden", SYS_io_uring_setup, EPERM, -1, "io_uring is "},
    {"too many files", SYS_io_uring_setup, EMFILE, -1, "io_uring_setup: EMFILE"},
    {"no probe", SYS_io_uring_register, EINVAL, 8,
     "the kernel lacks the probe of io_uring's operations (Linux 5.6)"},
    {"no buffer rings", SYS_io_uring_register, EINVAL, 22,
     "the kernel lacks rings of provided buffers (Linux 5.19)", "uring-copy"},
    {"no limits of workers", SYS_io_uring_register, EINVAL, 19,
     "the kernel lacks limits for io_uring's workers (Linux 5.15)", "uring-splice"},
};

void denied(const ForwarderEntry& entry, const Denial& denial) {
  const auto reason =
      reason_without(entry, [&] { return deny(denial.call, denial.error, denial.second); });
  if (!reason) return unavailable(std::string(entry.name), "no seccomp filter here");
  if (reason->rfind(denial.said, 0) != 0) {
    fprintf(stderr, "%s: said: %s\n", std::string(entry.name).c_str(), reason->c_str());
    CHECK(!"the reason names what was denied");
  }
}

// The reason here; and asking leaves nothing behind.
void asking_leaves_nothing(const ForwarderEntry& entry) {
  const size_t before = open_descriptors();
  const std::string reason = entry.unavailable();
  CHECK(open_descriptors() == before);
  if (!reason.empty()) unavailable(std::string(entry.name), reason);
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  for (const char* name : {"uring-copy", "uring-zerocopy", "uring-splice"}) {
    const ForwarderEntry* entry = find_forwarder(name);
    CHECK(entry && entry->unavailable);
    if (!entry || !entry->unavailable) break;
    cases.run(std::string(name) + ": asking leaves nothing", 20,
              [&] { asking_leaves_nothing(*entry); });
    if (!entry->unavailable().empty()) continue;  // denied already
    for (const Denial& denial : kDenials) {
      if (denial.only && denial.only != std::string(name)) continue;
      cases.run(std::string(name) + ": " + denial.name, 20, [&] { denied(*entry, denial); });
    }
  }
  return cases.finish();
}
