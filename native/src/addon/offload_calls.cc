// offloads(interface) and setOffloads(interface, wanted).

#include "addon/convert.h"
#include "addon/objects.h"
#include "posix/offloads.h"

namespace splicebench {

Napi::Value get_offloads(const Napi::CallbackInfo& info) {
  try {
    const Offloads found = read_offloads(info[0].ToString().Utf8Value());
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("tso", found.tso);
    object.Set("gso", found.gso);
    object.Set("gro", found.gro);
    object.Set("txChecksum", found.tx_checksum);
    object.Set("rxChecksum", found.rx_checksum);
    return object;
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

Napi::Value set_offloads(const Napi::CallbackInfo& info) {
  const Napi::Object wanted = info[1].ToObject();
  try {
    write_offloads(info[0].ToString().Utf8Value(),
                   {
                       .tso = flag_from(wanted, "tso", true),
                       .gso = flag_from(wanted, "gso", true),
                       .gro = flag_from(wanted, "gro", true),
                       .tx_checksum = flag_from(wanted, "txChecksum", true),
                       .rx_checksum = flag_from(wanted, "rxChecksum", true),
                   });
    return info.Env().Undefined();
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

}  // namespace splicebench
