// The classes that the addon exports.
#pragma once

#include <napi.h>

#include <cstdint>

namespace splicebench {

Napi::Function define_endpoint(Napi::Env env);
Napi::Function define_exchange(Napi::Env env);
Napi::Function define_churn(Napi::Env env);
Napi::Function define_forwarder(Napi::Env env);
Napi::Function define_decoys(Napi::Env env);
Napi::Function define_tap_wires(Napi::Env env);
Napi::Function define_script(Napi::Env env);
Napi::Function define_syscall_counter(Napi::Env env);
Napi::Function define_moved_bytes(Napi::Env env);
// What bench/micro measures with.
Napi::Function define_micro_memory(Napi::Env env);
Napi::Function define_micro_pair(Napi::Env env);
Napi::Function define_micro_calls(Napi::Env env);

// Offloads of an interface in this network namespace.
Napi::Value get_offloads(const Napi::CallbackInfo& info);
Napi::Value set_offloads(const Napi::CallbackInfo& info);

// "ECONNRESET", or null for 0.
Napi::Value errno_text(Napi::Env env, uint64_t code);

}  // namespace splicebench
