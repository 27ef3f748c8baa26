// What endpoints send, seen by raw sockets: stamps, zeros, files, prepared pages.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipeline_support.h"

using namespace splicebench;
using namespace splicebench::testing;

namespace {

std::vector<uint8_t> everything_from(const Address& address) {
  std::vector<uint8_t> bytes;
  const Fd fd = connect_to(address);
  fcntl(fd.get(), F_SETFL, 0);
  uint8_t part[65536];
  for (ssize_t got; (got = recv(fd.get(), part, sizeof(part), 0)) > 0;) {
    bytes.insert(bytes.end(), part, part + got);
  }
  return bytes;
}

// What is sent, seen without any of the checker's code: stamps by the portable engine.
void stamps_on_the_wire() {
  Running from(source(1'000'003));
  const std::vector<uint8_t> bytes = everything_from(from->address());
  CHECK(bytes.size() == 1'000'003);
  std::vector<uint8_t> expected(bytes.size());
  stamp_engines().back()->fill(StampKey(42), 0, Direction::kDown, 0, expected.data(),
                               expected.size());
  CHECK(bytes == expected);
}

// One connection after another, each over before the next: each has its own stamps.
void stamps_of_successors() {
  Running from(source(4096, 50));
  std::vector<uint8_t> expected(4096);
  for (uint32_t i = 0; i < 50; ++i) {
    stamp_engines().back()->fill(StampKey(42), i, Direction::kDown, 0, expected.data(), 4096);
    CHECK(everything_from(from->address()) == expected);
  }
  from.join();
}

void zeros() {
  EndpointOptions options = source(1'000'003);
  options.content = ContentKind::kZero;
  Running from(std::move(options));
  const std::vector<uint8_t> bytes = everything_from(from->address());
  CHECK(bytes == std::vector<uint8_t>(1'000'003, 0));
}

// Each message of its own size, small segments, one urgent byte that is no part of the stream, and
// more than usual sent while held: the streams are the same.
void odd_messages() {
  EndpointOptions options = source(300'007, 20);
  options.message = 1;
  options.message_most = 1500;
  options.nodelay = true;
  options.buffers.segment = 536;
  options.urgent_at = 100'001;
  options.hold = true;
  options.prologue = 50'000;
  Running from(options);
  Running to(sink(from->address(), 20));
  CHECK(eventually([&] { return to->stats().received.get() == 20 * 50'000; }));
  from->go();
  from.join();
  to.join();
  check_whole(from, to, 300'007);
  for (const ConnectionResult& result : to->results()) CHECK(result.mss <= 536);
}

// It is sent once, and stands where it was asked for when it is taken for a part of the stream.
void urgent_byte() {
  EndpointOptions options = source(100'000);
  options.urgent_at = 4'711;
  Running from(options);
  const Fd fd = connect_to(from->address());
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
  fcntl(fd.get(), F_SETFL, 0);
  std::vector<uint8_t> bytes;
  uint8_t part[65536];
  for (ssize_t got; (got = recv(fd.get(), part, sizeof(part), 0)) > 0;) {
    bytes.insert(bytes.end(), part, part + got);
  }
  CHECK(bytes.size() == 100'001);
  if (bytes.size() > 4'711) CHECK(bytes[4'711] == '!');
}

// Where messages end shows in what each read gives when the other end waits.
void message_sizes_are_drawn() {
  EndpointOptions options = source(200'000);
  options.message = 100;
  options.message_most = 3000;
  options.nodelay = true;
  options.send_rate = 2'000'000;
  Running from(options);
  const Fd fd = connect_to(from->address());
  fcntl(fd.get(), F_SETFL, 0);
  std::set<ssize_t> sizes;
  uint8_t part[65536];
  for (ssize_t got; (got = recv(fd.get(), part, sizeof(part), 0)) > 0;) sizes.insert(got);
  CHECK(sizes.size() > 10);
  CHECK(!sizes.empty() && *sizes.begin() < 1500);
}

// A file by sendfile and made on the fly, checked against the file, and written to another.
void files(SendMode mode) {
  char name[] = "/tmp/splicebench-pipeline-XXXXXX";
  const Fd file(mkstemp(name));
  std::vector<uint8_t> content(3'000'017);
  pattern_fill(77, 0, content.data(), content.size());
  CHECK(write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  const auto from_file = [&](EndpointOptions options) {
    options.content = ContentKind::kFile;
    options.file = name;
    return options;
  };
  EndpointOptions options = from_file(source(UINT64_MAX));
  options.send = mode;
  {
    Running from(options);
    Running to(from_file(sink(from->address())));
    from.join();
    to.join();
    CHECK(to->results()[0].received == content.size());
    CHECK(to->receivers()[0]->checker()->finish(content.size()) == 0);
    CHECK(to->receivers()[0]->checker()->totals().verified == content.size());
  }
  {
    char copy_name[] = "/tmp/splicebench-pipeline-XXXXXX";
    const Fd copy(mkstemp(copy_name));
    Running from(options);
    EndpointOptions output = sink(from->address());
    output.receive = ReceiveMode::kOutput;
    output.output = copy.get();
    Running to(std::move(output));
    from.join();
    to.join();
    std::vector<uint8_t> written(content.size() + 1);
    CHECK(pread(copy.get(), written.data(), written.size(), 0) ==
          static_cast<ssize_t>(content.size()));
    written.pop_back();
    CHECK(written == content);
    unlink(copy_name);
  }
  unlink(name);
}

// Prepared pages: as many bytes as asked for, the same pages over and over.
void prepared() {
  EndpointOptions options = source(5'000'011);
  options.send = SendMode::kPrepared;
  {
    Running from(options);
    const std::vector<uint8_t> bytes = everything_from(from->address());
    CHECK(bytes.size() == 5'000'011);
    std::vector<uint8_t> pages(PreparedPages::kSize);
    stamp_engines().back()->fill(StampKey(42), 0, Direction::kDown, 0, pages.data(), pages.size());
    // A host that grants small pipes only repeats a part of the pages.
    size_t period = 1;
    while (period < pages.size() && memcmp(bytes.data(), bytes.data() + period * 4096, 4096) != 0) {
      ++period;
    }
    period *= 4096;
    bool equal = period <= pages.size();
    for (size_t i = 0; equal && i < bytes.size(); ++i) equal = bytes[i] == pages[i % period];
    CHECK(equal);
  }
  // Thousands of connections need no descriptors beside their own.
  PreparedPages shared(*make_zero_content(1));
  const size_t before = open_descriptors();
  std::vector<std::unique_ptr<Sender>> senders;
  for (int i = 0; i < 100; ++i) senders.push_back(make_prepared_sender(shared));
  CHECK(open_descriptors() == before);

  options.connections = 20;
  Running from(options);
  EndpointOptions discard = sink(from->address(), 20);
  discard.receive = ReceiveMode::kDiscard;
  Running to(std::move(discard));
  from.join();
  to.join();
  check_whole(from, to, 5'000'011);
}

// What makes pages of a kind, without asking the kernel.
void what_pages_are() {
  const auto is = [](PageKind kind, PageFacts facts) { return not_of_kind(kind, facts).empty(); };
  constexpr size_t kMiB = size_t{1} << 20;
  CHECK(page_kind_named("4KiB") == PageKind::kSingle);
  CHECK(page_kind_named("contiguous") == PageKind::kContiguous);
  CHECK(page_kind_named("") == PageKind::kDefault);
  CHECK(is(PageKind::kDefault, {256, 0, std::nullopt}));
  CHECK(is(PageKind::kContiguous, {256, 1, 2 * kMiB}));
  CHECK(is(PageKind::kContiguous, {256, 1, std::nullopt}));
  CHECK(is(PageKind::kContiguous, {256, 0, 2 * kMiB}));
  CHECK(!is(PageKind::kContiguous, {256, 0, kMiB / 2}));
  CHECK(!is(PageKind::kContiguous, {256, 0, std::nullopt}));
  // Some of it lies elsewhere, whatever else is huge.
  CHECK(!is(PageKind::kContiguous, {256, 2, 2 * kMiB}));
  CHECK(not_of_kind(PageKind::kContiguous, {256, 2, 0}).find("256 pages lie in 2 pieces") !=
        std::string::npos);
  if (sysconf(_SC_PAGESIZE) != 4096) {
    CHECK(!is(PageKind::kSingle, {256, 256, 0}));
    return;
  }
  CHECK(is(PageKind::kSingle, {256, 256, 0}));
  CHECK(is(PageKind::kSingle, {256, 128, 0}));
  CHECK(is(PageKind::kSingle, {256, 0, 0}));
  CHECK(!is(PageKind::kSingle, {256, 127, 0}));
  CHECK(!is(PageKind::kSingle, {256, 0, 2 * kMiB}));
  CHECK(!is(PageKind::kSingle, {256, 0, std::nullopt}));
}

// Each source sends from pages of the kind asked for, or the host says why it has none.
void kinds_of_pages() {
  for (const char* name : {"", "4KiB", "contiguous"}) {
    const PageKind kind = page_kind_named(name);
    const std::string reason = pages_unavailable(kind);
    if (!reason.empty()) {
      fprintf(stderr, "no pages of kind '%s': %s\n", name, reason.c_str());
      continue;
    }
    EndpointOptions options = source(3'000'011);
    options.send = SendMode::kPrepared;
    options.pages = kind;
    Running from(options);
    EndpointOptions discard = sink(from->address());
    discard.receive = ReceiveMode::kDiscard;
    Running to(std::move(discard));
    from.join();
    to.join();
    check_whole(from, to, 3'000'011);
    CHECK(to->pages() == std::vector<std::optional<PageFacts>>{std::nullopt});
    CHECK(from->pages().size() == 1 && from->pages()[0]);
    const PageFacts facts = from->pages()[0].value_or(PageFacts{});
    CHECK(facts.pages == PreparedPages::kSize / static_cast<size_t>(sysconf(_SC_PAGESIZE)));
    CHECK(not_of_kind(kind, facts).empty());
    CHECK(facts.huge_bytes.value_or(0) <= PreparedPages::kSize);
    if (kind == PageKind::kContiguous) CHECK(facts.runs <= 1);
    if (kind == PageKind::kSingle && facts.runs > 0) CHECK(facts.runs * 2 >= facts.pages);
  }
}

// Ordinary bytes: what was sent is a copy, what is received lies in the receiver's buffer, and all
// of the sender's buffer goes out in turn.
void copied() {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const Fd from(ends[0]);
  const Fd to(ends[1]);
  SendBuffer bytes(8192);
  const std::shared_ptr<const Content> content = make_stamped_content(42, {});
  fill_once(bytes, *content);
  const std::vector<uint8_t> stamped = bytes.bytes;
  std::vector<uint8_t> buffer(8192, 0);
  const std::unique_ptr<Sender> sender = make_buffer_sender(bytes);
  const std::unique_ptr<Receiver> receiver = make_buffer_receiver(buffer);
  CHECK(sender->send(from.get(), 0, UINT64_MAX) == 8192);
  std::fill(bytes.bytes.begin(), bytes.bytes.end(), 0);
  CHECK(receiver->receive(to.get(), 3000) == 3000);
  CHECK(std::equal(buffer.begin(), buffer.begin() + 3000, stamped.begin()));
  CHECK(receiver->receive(to.get(), UINT64_MAX) == 8192 - 3000);
  CHECK(std::equal(buffer.begin(), buffer.begin() + 8192 - 3000, stamped.begin() + 3000));
  bytes.bytes = stamped;
  // Behind the first 5000 bytes the rest of the buffer; a message that does not fit there is sent
  // whole.
  CHECK(sender->send(from.get(), 5000, UINT64_MAX) == 8192 - 5000);
  CHECK(receiver->receive(to.get(), UINT64_MAX) == 8192 - 5000);
  CHECK(std::equal(buffer.begin(), buffer.begin() + 8192 - 5000, stamped.begin() + 5000));
  CHECK(sender->send(from.get(), 5000, 4000) == 4000);
  CHECK(receiver->receive(to.get(), UINT64_MAX) == 4000);
  CHECK(std::equal(buffer.begin(), buffer.begin() + 4000, stamped.begin()));

  for (const uint32_t connections : {1, 20}) {
    EndpointOptions options = source(5'000'011, connections);
    options.send = SendMode::kBuffer;
    Running sending(options);
    EndpointOptions taking = sink(sending->address(), connections);
    taking.receive = ReceiveMode::kBuffer;
    Running receiving(std::move(taking));
    sending.join();
    receiving.join();
    check_whole(sending, receiving, 5'000'011);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Cases cases(argc, argv);
  cases.run("stamps on the wire", 20, stamps_on_the_wire);
  cases.run("stamps of successors", 20, stamps_of_successors);
  cases.run("zeros", 20, zeros);
  cases.run("odd messages", 20, odd_messages);
  cases.run("urgent byte", 20, urgent_byte);
  cases.run("sizes of messages are drawn", 20, message_sizes_are_drawn);
  cases.run("file by sendfile", 20, [] { files(SendMode::kFile); });
  cases.run("file on the fly", 20, [] { files(SendMode::kContent); });
  cases.run("prepared pages", 20, prepared);
  cases.run("what pages are", 20, what_pages_are);
  cases.run("kinds of prepared pages", 20, kinds_of_pages);
  cases.run("copied bytes", 20, copied);
  return cases.finish();
}
