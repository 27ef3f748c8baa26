// Asks the kernel by sock_diag what is in the queues of the four sockets of a connection, each in
// the network namespace that it is in. Answers are exact for each socket, taken one after another.
//
// What a forwarder holds itself follows from what it has read from one socket and written to the
// other, both of which the kernel counts: nothing is inferred from what the ends did.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "posix/fd.h"
#include "posix/socket.h"
#include "script/step.h"

namespace splicebench {

// One socket by its two addresses.
struct SocketName {
  Address local;
  Address remote;
};
// Whose addresses: of the client's socket and of the server's. The forwarder's are theirs reversed.
struct ConversationNames {
  SocketName client;
  SocketName server;
  bool direct = false;  // no forwarder: the client is connected to the server
};

class QueueObserver {
 public:
  // Paths of network namespaces ("" = the calling thread's). Throws SystemError.
  QueueObserver(const std::string& client, const std::string& forwarder, const std::string& server);
  // From any thread.
  Queues look(const ConversationNames& names);

 private:
  SocketState ask(int fd, const SocketName& name);

  std::mutex mutex_;
  Fd client_, forwarder_, server_;
  uint32_t sequence_ = 0;
};

// Bytes that the forwarder has read and not yet written, in both directions.
uint64_t held_up(const Queues& queues);
uint64_t held_down(const Queues& queues);

// The calling thread is in another namespace as long as this lives. "" = stays where it is.
class InNamespace {
 public:
  explicit InNamespace(const std::string& path);
  ~InNamespace();
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;

 private:
  Fd own_;
};

}  // namespace splicebench
