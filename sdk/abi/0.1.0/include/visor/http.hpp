/* visor/http.hpp - bases for the provider of the HTTP server, short forms for those who mount on it.
 * Header-only; part of visor/plugin.hpp.  What each function promises is in http.h. */
#ifndef VISOR_HTTP_HPP
#define VISOR_HTTP_HPP
#include "host.hpp"
#include "http.h"

namespace visor {

class ExchangeProvider : public Object<visor_exchange> {
 public:
  virtual const visor_http_request* request() = 0;
  virtual void respond(int32_t status, const visor_span* headers, size_t header_count, visor_span body) = 0;
  virtual visor_stream* stream(int32_t status, const visor_span* headers, size_t header_count) = 0;
  virtual visor_stream* upgrade() = 0;

 protected:
  explicit ExchangeProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_exchange_api kApi;
};
inline constexpr visor_exchange_api ExchangeProvider::kApi = {
    sizeof(visor_exchange_api),        0,
    thunk<&ExchangeProvider::request>, thunk<&ExchangeProvider::respond>,
    thunk<&ExchangeProvider::stream>,  thunk<&ExchangeProvider::upgrade>};

class HttpProvider : public Object<visor_http> {
 public:
  virtual visor_status mount(visor_span prefix, uint32_t flags, void (*fn)(void* ctx, visor_exchange*),
                             void* ctx, visor_handle** handle) = 0;

 protected:
  explicit HttpProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_http_api kApi;
};
inline constexpr visor_http_api HttpProvider::kApi = {sizeof(visor_http_api), 0, thunk<&HttpProvider::mount>};

/* A mounted route; unmounted when it goes.  fn answers each exchange exactly once. */
class Route {
 public:
  using Handler = std::function<void(visor_exchange*)>;
  Route() = default;

  Result<void> mount(Host host, visor_http* http, std::string_view prefix, uint32_t flags, Handler handler) {
    handle_.reset();
    handler_ = std::make_unique<Handler>(std::move(handler));
    auto called = [](void* ctx, visor_exchange* exchange) { (*static_cast<Handler*>(ctx))(exchange); };
    visor_handle* handle = nullptr;
    visor_status status = http->api->mount(http, to_span(prefix), flags, +called, handler_.get(), &handle);
    if (status != VISOR_OK) return std::unexpected(host.error(status));
    handle_.reset(handle);
    return {};
  }

 private:
  std::unique_ptr<Handler> handler_;
  Owned<visor_handle> handle_;
};

/* The value of a request's header, by its lower-case name; empty if absent. */
inline std::string_view header(const visor_http_request& request, std::string_view name) {
  for (size_t i = 0; i + 1 < request.header_count; i += 2) {
    if (text(request.headers[i]) == name) return text(request.headers[i + 1]);
  }
  return {};
}

inline void respond(visor_exchange* exchange, int32_t status, std::string_view content_type,
                    std::string_view body) {
  visor_span headers[] = {VISOR_TEXT("content-type"), to_span(content_type)};
  exchange->api->respond(exchange, status, headers, 2, to_span(body));
}

}  // namespace visor
#endif  // VISOR_HTTP_HPP
