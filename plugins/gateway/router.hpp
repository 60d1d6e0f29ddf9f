/* The routes that plugins mount: visor.http/1. */
#ifndef VISOR_GATEWAY_ROUTER_HPP
#define VISOR_GATEWAY_ROUTER_HPP
#include <map>
#include <visor/http.hpp>

namespace visor::gateway {

/* A prefix stands for itself and everything below it: "/metrics" for "/metrics" and "/metrics/x", not for
 * "/metricsx". */
class Router final : public HttpProvider {
 public:
  static constexpr size_t kMaxRoutes = 256, kMaxPrefixBytes = 256;

  struct Route {
    std::string prefix; /* without a slash at its end; empty: everything */
    uint32_t flags = 0;
    void (*fn)(void* ctx, visor_exchange*) = nullptr;
    void* ctx = nullptr;
    uint64_t requests = 0;
    bool is_public() const { return flags & VISOR_HTTP_PUBLIC; }
  };

  explicit Router(Host host) : HttpProvider(host), handles_(host) {}

  visor_status mount(visor_span prefix, uint32_t flags, void (*fn)(void* ctx, visor_exchange*), void* ctx,
                     visor_handle** handle) override;

  /* Keeps a prefix for the gateway itself; nobody can mount it. */
  void reserve(std::string prefix, uint32_t flags) {
    routes_[prefix] = std::make_shared<Route>(Route{prefix, flags});
  }

  /* The longest matching route, or null. */
  std::shared_ptr<Route> find(std::string_view path) const;

  template <class Fn>
  void each(Fn&& fn) const {
    for (const auto& [prefix, route] : routes_) fn(*route);
  }
  size_t size() const { return routes_.size(); }

 private:
  std::map<std::string, std::shared_ptr<Route>, std::less<>> routes_;
  Registrations<std::shared_ptr<Route>> handles_;
};

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_ROUTER_HPP
