#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway_client.hpp"
#include "kernel/native/loop.hpp"
#include "kernel/native/signals.hpp"
#include "kernel/native/sockets.hpp"
#include "kernel/native/stderr_log.hpp"
#include "lib/codec/parse_json.hpp"
#include "network.hpp"
#include "program.hpp"

namespace visor::programs {
namespace {

namespace fs = std::filesystem;
using kernel::native::UvLoop;

constexpr size_t kMaxBootstrapBytes = 1u << 20;

/* Something that is started, runs until a signal, and is stopped. */
struct Service {
  std::function<void(std::function<void(Result<void>)>)> start;
  std::function<void(std::function<void()>)> stop;
};

int run_until_stopped(UvLoop& loop, const Service& service) {
  int exit_code = kDone;
  bool stopping = false;
  auto stop = [&] {
    if (std::exchange(stopping, true)) std::_Exit(kInterrupted); /* asked twice: at once */
    service.stop([&] { loop.stop(); });
  };
  kernel::native::StopSignals signals(loop, [&](int) { stop(); });
  loop.post([&] {
    service.start([&](Result<void> started) {
      if (started || stopping) return;
      exit_code = report(started.error());
      loop.stop();
    });
  });
  loop.run();
  return exit_code;
}

Result<std::string> read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return failure(VISOR_ENOENT, "cannot read the configuration " + name + ": " + std::strerror(errno));
  }
  return text.str();
}

/* Whole or not at all.  That it could not be kept is told: it is needed only later. */
void keep(const std::string& file, std::string_view text) {
  std::error_code failed;
  fs::create_directories(fs::path(file).parent_path(), failed);
  std::ofstream out(file + ".new", std::ios::binary);
  out << text;
  out.close();
  if (out) fs::rename(file + ".new", file, failed);
  if (!out || failed) report({VISOR_EIO, "cannot write " + file});
}

/* $XDG_DATA_HOME/visor/<name>, ~/.local/share/visor/<name> or, without a home, ./visor-data/<name>. */
std::string default_data(const std::string& name) {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data && *data) return (fs::path(data) / "visor" / name).string();
  const char* home = std::getenv("HOME");
  if (home && *home) return (fs::path(home) / ".local/share/visor" / name).string();
  return (fs::path("visor-data") / name).string();
}

std::string data_folder(const Options& options, const std::string& name) {
  return options.data.empty() ? default_data(name) : options.data;
}

/* A visor with this configuration, until a signal; `name` is what errors call it. */
int run_kernel(const Options& options, std::string config, std::string name, std::string directory) {
  auto level = kernel::level_from_name(options.log_level);
  if (!level) return report(level.error());
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return report(filled.error());

  UvLoop loop;
  kernel::KernelOptions kernel_options{.loop = loop, .catalog = catalog, .config = std::move(config)};
  kernel_options.config_name = std::move(name);
  kernel_options.read_key = read_or_make_key;
  kernel_options.directory = std::move(directory);
  kernel_options.log = kernel::native::stderr_log(options.log_json);
  kernel_options.log_level = *level;
  kernel_options.services = {kernel::native::sockets(loop)};
  auto kernel = std::make_unique<kernel::Kernel>(std::move(kernel_options));
  return run_until_stopped(loop, {.start = [&](auto started) { kernel->start(std::move(started)); },
                                  .stop =
                                      [&](auto stopped) {
                                        kernel->stop([&, stopped] {
                                          kernel.reset();
                                          stopped();
                                        });
                                      }});
}

Place place_of(const Options& options) {
  const char* secret = std::getenv("VISOR_TOKEN");
  return {.address = options.address,
          .token = options.token.empty() && secret ? secret : options.token,
          .directory = data_folder(options, options.profile),
          .page = options.page.empty() ? beside_program({"../share/visor/web", "../../../wasm/web"})
                                       : options.page};
}

/* What the network says of itself, kept in `file` for a start while its gateway is away. */
Result<Bootstrap> find_network(const std::string& gateway, const std::string& file) {
  auto text = GatewayClient(gateway_options(gateway, "" /* ours is not theirs */)).get("/bootstrap.json");
  if (!text && text.error().status == VISOR_ECLOSED) {
    text = failure(VISOR_ECLOSED, "nobody answers at " + gateway +
                                      "; start a network there with `visor run network`, or name the gateway "
                                      "of another with --network URL");
    if (auto kept = read_file(file)) {
      report({VISOR_ECLOSED, text.error().text + "; till then what it said last is used, " + file});
      text = std::move(kept);
    }
  }
  if (!text) return std::unexpected(text.error());
  return codec::parse_json_object(
      *text, {.what = gateway + "/bootstrap.json", .max_bytes = kMaxBootstrapBytes, .max_depth = 8});
}

}  // namespace

int run_config(const Options& options) {
  auto config = read_file(options.config_file);
  if (!config) return report(config.error());
  return run_kernel(options, std::move(*config), options.config_file, data_folder(options, "visor"));
}

int run_visor(const Options& options) {
  Place place = place_of(options);
  auto network = find_network(options.network, place.directory + "/network.json");
  if (!network) return report(network.error()), exit_code_of(network.error());
  keep(place.directory + "/network.json", boost::json::serialize(*network));
  return run_kernel(options, visor_config(place, options.port, *network),
                    "the configuration for the network of " + options.network, place.directory);
}

int run_network(const Options& options) {
  auto level = kernel::level_from_name(options.log_level);
  if (!level) return report(level.error());
  bool demo = options.profile == "demo";
  Network::Options network_options{.place = place_of(options),
                                   .port = options.port,
                                   .interval_ms = options.interval_ms.value_or(demo ? 2000 : 60'000),
                                   .with_visor = demo};
  if (demo && network_options.place.page.empty()) {
    return report({VISOR_ENOENT,
                   "the page was not built; `make build` builds it, or say where it is with --page FOLDER"});
  }
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return report(filled.error());

  UvLoop loop;
  Network network({.loop = loop,
                   .catalog = catalog,
                   .services = {kernel::native::sockets(loop)},
                   .read_key = read_or_make_key,
                   .log = kernel::native::stderr_log(options.log_json),
                   .log_level = *level},
                  network_options);
  bool page = !network_options.place.page.empty();
  auto start = [&](std::function<void(Result<void>)> started) {
    network.start([started, page](Result<std::string> address) {
      if (!address) return started(std::unexpected(address.error()));
      if (page) fmt::print("a tab opened here is a visor: {}\n", *address);
      fmt::print("another visor joins with: visor run visor --network {} --port 0\n", *address);
      std::fflush(stdout);
      started({});
    });
  };
  return run_until_stopped(loop,
                           {.start = start, .stop = [&](auto stopped) { network.stop(std::move(stopped)); }});
}

}  // namespace visor::programs
