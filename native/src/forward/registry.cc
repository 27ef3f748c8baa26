#include "forward/forwarder.h"

namespace splicebench {

// One line per mechanism; each is defined in the file of its name.
std::unique_ptr<Forwarder> make_poc();
std::unique_ptr<Forwarder> make_splice();
std::unique_ptr<Forwarder> make_copy();
std::unique_ptr<Forwarder> make_copy_adaptive();
std::unique_ptr<Forwarder> make_zerocopy();
std::string zerocopy_unavailable();
std::unique_ptr<Forwarder> make_vmsplice();
std::unique_ptr<Forwarder> make_splice_tee();
std::unique_ptr<Forwarder> make_file_source();
std::unique_ptr<Forwarder> make_file_sink();
std::unique_ptr<Forwarder> make_sockmap();
std::unique_ptr<Forwarder> make_sockmap_paced();
std::string sockmap_unavailable();
std::unique_ptr<Forwarder> make_faulty();  // lab/faulty.cc
std::unique_ptr<Forwarder> make_uring_copy();
std::string uring_copy_unavailable();
std::unique_ptr<Forwarder> make_uring_zerocopy();
std::string uring_zerocopy_unavailable();
std::unique_ptr<Forwarder> make_uring_splice();
std::string uring_splice_unavailable();

const std::vector<ForwarderEntry>& forwarder_registry() {
  static const std::vector<ForwarderEntry> kRegistry = {
      {"poc", "the 2008 report's loop: select, one 64 KiB pipe, one connection", make_poc},
      {"splice", "socket to pipe to socket, epoll, pooled pipes", make_splice},
      {"copy", "recv and send through a buffer, epoll", make_copy},
      {"copy-adaptive", "copy whose buffer follows what arrives", make_copy_adaptive},
      {"zerocopy", "recv, and send with MSG_ZEROCOPY", make_zerocopy, zerocopy_unavailable},
      {"vmsplice", "recv, and splice out the pages received into", make_vmsplice},
      {"splice-tee", "splice with a mirror through tee", make_splice_tee},
      {"file-source", "copied into a file, sent from it by sendfile or splice", make_file_source},
      {"file-sink", "spliced into a file, sent from it by sendfile", make_file_sink},
      {"sockmap", "redirected in the kernel by a BPF program; loses what it holds at the end",
       make_sockmap, sockmap_unavailable},
      {"sockmap-paced", "sockmap with a bounded backlog, drained before the end",
       make_sockmap_paced, sockmap_unavailable},
      {"faulty", "copies, with one fault on purpose: for trying what is seen of it", make_faulty},
      {"uring-copy", "multishot receive and ordered sends through io_uring", make_uring_copy,
       uring_copy_unavailable},
      {"uring-zerocopy", "multishot receive and zero-copy sends through io_uring",
       make_uring_zerocopy, uring_zerocopy_unavailable},
      {"uring-splice", "linked splices through io_uring, socket to pipe to socket",
       make_uring_splice, uring_splice_unavailable},
  };
  return kRegistry;
}

const ForwarderEntry* find_forwarder(std::string_view name) {
  for (const ForwarderEntry& entry : forwarder_registry()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace splicebench
