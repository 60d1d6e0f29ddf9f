#include "router.hpp"

namespace visor::gateway {

visor_status Router::mount(visor_span raw, uint32_t flags, void (*fn)(void* ctx, visor_exchange*), void* ctx,
                           visor_handle** handle) {
  std::string prefix(text(raw));
  if (!prefix.starts_with('/') || prefix.size() > kMaxPrefixBytes ||
      prefix.find_first_of("?#% ") != std::string::npos) {
    return host().fail(VISOR_EINVAL, "a route is a path like /metrics of at most " +
                                         std::to_string(kMaxPrefixBytes) + " bytes; got \"" +
                                         prefix.substr(0, kMaxPrefixBytes) + "\"");
  }
  while (prefix.ends_with('/')) prefix.pop_back();
  if (routes_.contains(prefix)) {
    return host().fail(VISOR_EEXIST, "the route " + prefix + "/ is mounted already; choose another");
  }
  if (routes_.size() >= kMaxRoutes) {
    return host().fail(VISOR_EAGAIN, "at most " + std::to_string(kMaxRoutes) + " routes can be mounted");
  }
  auto route = std::make_shared<Route>(Route{prefix, flags, fn, ctx});
  routes_[prefix] = route;
  *handle = handles_.add(route, [this, prefix] { routes_.erase(prefix); });
  return VISOR_OK;
}

std::shared_ptr<Router::Route> Router::find(std::string_view path) const {
  for (;;) {
    auto found = routes_.find(path);
    if (found != routes_.end()) return found->second;
    if (path.empty()) return nullptr;
    path = path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/'));
  }
}

}  // namespace visor::gateway
