#include "gateway.hpp"

namespace visor::gateway {
namespace {

constexpr std::string_view kApiPrefix = "/api", kBootstrapPrefix = "/bootstrap.json";

Claims claims_of(const http::Exchange& exchange) {
  return {exchange.origin(), exchange.header("host"), exchange.header("origin"),
          exchange.header("sec-fetch-site"), exchange.header("authorization")};
}

bool is_preflight(const http::Exchange& exchange) {
  return exchange.method() == "OPTIONS" && !exchange.header("access-control-request-method").empty();
}

std::string http_address(std::string_view bound) {
  return "http" + std::string(bound.substr(bound.find("://")));
}

}  // namespace

Gateway::Gateway(Host host) : Instance(host), guard_(settings_), router_(host) {
  router_.reserve(std::string(kApiPrefix), 0);
  router_.reserve(std::string(kBootstrapPrefix), VISOR_HTTP_PUBLIC);
}

/* --- life ---------------------------------------------------------------------------------- */

void Gateway::start(Started started) {
  auto settings = read_settings(host().config());
  if (!settings) return started(std::unexpected(settings.error()));
  settings_ = std::move(*settings);
  guard_ = Guard(settings_);
  load_files([this, started = std::move(started)](Result<void> loaded) {
    if (loaded) loaded = open();
    started(std::move(loaded));
  });
}

Result<void> Gateway::open() {
  auto* sockets = host().find<visor_sockets>(VISOR_SOCKETS_1);
  auto* commands = host().find<visor_commands>(VISOR_COMMANDS_1);
  if (!sockets || !commands) {
    return failure(VISOR_ENOENT, "this host offers no sockets or no commands, and a gateway needs both");
  }
  api_ = std::make_unique<Api>(host(), commands, !settings_.token.empty());
  server_ = std::make_unique<http::Server>(host(), settings_.limits,
                                           [this](http::Exchange& exchange) { serve(exchange); });
  auto listening = listener_.listen(host(), sockets, settings_.listen,
                                    [this](visor_stream* stream) { server_->accept(stream); });
  if (!listening) {
    return failure(listening.error().status, "cannot listen on " + settings_.listen + ": " +
                                                 listening.error().text + " (port 0 takes any that is free)");
  }
  address_ = http_address(listener_.address());
  auto offered = host().offer(VISOR_HTTP_1, nullptr, static_cast<visor_http*>(&router_));
  if (offered) offered = open_networks();
  if (!offered) {
    listener_.close();
    networks_.clear();
    return offered;
  }
  host().info("listening on " + address_);
  return {};
}

Result<void> Gateway::open_networks() {
  for (const std::string& network : settings_.networks) {
    networks_.push_back(std::make_unique<http::NetworkServer>(
        host(), network, http::NetworkServer::kPort,
        http::NetworkServer::usual_limits(settings_.limits.message.body_bytes),
        [this](http::Exchange& exchange) { serve_peer(exchange); }));
    if (auto started = networks_.back()->start(); !started) return started;
  }
  return {};
}

void Gateway::stop(Stopped stopped) {
  listener_.close();
  host().withdraw(static_cast<visor_http*>(&router_));
  auto waiting = std::make_shared<size_t>(3 + networks_.size());
  auto one_less = [waiting, stopped = std::move(stopped)] {
    if (--*waiting == 0) stopped();
  };
  loading_idle_ = one_less;
  if (loading_ == 0) std::exchange(loading_idle_, nullptr)();
  api_->stop(one_less);
  server_->stop(one_less);
  for (const auto& network : networks_) network->stop(one_less);
}

Result<void> Gateway::configure(std::string_view json) {
  auto read = read_settings(json);
  if (!read) return std::unexpected(read.error());
  if (read->listen != settings_.listen) {
    return failure(VISOR_ENOSYS, "a new \"listen\" needs a restart; it stays " + settings_.listen);
  }
  if (read->networks != settings_.networks) {
    return failure(VISOR_ENOSYS, "new \"networks\" need a restart");
  }
  if (read->limits != settings_.limits) {
    return failure(VISOR_ENOSYS, "new \"limits\" need a restart");
  }
  bool other_root = read->root != settings_.root;
  settings_ = std::move(*read);
  guard_ = Guard(settings_);
  if (!other_root) return {};
  load_files([this](Result<void> loaded) {
    if (!loaded) host().warn("the page stays as it was: " + loaded.error().text);
  });
  return {};
}

/* The latest call decides what is served, whichever worker is done first. */
void Gateway::load_files(Loaded loaded) {
  uint64_t number = ++last_load_;
  if (settings_.root.empty()) {
    files_ = Files();
    return loaded({});
  }
  auto result = std::make_shared<Result<Files>>();
  ++loading_;
  run_work(
      host(), [result, folder = settings_.root] { *result = Files::read(folder); },
      [this, number, result, loaded = std::move(loaded)](Result<void> ran) {
        if (ran && !*result) ran = std::unexpected(result->error());
        if (ran && number == last_load_) files_ = std::move(**result);
        loaded(std::move(ran));
        if (--loading_ == 0 && loading_idle_) std::exchange(loading_idle_, nullptr)();
      });
}

/* --- requests ------------------------------------------------------------------------------ */

void Gateway::serve(http::Exchange& exchange) {
  auto route = router_.find(exchange.path());
  if (!route) return serve_page(exchange);
  ++route->requests;
  if (route->is_public()) return serve_public(exchange, *route);
  serve_guarded(exchange, route);
}

/* A peer of a network is anybody: neither page nor commands are for it. */
void Gateway::serve_peer(http::Exchange& exchange) {
  auto route = router_.find(exchange.path());
  if (!route || !route->is_public()) {
    return exchange.respond_error(
        404, VISOR_ENOENT,
        "nothing is at " + std::string(exchange.path()) + " for peers; there is " + what_there_is(true));
  }
  ++route->requests;
  serve_public(exchange, *route);
}

void Gateway::serve_public(http::Exchange& exchange, const Router::Route& route) {
  exchange.add_header("Access-Control-Allow-Origin", "*");
  exchange.add_header("Access-Control-Expose-Headers", "*");
  exchange.add_header("Cross-Origin-Resource-Policy", "cross-origin");
  if (is_preflight(exchange)) {
    exchange.add_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE");
    exchange.add_header("Access-Control-Allow-Headers", "*");
    exchange.add_header("Access-Control-Max-Age", "600");
    if (exchange.header("access-control-request-private-network") == "true") {
      exchange.add_header("Access-Control-Allow-Private-Network", "true");
    }
    return exchange.respond(204, nullptr, 0, {});
  }
  if (route.prefix == kBootstrapPrefix) return serve_bootstrap(exchange);
  route.fn(route.ctx, &exchange);
}

void Gateway::serve_guarded(http::Exchange& exchange, const std::shared_ptr<Router::Route>& route) {
  ++guarded_;
  if (auto refusal = guard_.check(claims_of(exchange))) {
    ++turned_away_;
    if (refusal->http == 401) exchange.add_header("WWW-Authenticate", "Bearer");
    return exchange.respond_error(refusal->http, VISOR_EPERM, refusal->text);
  }
  if (route->prefix == kApiPrefix) return api_->answer(exchange);
  route->fn(route->ctx, &exchange);
}

void Gateway::serve_bootstrap(http::Exchange& exchange) {
  if (exchange.path() != kBootstrapPrefix || (exchange.method() != "GET" && exchange.method() != "HEAD")) {
    return exchange.respond_error(404, VISOR_ENOENT, "expected GET /bootstrap.json");
  }
  visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("application/json"),
                          VISOR_TEXT("cache-control"), VISOR_TEXT("no-store")};
  exchange.respond(200, headers, 4, to_span(std::string_view(settings_.bootstrap)));
}

void Gateway::serve_page(http::Exchange& exchange) {
  if (files_.answer(exchange)) return;
  if (exchange.path() == "/") return welcome(exchange);
  exchange.respond_error(404, VISOR_ENOENT,
                         "nothing is at " + std::string(exchange.path()) + "; there is " + what_there_is());
}

std::string Gateway::what_there_is(bool to_anybody) const {
  std::string out = to_anybody ? "" : "/";
  router_.each([&](const Router::Route& route) {
    if (to_anybody && !route.is_public()) return;
    out += (out.empty() ? "" : ", ") + route.prefix;
  });
  return out;
}

/* For whoever opens a gateway that has no page. */
void Gateway::welcome(http::Exchange& exchange) {
  std::string body =
      "This is a visor's gateway, without a page: \"root\" in its configuration names the folder of one, "
      "and " +
      std::string(settings_.root.empty() ? "it is not set" : "that folder has no index.html") +
      ".\n\nThere is " + what_there_is() + "\nGET /api describes the commands.\n";
  visor_span headers[] = {VISOR_TEXT("content-type"), VISOR_TEXT("text/plain; charset=utf-8")};
  exchange.respond(200, headers, 2, to_span(std::string_view(body)));
}

}  // namespace visor::gateway
