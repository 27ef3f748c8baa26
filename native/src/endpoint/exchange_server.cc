#include "endpoint/exchange.h"

namespace splicebench {
namespace {

class ExchangeServer final : public Exchange {
 public:
  using Exchange::Exchange;

 private:
  void received(uint32_t index, uint64_t total, uint64_t) override {
    allow(index, total / options_.request * options_.response);
  }
};

}  // namespace

std::unique_ptr<Exchange> make_exchange_server(ExchangeOptions options) {
  return std::make_unique<ExchangeServer>(std::move(options));
}

}  // namespace splicebench
