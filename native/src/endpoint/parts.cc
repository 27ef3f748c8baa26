#include "endpoint/parts.h"

#include <algorithm>
#include <stdexcept>

namespace splicebench {
namespace {

// Of one connection alone, which keeps what a full socket did not take: the fewer the calls, the
// less often source and sink stop each other on a CPU that they share. Several connections make
// their bytes anew at each turn, as much as the buffer holds.
constexpr size_t kAlone = size_t{1} << 20;
constexpr size_t kBesideOthers = size_t{256} << 10;
// A larger message takes several sends: beyond this one call costs nothing any more.
constexpr size_t kLargestSendBuffer = size_t{4} << 20;

size_t buffer_size(const EndpointOptions& options) {
  return options.connections == 1 ? kAlone : kBesideOthers;
}

std::shared_ptr<const Content> make_content(const EndpointOptions& options) {
  switch (options.content) {
    case ContentKind::kZero:
      return make_zero_content(options.seed);
    case ContentKind::kFile: {
      std::string error;
      std::shared_ptr<const Content> content =
          make_file_content(options.file, options.seed, &error);
      if (!content) throw std::runtime_error(error);
      return content;
    }
    case ContentKind::kStamped:
      break;
  }
  return make_stamped_content(options.seed, options.earlier_seeds);
}

}  // namespace

EndpointParts::EndpointParts(const EndpointOptions& options)
    : options_(options),
      content_(make_content(options)),
      send_buffer_(std::clamp(std::max(options.message, options.message_most), buffer_size(options),
                              kLargestSendBuffer)),
      receive_buffer_(buffer_size(options)) {
  const auto sends = [&options](SendMode mode) {
    return std::any_of(options.arms.begin(), options.arms.end(),
                       [mode](const ArmOptions& arm) { return arm.send == mode; });
  };
  for (const ArmOptions& arm : options.arms) {
    std::optional<PreparedPages>& pages = prepared_[static_cast<size_t>(arm.pages)];
    if (arm.send == SendMode::kPrepared && !pages) pages.emplace(*content_, arm.pages);
  }
  // Arms whose bytes are made on the fly make them here, too: nobody looks at those of the others.
  if (sends(SendMode::kBuffer)) fill_once(send_buffer_, *content_);
}

uint64_t EndpointParts::limit() const {
  return std::min(options_.bytes, content_->length().value_or(UINT64_MAX));
}

std::unique_ptr<Sender> EndpointParts::sender(uint32_t connection, const ArmOptions& arm) {
  switch (arm.send) {
    case SendMode::kContent:
      return make_content_sender(content_, connection, options_.send_direction, send_buffer_);
    case SendMode::kBuffer:
      return make_buffer_sender(send_buffer_);
    case SendMode::kPrepared:
      return make_prepared_sender(*prepared_[static_cast<size_t>(arm.pages)]);
    case SendMode::kFile:
      return make_file_sender(options_.file);
    case SendMode::kGiven:
      return options_.make_sender({options_.seed, connection, options_.send_direction}, content_,
                                  limit());
    case SendMode::kNone:
      break;
  }
  return nullptr;
}

std::optional<PageFacts> EndpointParts::pages(const ArmOptions& arm) const {
  const auto& pages = prepared_[static_cast<size_t>(arm.pages)];
  if (arm.send != SendMode::kPrepared || !pages) return std::nullopt;
  return pages->facts();
}

std::unique_ptr<Receiver> EndpointParts::receiver(uint32_t connection, ReceiveMode mode) {
  switch (mode) {
    case ReceiveMode::kCheck:
      return make_checking_receiver(content_,
                                    {.connection = connection,
                                     .adopt_connection = options_.connections > 1,
                                     .direction = options_.receive_direction,
                                     .stored_incidents = options_.stored_incidents},
                                    receive_buffer_);
    case ReceiveMode::kOutput:
      return make_output_receiver(options_.output, receive_buffer_);
    case ReceiveMode::kBuffer:
      return make_buffer_receiver(receive_buffer_);
    case ReceiveMode::kDiscard:
    case ReceiveMode::kNone:  // only to see the other end close
      break;
  }
  return make_discarding_receiver();
}

}  // namespace splicebench
