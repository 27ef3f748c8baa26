// The addon's surface. Conversions live under addon/; everything below is plain C++.

#include <napi.h>

#include <optional>

#include "addon/objects.h"
#include "counters/core_work.h"
#include "counters/cpu_wait.h"
#include "counters/line_trip.h"
#include "endpoint/page_memory.h"
#include "faults/overwriting.h"
#include "forward/forwarder.h"
#include "posix/error.h"
#include "stream/stamp.h"

namespace splicebench {

Napi::Value errno_text(Napi::Env env, uint64_t code) {
  if (code == 0) return env.Null();
  return Napi::String::New(env, errno_name(static_cast<int>(code)));
}

namespace {

Napi::Array mechanisms(Napi::Env env) {
  Napi::Array array = Napi::Array::New(env);
  for (const ForwarderEntry& entry : forwarder_registry()) {
    array.Set(array.Length(), Napi::String::New(env, std::string(entry.name)));
  }
  return array;
}

// (mechanism) => why it cannot work on this host, or null.
Napi::Value unavailable(const Napi::CallbackInfo& info) {
  const ForwarderEntry* entry = find_forwarder(info[0].ToString().Utf8Value());
  const std::string reason = !entry                ? "no such mechanism"
                             : !entry->unavailable ? ""
                                                   : entry->unavailable();
  return reason.empty() ? info.Env().Null() : Napi::String::New(info.Env(), reason);
}

// (kind) => why prepared pages of it are not to be had in this process, or null.
Napi::Value unavailable_pages(const Napi::CallbackInfo& info) {
  const std::string reason = pages_unavailable(page_kind_named(info[0].ToString().Utf8Value()));
  return reason.empty() ? info.Env().Null() : Napi::String::New(info.Env(), reason);
}

Napi::Array engines(Napi::Env env) {
  Napi::Array array = Napi::Array::New(env);
  for (const StampEngine* engine : stamp_engines()) {
    array.Set(array.Length(), Napi::String::New(env, std::string(engine->name)));
  }
  return array;
}

// (handover) => what became of memory that was written over after it was handed to the kernel.
Napi::Value probe_handover_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].ToString().Utf8Value();
  const std::optional<Handover> handover = handover_named(name);
  if (!handover) throw Napi::TypeError::New(env, "no way '" + name + "' of handing over");
  try {
    const HandoverProbe probe = probe_handover(*handover);
    Napi::Object object = Napi::Object::New(env);
    object.Set("overwritten", static_cast<double>(probe.overwritten));
    object.Set("changed", static_cast<double>(probe.changed));
    return object;
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

using CpuProbe = std::vector<std::optional<double>> (*)(const std::vector<int>& cpus);

// (cpus) => nanoseconds of each, or null.
template <CpuProbe probe>
Napi::Value on_cpus(const Napi::CallbackInfo& info) {
  const auto list = info[0].As<Napi::Array>();
  std::vector<int> cpus;
  for (uint32_t index = 0; index < list.Length(); ++index) {
    cpus.push_back(list.Get(index).ToNumber().Int32Value());
  }
  Napi::Array array = Napi::Array::New(info.Env(), cpus.size());
  uint32_t index = 0;
  for (const std::optional<double>& ns : probe(cpus)) {
    array[index++] = ns ? Napi::Number::New(info.Env(), *ns) : info.Env().Null();
  }
  return array;
}

// (first, second) => nanoseconds, or null.
Napi::Value line_trip(const Napi::CallbackInfo& info) {
  const std::optional<double> ns =
      line_trip_ns(info[0].ToNumber().Int32Value(), info[1].ToNumber().Int32Value());
  return ns ? Napi::Number::New(info.Env(), *ns) : info.Env().Null();
}

Napi::Object micro(Napi::Env env) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("Memory", define_micro_memory(env));
  object.Set("Pair", define_micro_pair(env));
  object.Set("Calls", define_micro_calls(env));
  return object;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Endpoint", define_endpoint(env));
  exports.Set("Exchange", define_exchange(env));
  exports.Set("Churn", define_churn(env));
  exports.Set("Forwarder", define_forwarder(env));
  exports.Set("Decoys", define_decoys(env));
  exports.Set("TapWires", define_tap_wires(env));
  exports.Set("Script", define_script(env));
  exports.Set("SyscallCounter", define_syscall_counter(env));
  exports.Set("MovedBytes", define_moved_bytes(env));
  exports.Set("mechanisms", mechanisms(env));
  exports.Set("unavailable", Napi::Function::New(env, unavailable, "unavailable"));
  exports.Set("unavailablePages", Napi::Function::New(env, unavailable_pages, "unavailablePages"));
  exports.Set("offloads", Napi::Function::New(env, get_offloads, "offloads"));
  exports.Set("setOffloads", Napi::Function::New(env, set_offloads, "setOffloads"));
  exports.Set("coreWork", Napi::Function::New(env, on_cpus<core_work_ns>, "coreWork"));
  exports.Set("cpuWait", Napi::Function::New(env, on_cpus<cpu_wait_ns>, "cpuWait"));
  exports.Set("lineTrip", Napi::Function::New(env, line_trip, "lineTrip"));
  exports.Set("engines", engines(env));
  exports.Set("probeHandover", Napi::Function::New(env, probe_handover_of, "probeHandover"));
  exports.Set("micro", micro(env));
  return exports;
}

}  // namespace
}  // namespace splicebench

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
  return splicebench::init(env, exports);
}

NODE_API_MODULE(splicebench, init_addon)
