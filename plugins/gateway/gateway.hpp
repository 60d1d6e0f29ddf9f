/* The kernel's one HTTP server: the page, the commands, and what other plugins mount. */
#ifndef VISOR_GATEWAY_GATEWAY_HPP
#define VISOR_GATEWAY_GATEWAY_HPP
#include "api.hpp"
#include "files.hpp"
#include "guard.hpp"
#include "lib/http/network_server.hpp"
#include "router.hpp"

namespace visor::gateway {

class Gateway final : public Instance {
 public:
  explicit Gateway(Host host);

  void start(Started started) override;
  void stop(Stopped stopped) override;
  /* Everything but the address, the networks and the limits may change while it runs. */
  Result<void> configure(std::string_view json) override;

  Result<std::string> status(std::string_view args);
  Result<std::string> routes(std::string_view args);
  Result<void> reload(visor_call* call, std::string_view args);

 private:
  using Loaded = std::function<void(Result<void>)>;

  void serve(http::Exchange& exchange);
  void serve_peer(http::Exchange& exchange);
  void serve_public(http::Exchange& exchange, const Router::Route& route);
  void serve_guarded(http::Exchange& exchange, const std::shared_ptr<Router::Route>& route);
  void serve_page(http::Exchange& exchange);
  void serve_bootstrap(http::Exchange& exchange);
  void welcome(http::Exchange& exchange);
  std::string what_there_is(bool to_anybody = false) const;

  void load_files(Loaded loaded);
  Result<void> open();
  Result<void> open_networks();

  Settings settings_;
  Guard guard_;
  Router router_;
  Files files_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<http::Server> server_;
  std::vector<std::unique_ptr<http::NetworkServer>> networks_;
  Listener listener_;
  std::string address_; /* "http://127.0.0.1:8080" */
  uint64_t guarded_ = 0, turned_away_ = 0;
  size_t loading_ = 0; /* of files, on workers */
  uint64_t last_load_ = 0;
  std::function<void()> loading_idle_;
};

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_GATEWAY_HPP
