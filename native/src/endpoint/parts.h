// What an endpoint's options stand for: the content, and a sender and a receiver per connection.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "endpoint/endpoint.h"
#include "endpoint/receiver.h"
#include "endpoint/sender.h"

namespace splicebench {

// Buffers and pages that the senders and receivers of one loop share. Outlives them.
class EndpointParts {
 public:
  // Throws SystemError or std::runtime_error.
  explicit EndpointParts(const EndpointOptions& options);

  // Bytes to send per connection.
  uint64_t limit() const;
  // Of a connection of an arm; null when that does not send. Throws SystemError.
  std::unique_ptr<Sender> sender(uint32_t connection, const ArmOptions& arm);
  std::unique_ptr<Receiver> receiver(uint32_t connection, ReceiveMode mode);
  // Of the pages that an arm sends; none when it sends no prepared ones.
  std::optional<PageFacts> pages(const ArmOptions& arm) const;

 private:
  const EndpointOptions& options_;
  std::shared_ptr<const Content> content_;
  std::array<std::optional<PreparedPages>, kPageKinds> prepared_;  // by kind
  SendBuffer send_buffer_;
  std::vector<uint8_t> receive_buffer_;
};

}  // namespace splicebench
