// Tuning bench: source, forwarder and sink as three pinned threads over loopback. Prints Gbps and
// the forwarder's CPU per GB. Usage: pipeline_speed MECHANISM [seconds] [key=value ...]
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "counters/clock.h"
#include "endpoint/endpoint.h"
#include "forward/forwarder.h"
#include "shipped_settings.h"
#include "thread/loop_thread.h"

using namespace splicebench;
using splicebench::testing::shipped_settings;

int main(int argc, char** argv) {
  const std::string mechanism = argc > 1 ? argv[1] : "splice";
  const double seconds = argc > 2 ? atof(argv[2]) : 1;
  std::map<std::string, std::string> o;
  for (int i = 3; i < argc; ++i) {
    const std::string s = argv[i];
    o[s.substr(0, s.find('='))] = s.substr(s.find('=') + 1);
  }
  const auto num = [&](const char* k, long d) { return o.count(k) ? atol(o[k].c_str()) : d; };
  const std::string send = o.count("send") ? o["send"] : "prepared";
  const std::string receive = o.count("receive") ? o["receive"] : "discard";

  EndpointOptions so;
  so.listen = true;
  so.address = Address::parse("127.0.0.1", static_cast<uint16_t>(num("source.port", 0)));
  so.send = send == "content" ? SendMode::kContent
            : send == "file"  ? SendMode::kFile
                              : SendMode::kPrepared;
  if (o.count("file")) so.file = o["file"];
  so.connections = static_cast<uint32_t>(num("connections", 1));
  so.buffers.send = static_cast<int>(num("source.sndbuf", 0));
  Endpoint source(so);

  ForwarderOptions fo;
  fo.mechanism = mechanism;
  fo.upstream = source.address();
  Settings settings = shipped_settings(mechanism);
  for (const char* size : {"pipe", "buffer", "chunk"}) {
    if (o.count(size)) settings.set(size, static_cast<double>(num(size, 0)));
  }
  for (const char* flag : {"more", "read-when-pipe-holds-data"}) {
    if (o.count(flag)) settings.set(flag, num(flag, 0) != 0);
  }
  fo.record = num("record", 1);
  Fd listener = listen_on(Address::parse("127.0.0.1", 0), {});
  Fd wake(eventfd(0, EFD_NONBLOCK));
  std::atomic<bool> stop{false};
  Sys sys(fo.record);
  ForwarderStats stats;
  ForwarderContext context{fo, sys, stats, listener.get(), wake.get(), stop};
  const bool external = mechanism == "external";  // something else listens on forward.port
  const bool direct = mechanism == "direct" || external;

  EndpointOptions ko;
  ko.address = direct ? source.address() : local_address(listener.get());
  if (external)
    ko.address = Address::parse("127.0.0.1", static_cast<uint16_t>(num("forward.port", 0)));
  ko.receive = receive == "check" ? ReceiveMode::kCheck : ReceiveMode::kDiscard;
  ko.connections = so.connections;
  ko.buffers.receive = static_cast<int>(num("sink.rcvbuf", 0));
  Endpoint sink(ko);

  const long pid = num("pid", 0);  // whose schedstat is read
  const auto external_cpu = [&]() -> uint64_t {
    unsigned long ns = 0;
    if (pid == 0) return 0;
    FILE* file = fopen(("/proc/" + std::to_string(pid) + "/schedstat").c_str(), "r");
    if (file && fscanf(file, "%lu", &ns) != 1) ns = 0;
    if (file) fclose(file);
    return ns;
  };
  const auto done = [](std::string e) {
    if (!e.empty()) fprintf(stderr, "%s\n", e.c_str());
  };
  const int cpu_source = static_cast<int>(num("cpu.source", 0));
  const int cpu_sink = static_cast<int>(num("cpu.sink", 0));
  LoopThread st(
      {cpu_source}, [&] { source.run(); }, done);
  std::unique_ptr<LoopThread> ft;
  std::unique_ptr<Forwarder> f;
  if (!direct) {
    f = make_forwarder(mechanism, settings);
    ft = std::make_unique<LoopThread>(
        std::vector<int>{1}, [&] { f->run(context); }, done);
  }
  LoopThread kt(
      {cpu_sink}, [&] { sink.run(); }, done);

  usleep(300000);
  const uint64_t t0 = monotonic_ns(), b0 = sink.stats().received.get(),
                 c0 = ft ? ft->cpu_ns() + f->helper_cpu_ns() : external_cpu();
  const uint64_t s0 = st.cpu_ns(), k0 = kt.cpu_ns();
  usleep(static_cast<useconds_t>(seconds * 1e6));
  const uint64_t t1 = monotonic_ns(), b1 = sink.stats().received.get(),
                 c1 = ft ? ft->cpu_ns() + f->helper_cpu_ns() : external_cpu();
  const uint64_t s1 = st.cpu_ns(), k1 = kt.cpu_ns();
  source.stop_now();
  sink.stop_now();
  stop = true;
  const uint64_t one = 1;
  if (write(wake.get(), &one, 8) < 0) return 1;
  st.join();
  kt.join();
  if (ft) ft->join();
  const double gb = static_cast<double>(b1 - b0) / 1e9, s = static_cast<double>(t1 - t0) / 1e9;
  printf("%-7s %6.2f Gbps fwd %.3f s/GB util %.2f source %.2f sink %.2f |", mechanism.c_str(),
         gb * 8 / s, static_cast<double>(c1 - c0) / 1e9 / gb,
         static_cast<double>(c1 - c0) / 1e9 / s, static_cast<double>(s1 - s0) / 1e9 / s,
         static_cast<double>(k1 - k0) / 1e9 / s);
  for (size_t i = 0; i < kCalls; ++i) {
    const CallCounter& c = sys.counter(static_cast<Call>(i));
    if (c.calls.get() > 100)
      printf(" %s %lu (%lu again) %.0fK/call", call_name(static_cast<Call>(i)), c.calls.get(),
             c.eagain.get(),
             static_cast<double>(c.bytes.get()) / 1024. / static_cast<double>(c.calls.get()));
  }
  printf("\n");
}
