// Senders of small segments over many sockets: pipes without a free slot. Nothing is lost, and
// every stream ends.
#include "relay_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

// Segments of 1 to 1500 bytes over many sockets, one from each in turn: each takes a slot of the
// pipe, however small, so that pipes are full of slots long before they are full of bytes.
void small_segments(const std::string& mechanism, size_t size, unsigned connections, uint64_t bytes,
                    size_t most) {
  const Fd listener = listen_upstream();
  const auto relay =
      start_relay(mechanism, local_address(listener.get()), {.pipe = size, .buffer = size});
  std::vector<Ends> all;
  std::vector<Peer*> peers;
  for (unsigned i = 0; i < connections; ++i) {
    all.push_back(open_ends(*relay, listener.get(), 100 + i));
    for (Peer* peer : {&all.back().client, &all.back().upstream}) {
      set_nodelay(peer->fd.get(), true);
      peer->to_send = bytes;
      peer->send_low = 1;
      peer->send_high = most;
      peer->reading = false;
    }
  }
  for (Ends& ends : all) {
    peers.push_back(&ends.client);
    peers.push_back(&ends.upstream);
  }
  // First without a reader, so that segments pile up.
  drive(peers, 100);
  for (Peer* peer : peers) peer->reading = true;
  drive(peers);
  for (const Peer* peer : peers) CHECK(peer->intact(bytes));
  CHECK(eventually([&] { return relay->stats().open.get() == 0; }));
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  const uint64_t segments = argument(argc, argv, "--segment-kib", 300) << 10;
  for (const std::string& mechanism : relay_mechanisms()) {
    for (const size_t size : {size_t{700}, size_t{4096}, size_t{0}}) {
      const std::string sized = ", size " + std::to_string(size);
      // A pipe of a page is full after one segment, the default one after 256 of them.
      const uint64_t bytes = size == 0 ? segments : segments / 3;
      cases.run(mechanism + ": segments up to 1500" + sized, 60,
                [&] { small_segments(mechanism, size, 24, bytes, 1500); });
      cases.run(mechanism + ": segments of one byte" + sized, 60,
                [&] { small_segments(mechanism, size, 8, bytes / 50, 1); });
    }
  }
  return cases.finish();
}
