#include <CLI/CLI.hpp>

#include "program.hpp"

namespace {

using namespace visor::programs;

constexpr const char* kExamples =
    "Examples:\n"
    "  visor run demo                        a whole network on this machine; open the address that it "
    "prints\n"
    "  visor run --config visor.json         the plugins that a file lists\n"
    "  visor transports list                 a command of the visor that runs behind http://127.0.0.1:8080\n"
    "  visor kernel log --gateway http://127.0.0.1:8081\n"
    "\n"
    "visor <instance> <command> [--key value]... calls a command of a running visor and prints what it "
    "gives, as\n"
    "JSON, a line a value.  VISOR_GATEWAY and VISOR_TOKEN stand for --gateway URL and --token TEXT.\n"
    "\n"
    "Exit codes: 0 done, 1 failed (stderr says why), 2 not understood, 130 stopped by a second signal.";

void add_common(CLI::App* app, Options& options) {
  app->add_option("--plugin-dir", options.plugin_dir, "Folder with visor-<name>.so")->type_name("FOLDER");
}

void add_run(CLI::App& app, Options& options) {
  auto* run = app.add_subcommand("run", "Start a visor and stay until SIGINT or SIGTERM");
  run->footer("Examples:\n  visor run demo --port 9000\n  visor run --config visor.json --log-level debug");
  auto* profile = run->add_option("profile", options.profile, "A ready-made network: demo")
                      ->check(CLI::IsMember({"demo"}));
  run->add_option("--config", options.config_file, "Start what this file lists")
      ->type_name("FILE")
      ->excludes(profile);
  run->add_option("--data", options.data, "Folder for keys and data")->type_name("FOLDER");
  run->add_option("--port", options.port,
                  "demo: port of the first gateway, the second has the next; 0: any two")
      ->capture_default_str();
  run->add_option("--interval-ms", options.interval_ms,
                  "demo: how often everything is measured and published")
      ->check(CLI::Range(1000, 3600000))
      ->capture_default_str();
  run->add_option("--page", options.page, "demo: folder of the page")->type_name("FOLDER");
  run->add_option("--log-level", options.log_level, "Least level shown: trace, debug, info, warn or error")
      ->capture_default_str();
  run->add_flag("--log-json", options.log_json, "Log as JSON lines");
  add_common(run, options);
}

int dispatch(const CLI::App& app, const Options& options) {
  std::string name = app.get_subcommands().front()->get_name();
  if (name == "keygen") return keygen(options);
  if (name == "plugins") return list_plugins(options);
  if (name == "check") return check_plugin(options);
  if (name == "config") return print_config(options);
  if (options.profile == "demo") return run_demo(options);
  if (!options.config_file.empty()) return run_config(options);
  report({VISOR_EINVAL, "expected visor run demo, or visor run --config FILE"});
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A visor: a node of a relay network that measures its own connections.", "visor");
  app.footer(kExamples);
  app.require_subcommand(1);
  add_run(app, options);
  app.add_subcommand("keygen", "Write a new identity and print its public key")
      ->add_option("file", options.file, "Where the secret key goes; never overwritten")
      ->required();
  add_common(app.add_subcommand("plugins", "List the plugins that can be started"), options);
  auto* check = app.add_subcommand("check", "Read a plugin's file, load it and say what it is");
  check->add_option("file", options.file, "visor-<name>.so")->required();
  auto* config = app.add_subcommand("config", "The configuration that each plugin takes, as JSON Schema");
  config->add_flag("--print")->description("Print it on stdout")->required();
  add_common(config, options);

  /* Anything that is no subcommand is an instance of a running visor. */
  std::string first = argc > 1 ? argv[1] : "";
  auto known = app.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == first; });
  if (!first.empty() && first[0] != '-' && known.empty()) {
    return call_command({argv + 1, argv + argc});
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return dispatch(app, options);
}
