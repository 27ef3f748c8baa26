#include "addon/convert.h"

#include <cmath>
#include <cstdlib>

#include "stream/decoy_mark.h"

namespace splicebench {

uint64_t seed_from(const Napi::Value& value, const char* name) {
  if (value.IsString()) {
    const std::string text = value.As<Napi::String>().Utf8Value();
    char* end = nullptr;
    errno = 0;
    const uint64_t seed = strtoull(text.c_str(), &end, 10);
    if (errno == 0 && end && *end == '\0' && !text.empty()) return seed;
  }
  throw Napi::TypeError::New(value.Env(),
                             std::string(name) + ": expected decimal digits of 64 bits");
}

Prefix prefix_from(const std::string& name) {
  if (name == "proxy-v1") return Prefix::kProxyV1;
  if (name == "proxy-v2") return Prefix::kProxyV2;
  return Prefix::kNone;
}

std::vector<uint64_t> seeds_from(const Napi::Value& value, const char* name) {
  std::vector<uint64_t> seeds;
  if (!value.IsArray()) return seeds;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) seeds.push_back(seed_from(array.Get(i), name));
  return seeds;
}

std::vector<int> integers_from(const Napi::Value& value, const char* name) {
  std::vector<int> integers;
  if (!value.IsArray()) return integers;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsNumber()) {
      throw Napi::TypeError::New(value.Env(), std::string(name) + ": expected numbers");
    }
    integers.push_back(item.As<Napi::Number>().Int32Value());
  }
  return integers;
}

Address address_from(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) {
    throw Napi::TypeError::New(value.Env(), std::string(name) + ": expected {host, port}");
  }
  const auto object = value.As<Napi::Object>();
  return Address::parse(string_from(object, "host"),
                        static_cast<uint16_t>(number_from(object, "port", 0)));
}

std::string string_from(const Napi::Object& object, const char* key, const std::string& fallback) {
  const Napi::Value value = object.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : fallback;
}

double number_from(const Napi::Object& object, const char* key, double fallback) {
  const Napi::Value value = object.Get(key);
  if (!value.IsNumber()) return fallback;
  const double number = value.As<Napi::Number>().DoubleValue();
  return std::isfinite(number) && number >= 0 ? number : fallback;
}

bool flag_from(const Napi::Object& object, const char* key, bool fallback) {
  const Napi::Value value = object.Get(key);
  return value.IsBoolean() ? value.As<Napi::Boolean>().Value() : fallback;
}

Napi::String hex_to(Napi::Env env, const std::vector<uint8_t>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return Napi::String::New(env, text);
}

const char* direction_name(Direction direction) {
  switch (direction) {
    case Direction::kDown:
      return "down";
    case Direction::kUp:
      return "up";
    case Direction::kDecoy:
      break;
  }
  return "decoy";
}

Napi::Object incident_to(Napi::Env env, const Incident& incident) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("connection", incident.connection);
  object.Set("direction", direction_name(incident.direction));
  object.Set("offset", number_to(env, incident.offset));
  object.Set("length", number_to(env, incident.length));
  object.Set("class", incident_class_name(incident.kind));
  if (incident.has_origin) {
    if (const auto decoy = decoy_mark(incident.origin)) {
      object.Set("origin_decoy", decoy->number);
      object.Set("origin_place", decoy_home_name(decoy->home));
    } else {
      object.Set("origin_connection", incident.origin.connection);
    }
    object.Set("origin_direction", direction_name(incident.origin.direction));
    object.Set("origin_offset", number_to(env, incident.origin.offset));
  }
  object.Set("expected_hex", hex_to(env, incident.expected));
  object.Set("received_hex", hex_to(env, incident.received));
  if (incident.kind == IncidentClass::kUnknown) {
    object.Set("entropy", incident.entropy);
    object.Set("printable", incident.printable);
  }
  return object;
}

}  // namespace splicebench
