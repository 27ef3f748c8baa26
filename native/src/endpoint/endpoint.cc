#include "endpoint/endpoint.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "endpoint/endpoint_loop.h"
#include "posix/error.h"

namespace splicebench {

Endpoint::Endpoint(EndpointOptions options)
    : options_(std::move(options)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      address_(options_.address),
      go_(!options_.hold) {
  if (!wake_) throw SystemError("eventfd", "");
  if (options_.listen) {
    listener_ = listen_on(options_.address, options_.buffers);
    address_ = local_address(listener_.get());
  }
}

Endpoint::~Endpoint() = default;

void Endpoint::run() {
  Loop(*this).run();
  listener_.reset();
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
