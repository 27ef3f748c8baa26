#include "endpoint/endpoint.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "endpoint/endpoint_loop.h"
#include "posix/error.h"

namespace splicebench {

namespace {

EndpointOptions with_arms(EndpointOptions options) {
  if (options.arms.empty()) {
    options.arms.push_back({options.address, options.send, options.receive, options.pages});
  }
  return options;
}

std::vector<Address> addresses_of(const std::vector<ArmOptions>& arms) {
  std::vector<Address> addresses;
  for (const ArmOptions& arm : arms) addresses.push_back(arm.address);
  return addresses;
}

}  // namespace

Endpoint::Endpoint(EndpointOptions options)
    : options_(with_arms(std::move(options))),
      addresses_(addresses_of(options_.arms)),
      slices_(static_cast<uint32_t>(addresses_.size())),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      go_(!options_.hold),
      unwanted_(std::make_unique<std::atomic<bool>[]>(addresses_.size())) {
  if (!wake_) throw SystemError("eventfd", "");
  if (!options_.listen) return;
  for (Address& address : addresses_) {
    listeners_.push_back(listen_on(address, options_.buffers));
    address = local_address(listeners_.back().get());
  }
}

Endpoint::~Endpoint() = default;

void Endpoint::run() {
  Loop(*this).run();
  listeners_.clear();
  slices_.loop_over();
}

namespace {
void signal_event(int fd) {
  const uint64_t one = 1;
  // Fails only when the counter is full: then the loop is woken anyway.
  if (write(fd, &one, sizeof(one)) < 0) return;
}
}  // namespace

void Endpoint::go() {
  go_ = true;
  signal_event(wake_.get());
}

void Endpoint::overwrite() {
  overwrite_ = true;
  signal_event(wake_.get());
}

void Endpoint::begin_slice(const SliceOrder& order) {
  slices_.order(order);
  signal_event(wake_.get());
}

void Endpoint::end_arm(uint32_t arm) {
  unwanted_[arm] = true;
  signal_event(wake_.get());
}

void Endpoint::stop() {
  stop_ = true;
  signal_event(wake_.get());
}

void Endpoint::stop_now() {
  stop_now_ = true;
  signal_event(wake_.get());
}

std::vector<SeriesSample> Endpoint::series() const {
  const std::lock_guard lock(series_mutex_);
  return series_;
}

}  // namespace splicebench
