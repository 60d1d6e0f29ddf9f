#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "demo.hpp"
#include "kernel/native/loop.hpp"
#include "kernel/native/signals.hpp"
#include "kernel/native/sockets.hpp"
#include "kernel/native/stderr_log.hpp"
#include "program.hpp"

namespace visor::programs {
namespace {

namespace fs = std::filesystem;
using kernel::native::UvLoop;

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

/* $XDG_DATA_HOME/visor/<name>, ~/.local/share/visor/<name> or, without a home, ./visor-data/<name>. */
std::string default_data(const std::string& name) {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data && *data) return (fs::path(data) / "visor" / name).string();
  const char* home = std::getenv("HOME");
  if (home && *home) return (fs::path(home) / ".local/share/visor" / name).string();
  return (fs::path("visor-data") / name).string();
}

}  // namespace

int run_config(const Options& options) {
  auto level = kernel::level_from_name(options.log_level);
  if (!level) return report(level.error());
  auto config = read_file(options.config_file);
  if (!config) return report(config.error());
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return report(filled.error());

  UvLoop loop;
  kernel::KernelOptions kernel_options{.loop = loop, .catalog = catalog, .config = std::move(*config)};
  kernel_options.config_name = options.config_file;
  kernel_options.read_key = read_or_make_key;
  kernel_options.directory = options.data.empty() ? default_data("visor") : options.data;
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

int run_demo(const Options& options) {
  auto level = kernel::level_from_name(options.log_level);
  if (!level) return report(level.error());
  Demo::Options demo_options{.address = options.address,
                             .port = options.port,
                             .interval_ms = options.interval_ms,
                             .directory = options.data.empty() ? default_data("demo") : options.data,
                             .page = options.page};
  if (demo_options.page.empty())
    demo_options.page = beside_program({"../share/visor/web", "../../../wasm/web"});
  if (demo_options.page.empty()) {
    return report({VISOR_ENOENT,
                   "the page was not built; `make build` builds it, or say where it is with --page FOLDER"});
  }
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return report(filled.error());

  UvLoop loop;
  Demo demo({.loop = loop,
             .catalog = catalog,
             .services = {kernel::native::sockets(loop)},
             .read_key = read_or_make_key,
             .log = kernel::native::stderr_log(options.log_json),
             .log_level = *level},
            demo_options);
  auto start = [&](std::function<void(Result<void>)> started) {
    demo.start([started](Result<std::string> address) {
      if (!address) return started(std::unexpected(address.error()));
      fmt::print("a tab opened here is a visor: {}\n", *address);
      std::fflush(stdout);
      started({});
    });
  };
  return run_until_stopped(loop,
                           {.start = start, .stop = [&](auto stopped) { demo.stop(std::move(stopped)); }});
}

}  // namespace visor::programs
