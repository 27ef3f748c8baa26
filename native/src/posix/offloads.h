// Offloads of a network interface, by the ioctl that ethtool uses. They belong to the calling
// thread's network namespace.
#pragma once

#include <string>

namespace splicebench {

// What the interface does now. A group of features is on when all TCP over IPv4 needs of it is on.
struct Offloads {
  bool tso = false;
  bool gso = false;
  bool gro = false;
  bool tx_checksum = false;
  bool rx_checksum = false;
};

// Reads what is active, which is not always what was asked for: one feature may need another.
// Throws SystemError ("ethtool to-forwarder: No such device").
Offloads read_offloads(const std::string& interface);

// Asks for all of them. A feature that the driver refuses is no error here: read what came of it.
// Throws SystemError when the interface takes no such request at all.
void write_offloads(const std::string& interface, const Offloads& wanted);

}  // namespace splicebench
