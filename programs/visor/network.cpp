#include "demo.hpp"

#include <boost/json.hpp>

#include "ask.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;
using kernel::Kernel;

constexpr uint16_t kTelemetryPort = 50;

json::value plugin(std::string_view name, json::object config, std::string_view as = {}) {
  json::object row{{"plugin", name}, {"config", std::move(config)}};
  if (!as.empty()) row["as"] = as;
  return row;
}

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

class Demo::Impl {
 public:
  Impl(Platform platform, Options options) : platform_(std::move(platform)), options_(std::move(options)) {}

  void start(Started started) {
    started_ = std::move(started);
    start_kernel("tpd", tpd_config(), options_.port, [this](Kernel& tpd) {
      tpd_ = &tpd;
      ask_address(tpd, "gateway", "/address", [this](std::string address) {
        tpd_http_ = std::move(address);
        ask_address(*tpd_, "transports", "/listening/stcpr", [this](std::string tcp) {
          tpd_tcp_ = std::move(tcp);
          // Its own address is known only now; by it the directory of relays is asked that it has itself.
          if (auto named = tpd_->configure("dmsg", json::serialize(known_dmsg_config())); !named)
            return fail(named.error());
          start_kernel("relay", relay_config(), 0, [this](Kernel&) { start_visor(); });
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
  void start_visor() {
    start_kernel("visor", visor_config(), next_port(), [this](Kernel& visor) {
      ask_address(visor, "gateway", "/address",
                  [this, &visor](std::string address) { publish_bootstrap(visor, address); });
    });
  }

  // Now that all addresses are known, the first gateway tells them to whoever opens the page.
  void publish_bootstrap(const Kernel& visor, std::string_view visor_http) {
    json::object gateway = tpd_gateway_config();
    gateway["bootstrap"] = bootstrap(visor, visor_http);
    if (auto done = tpd_->configure("gateway", json::serialize(gateway)); !done) return fail(done.error());
    std::exchange(started_, nullptr)(tpd_http_);
  }

  json::object bootstrap(const Kernel& visor, std::string_view visor_http) const {
    auto peer = [](const Kernel& kernel, std::string_view name, std::string_view http) {
      std::string address = "ws" + std::string(http.substr(4)) + "/skywire";
      return json::object{
          {"name", name}, {"pk", to_hex(kernel.key())}, {"type", "swsr"}, {"address", address}};
    };
    return {{"interval_ms", options_.interval_ms},
            {"tpd", json::object{{"pk", to_hex(tpd_->key())},
                                 {"network", "skynet"},
                                 {"port", kTelemetryPort},
                                 {"metrics", "/metrics"}}},
            {"peers", json::array{peer(*tpd_, "TPD", tpd_http_), peer(visor, "native visor", visor_http)}},
            {"dmsg", dmsg_config()},
            {"services", json::object{{"discovery", tpd_http_}}}};
  }

  json::object dmsg_config() const { return {{"discovery", tpd_http_}}; }

  json::object gateway_config(uint16_t port) const {
    return {{"listen", "tcp://" + options_.address + ":" + std::to_string(port)}};
  }
  json::object tpd_gateway_config() const {
    json::object gateway = gateway_config(options_.port);
    gateway["root"] = options_.page;
    gateway["networks"] = json::array{"dmsg"};
    return gateway;
  }
  json::object known_dmsg_config() const {
    json::object dmsg = dmsg_config();
    dmsg["interval_ms"] = options_.interval_ms;
    return dmsg;
  }
  uint16_t next_port() const {
    return options_.port == 0 ? uint16_t{0} : static_cast<uint16_t>(options_.port + 1);
  }

  std::string tpd_config() const {
    uint64_t interval = options_.interval_ms;
    return with_identity(
        "tpd",
        {plugin("storage_leveldb", {}, "disk"), plugin("gateway", tpd_gateway_config()), plugin("fetch", {}),
         plugin("dmsg", {{"interval_ms", interval}}),
         plugin("transports", {{"listen", "tcp://" + options_.address + ":0"}, {"interval_ms", interval}}),
         plugin("dmsg_discovery", {{"drive", "disk"}, {"test_mode", true}, {"interval_ms", interval}}),
         plugin("service_discovery", {{"drive", "disk"}, {"test_mode", true}, {"interval_ms", interval}}),
         plugin("feeds", {{"drive", "disk"}}),
         plugin("transport_discovery", {{"network", "skynet"},
                                        {"port", kTelemetryPort},
                                        {"http_network", "dmsg"},
                                        {"drive", "disk"},
                                        {"interval_ms", interval}})});
  }

  std::string relay_config() const {
    return with_identity(
        "relay", {plugin("fetch", {}), plugin("dmsg_server", {{"listen", "tcp://" + options_.address + ":0"},
                                                              {"discovery", tpd_http_},
                                                              {"interval_ms", options_.interval_ms}})});
  }

  std::string visor_config() const {
    uint64_t interval = options_.interval_ms;
    std::string tpd = to_hex(tpd_->key());
    json::array peers{json::object{{"pk", tpd}, {"type", "stcpr"}, {"address", tpd_tcp_}}};
    return with_identity(
        "visor",
        {plugin("storage_leveldb", {}, "disk"), plugin("gateway", gateway_config(next_port())),
         plugin("transports", {{"listen", "tcp://" + options_.address + ":0"},
                               {"interval_ms", interval},
                               {"peers", std::move(peers)},
                               {"auto", json::object{{"discovery", tpd_http_}}},
                               {"public", json::object{{"discovery", tpd_http_}}}}),
         plugin("fetch", {}), plugin("dmsg", known_dmsg_config()), plugin("feeds", {{"drive", "disk"}}),
         plugin("chat", {{"drive", "disk"},
                         {"directory", json::object{{"discovery", tpd_http_}, {"interval_ms", interval}}}}),
         plugin("telemetry",
                {{"tpd", tpd}, {"network", "skynet"}, {"port", kTelemetryPort}, {"interval_ms", interval}})});
  }

  std::string with_identity(std::string_view name, json::array plugins) const {
    std::string directory = options_.directory + "/" + std::string(name);
    return json::serialize(json::object{{"identity", json::object{{"file", directory + "/visor.key"}}},
                                        {"directory", directory},
                                        {"plugins", std::move(plugins)}});
  }

  // Starts the next of the network's visors; `then` when it runs.  `port` is the one that it is to listen on.
  void start_kernel(std::string name, std::string config, uint16_t port, std::function<void(Kernel&)> then) {
    kernel::KernelOptions options{
        .loop = platform_.loop, .catalog = platform_.catalog, .config = std::move(config)};
    options.config_name = "the demo's configuration of the " + name;
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
      error.text += " (visor run demo --port N; --port 0 takes any)";
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

Demo::Demo(Platform platform, Options options)
    : impl_(std::make_unique<Impl>(std::move(platform), std::move(options))) {}
Demo::~Demo() = default;
void Demo::start(Started started) {
  impl_->start(std::move(started));
}
void Demo::stop(std::function<void()> stopped) {
  impl_->stop(std::move(stopped));
}

}  // namespace visor::programs
