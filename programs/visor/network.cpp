#include "network.hpp"

#include "ask.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;
using kernel::Kernel;

// The text at a JSON pointer in what a `status` command gave.
Result<std::string> text_at(const std::string& status, std::string_view pointer) {
  json::error_code failed;
  json::value value = json::parse(status, failed);
  const json::value* found = failed ? nullptr : value.find_pointer(pointer, failed);
  if (!found || !found->is_string()) {
    return failure(VISOR_EINTERNAL,
                   "expected text at " + std::string(pointer) + " in a status, got " + status);
  }
  return std::string(found->get_string());
}

}  // namespace

class Network::Impl {
 public:
  Impl(Platform platform, Options options) : platform_(std::move(platform)), options_(std::move(options)) {}

  void start(Started started) {
    started_ = std::move(started);
    std::string config = tpd_config(options_.place, tpd_gateway(), options_.interval_ms);
    start_kernel("tpd", config, options_.port, [this](Kernel& tpd) {
      tpd_ = &tpd;
      ask_address(tpd, "gateway", "/address", [this](std::string address) {
        tpd_http_ = std::move(address);
        ask_address(*tpd_, "transports", "/listening/stcpr", [this](std::string tcp) {
          tpd_tcp_ = std::move(tcp);
          start_relay();
        });
      });
    });
  }

  void stop(std::function<void()> stopped) {
    if (running_.empty()) return stopped();
    running_.back()->stop([this, stopped = std::move(stopped)] {
      running_.pop_back();
      stop(stopped);
    });
  }

 private:
  void start_relay() {
    // The TPD's own address is known only now; by it the directory of relays is asked that it has itself.
    json::object relays{{"discovery", tpd_http_}, {"interval_ms", options_.interval_ms}};
    if (auto named = tpd_->configure("dmsg", json::serialize(relays)); !named) return fail(named.error());
    start_kernel("relay", relay_config(options_.place, tpd_http_, options_.interval_ms), 0, [this](Kernel&) {
      if (options_.with_visor) return start_visor();
      publish_bootstrap({peer(*tpd_, "TPD", tpd_http_)});
    });
  }

  void start_visor() {
    uint16_t port = options_.port == 0 ? uint16_t{0} : static_cast<uint16_t>(options_.port + 1);
    json::object tpd{{"pk", to_hex(tpd_->key())}, {"type", "stcpr"}, {"address", tpd_tcp_}};
    start_kernel("visor", visor_config(options_.place, port, bootstrap({std::move(tpd)})), port,
                 [this](Kernel& visor) {
                   ask_address(visor, "gateway", "/address", [this, &visor](std::string address) {
                     publish_bootstrap({peer(*tpd_, "TPD", tpd_http_), peer(visor, "native visor", address)});
                   });
                 });
  }

  // Now that all addresses are known, the first gateway tells them to whoever joins.
  void publish_bootstrap(json::array peers) {
    json::object gateway = tpd_gateway();
    gateway["bootstrap"] = bootstrap(std::move(peers));
    if (auto done = tpd_->configure("gateway", json::serialize(gateway)); !done) return fail(done.error());
    std::exchange(started_, nullptr)(tpd_http_);
  }

  static json::object peer(const Kernel& kernel, std::string_view name, std::string_view http) {
    std::string address = "ws" + std::string(http.substr(4)) + "/skywire";
    return {{"name", name}, {"pk", to_hex(kernel.key())}, {"type", "swsr"}, {"address", address}};
  }

  Bootstrap bootstrap(json::array peers) const {
    return {{"interval_ms", options_.interval_ms},
            {"tpd", json::object{{"pk", to_hex(tpd_->key())},
                                 {"network", "skynet"},
                                 {"port", kTelemetryPort},
                                 {"metrics", "/metrics"}}},
            {"peers", std::move(peers)},
            {"dmsg", json::object{{"discovery", tpd_http_}}},
            {"services", json::object{{"discovery", tpd_http_}}}};
  }

  json::object tpd_gateway() const {
    json::object gateway = gateway_config(options_.place, options_.port);
    if (!options_.place.page.empty()) gateway["root"] = options_.place.page;
    gateway["networks"] = json::array{"dmsg"};
    return gateway;
  }

  // Starts the next of the network's visors; `then` when it runs.  `port` is the one that it is to listen on.
  void start_kernel(std::string name, std::string config, uint16_t port, std::function<void(Kernel&)> then) {
    kernel::KernelOptions options{
        .loop = platform_.loop, .catalog = platform_.catalog, .config = std::move(config)};
    options.config_name = "the profile's configuration of the " + name;
    options.read_key = platform_.read_key;
    options.name = std::move(name);
    options.log = platform_.log;
    options.log_level = platform_.log_level;
    options.services = platform_.services;
    starting_ = std::make_unique<Kernel>(std::move(options));
    starting_->start([this, port, then = std::move(then)](Result<void> result) {
      if (!result) {
        starting_.reset();
        return fail(advise(result.error(), port));
      }
      running_.push_back(std::move(starting_));
      then(*running_.back());
    });
  }

  void ask_address(Kernel& kernel, const char* instance, const char* pointer,
                   std::function<void(std::string)> then) {
    ask(kernel.host(), kernel.commands(), instance, "status",
        [this, pointer, then = std::move(then)](Result<std::string> status) {
          Result<std::string> value = status ? text_at(*status, pointer) : std::move(status);
          if (!value) return fail(value.error());
          then(std::move(*value));
        });
  }

  // A gateway that cannot have its port is told apart by its status; the operator's way out is --port.
  static Error advise(Error error, uint16_t port) {
    if (error.status == VISOR_EEXIST && port != 0)
      error.text += " (choose another with --port N; --port 0 takes any)";
    return error;
  }

  void fail(Error error) {
    stop([this, error = std::move(error)] {
      if (auto started = std::exchange(started_, nullptr)) started(std::unexpected(error));
    });
  }

  Platform platform_;
  Options options_;
  Started started_;
  std::unique_ptr<Kernel> starting_;
  std::vector<std::unique_ptr<Kernel>> running_;  // in the order of their start
  Kernel* tpd_ = nullptr;                         // the first of them
  std::string tpd_http_, tpd_tcp_;
};

Network::Network(Platform platform, Options options)
    : impl_(std::make_unique<Impl>(std::move(platform), std::move(options))) {}
Network::~Network() = default;
void Network::start(Started started) {
  impl_->start(std::move(started));
}
void Network::stop(std::function<void()> stopped) {
  impl_->stop(std::move(stopped));
}

}  // namespace visor::programs
