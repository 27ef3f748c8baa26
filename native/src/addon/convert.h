// Conversions between JavaScript values and plain structs. TypeScript has validated every option
// before it comes here; what is checked again is only what would be undefined behaviour.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "endpoint/endpoint.h"
#include "posix/socket.h"

namespace splicebench {

// A 64-bit value as decimal digits: it does not fit a JavaScript number. Throws Napi::TypeError.
uint64_t seed_from(const Napi::Value& value, const char* name);
std::vector<uint64_t> seeds_from(const Napi::Value& value, const char* name);
std::vector<int> integers_from(const Napi::Value& value, const char* name);
// {host, port}
Address address_from(const Napi::Value& value, const char* name);
std::string string_from(const Napi::Object& object, const char* key,
                        const std::string& fallback = "");
// What a connection begins with before its stream, by the name that plans have for it.
Prefix prefix_from(const std::string& name);
double number_from(const Napi::Object& object, const char* key, double fallback);
bool flag_from(const Napi::Object& object, const char* key, bool fallback);

inline Napi::Number number_to(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}
Napi::String hex_to(Napi::Env env, const std::vector<uint8_t>& bytes);
Napi::Object incident_to(Napi::Env env, const Incident& incident);
const char* direction_name(Direction direction);

}  // namespace splicebench
