#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "check/native/check.hpp"
#include "kernel/nearest.hpp"
#include "line.hpp"
#include "program.hpp"

namespace {

using namespace visor::programs;

constexpr const char* kExamples =
    "visor <instance> <command> [--key value]... calls a command of a running visor.  It prints a table on "
    "a\n"
    "terminal and JSON elsewhere (--table, --json), a line of JSON a value where values come one after the\n"
    "other.  VISOR_GATEWAY and VISOR_TOKEN stand for --gateway URL and --token TEXT.\n"
    "\n"
    "Examples:\n"
    "  visor run demo                      a whole network; open the address that it prints\n"
    "  visor run network                   a network for others to join\n"
    "  visor run visor --network http://192.0.2.7:8080    a visor in it\n"
    "  visor run --config visor.json       the plugins that a file lists\n"
    "  visor transports list               of the visor behind http://127.0.0.1:8080\n"
    "  visor kernel log --level warn --gateway http://127.0.0.1:8081\n"
    "\n"
    "Exit codes:\n";

std::string footer() {
  std::string out = commands_of_plugins() + "\n" + kExamples;
  for (const ExitCodeText& code : kExitCodes) {
    std::string number = std::to_string(code.code);
    out += "  " + number + std::string(5 - number.size(), ' ') + code.meaning + "\n";
  }
  return out;
}

void add_common(CLI::App* app, Options& options) {
  app->add_option("--plugin-dir", options.plugin_dir, "Folder with visor-<name>.so")->type_name("FOLDER");
}

std::string expect_one_address(std::string& given) {
  std::string wrong = CLI::ValidIPV4(given);
  if (wrong.empty() && given != "0.0.0.0") return {};
  return "expected the IPv4 address by which others reach this machine, such as 192.0.2.7; got " + given;
}

void add_run(CLI::App& app, Options& options) {
  auto* run = app.add_subcommand("run", "Start a visor and stay until SIGINT or SIGTERM");
  run->footer(
      "Examples:\n"
      "  visor run demo --port 9000\n"
      "  visor run network --address 192.0.2.7 --token \"$(openssl rand -hex 16)\"\n"
      "  visor run visor --network http://192.0.2.7:8080\n"
      "  visor run --config visor.json --log-level debug");
  auto* profile =
      run->add_option("profile", options.profile,
                      "demo: a whole network and a visor in it; network: a network for others to join; "
                      "visor: joins the network behind --network")
          ->check(CLI::IsMember({"demo", "network", "visor"}));
  run->add_option("--config", options.config_file, "Start what this file lists")
      ->type_name("FILE")
      ->excludes(profile);
  run->add_option("--data", options.data, "Folder for keys and data")->type_name("FOLDER");
  run->add_option("--network", options.network, "visor: gateway of the network that it joins")
      ->type_name("URL");
  run->add_option("--address", options.address,
                  "profiles: IP address on which everything listens, and that others are told")
      ->check(CLI::Validator(expect_one_address, "IP"))
      ->type_name("IP")
      ->capture_default_str();
  run->add_option("--port", options.port,
                  "profiles: port of the gateway, the demo's second has the next; 0: any")
      ->capture_default_str();
  run->add_option("--token", options.token,
                  "profiles: what the gateway asks for before it takes commands; else VISOR_TOKEN")
      ->type_name("TEXT");
  run->add_option("--interval-ms", options.interval_ms,
                  "demo, network: how often everything is measured and published; 2000 in the demo, 60000 in "
                  "a network")
      ->check(CLI::Range(1000, 3600000));
  run->add_option("--page", options.page, "demo, network: folder of the page")->type_name("FOLDER");
  run->add_option("--log-level", options.log_level, "Least level shown: trace, debug, info, warn or error")
      ->capture_default_str();
  run->add_flag("--log-json", options.log_json, "Log as JSON lines");
  add_common(run, options);
}

/* CLI11 takes -1 for 2^64-1, whatever is larger for that too, and 010 for 8. */
std::string expect_uint64(std::string& given) {
  uint64_t value = 0;
  auto [end, failed] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (failed != std::errc() || end != given.data() + given.size()) {
    return "expected a whole number from 0 to 18446744073709551615, got " + given;
  }
  given = std::to_string(value);
  return {};
}

void add_check(CLI::App& app, Options& options) {
  auto* check =
      app.add_subcommand("check", "Does a plugin keep to the contract?  A process a check, a line a check");
  check->add_option("file", options.file, "visor-<name>.so")->type_name("FILE")->required();
  check
      ->add_option("--with", options.check_with,
                   "Another plugin to run beside it, which offers what it needs")
      ->type_name("FILE");
  check
      ->add_option("--config", options.check_config,
                   "Its configuration, JSON, or @FILE; by default its schema's first "
                   "example, or {}")
      ->type_name("JSON");
  check->add_option("--only", options.check_only, "A group, or group/check; more than once for more")
      ->type_name("GROUP");
  check->add_option("--seed", options.check_seed, "What is random follows from it")
      ->transform(CLI::Validator(expect_uint64, "NUMBER"))
      ->capture_default_str();
  check
      ->add_option("--timeout", options.check_timeout_s,
                   "Seconds for one check; some have a few times as much")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  check->add_flag("--json", options.json, "One JSON object instead of lines");
  std::string groups;
  for (const visor::check::Group& group : visor::check::groups()) {
    groups += std::string("  ") + group.name + std::string(10 - std::strlen(group.name), ' ') +
              group.summary + "\n";
  }
  check->footer(
      "Groups:\n" + groups +
      "\nWhat it needs is taken from the visor-*.so beside it, unless --with says otherwise.  In --config, "
      "@PEER_KEY@,\n@PEER_HOST@ and @OWN_HOST@ stand for the other of the two visors that the group net "
      "runs, "
      "and their machines.\nIts code runs as you; checks work in folders below TMPDIR.\n"
      "\nExamples:\n"
      "  visor check visor-echo.so\n"
      "  visor check visor-feeds.so --only contract --only life/thousand --seed 7\n"
      "  visor check visor-echo.so --config '{\"greeting\": \"hello\"}' --json\n"
      "\nExit codes: 0 no check failed, 1 one failed, 2 not understood, 3 what it needs is missing, so "
      "that "
      "only its\nfile was checked.");
}

void add_described(CLI::App* app, Options& options) {
  app->add_flag("--running", options.running,
                "Of the visor that runs, with its instances' names, instead of the plugins that there are");
  app->add_option("--gateway", options.gateway, "Where that visor's gateway is")->type_name("URL");
  app->add_option("--token", options.token, "Its token")->type_name("TEXT");
  add_common(app, options);
}

void add_descriptions(CLI::App& app, Options& options) {
  auto* shells = app.add_subcommand("completions", "Print a script that completes this program's words");
  shells->add_option("shell", options.shell, "Of which shell")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  add_described(shells, options);
  shells->footer(
      "Examples:\n  visor completions bash > /usr/share/bash-completion/completions/visor\n"
      "  visor completions zsh > /usr/share/zsh/site-functions/_visor\n"
      "  visor completions fish > ~/.config/fish/completions/visor.fish");
  auto* man = app.add_subcommand("man", "Print the man page visor(1), in roff");
  add_described(man, options);
  man->footer("Examples:\n  visor man > /usr/share/man/man1/visor.1");
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    out.push_back(sub->get_name());
  }
  return out;
}

/* One sentence, with the option that was meant. */
int not_understood(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::vector<std::string> words = app.remaining(true), known;
  for (const OptionWord& option : words_of_app(*at).options) known.push_back("--" + option.name);
  if (!words.empty() && words.front().starts_with('-')) {
    std::string typed = words.front().substr(0, words.front().find('='));
    text = "there is no option " + typed + "; " + visor::kernel::suggestion(typed, known);
  }
  if (&app != at) text = "visor " + at->get_name() + ": " + text;
  report({VISOR_EINVAL, text});
  return kUsage;
}

int dispatch(const CLI::App& app, const Options& options) {
  std::string name = app.get_subcommands().front()->get_name();
  if (name == "completions") return print_completions(options, words_of_app(app));
  if (name == "man") return print_man_page(options, words_of_app(app));
  if (name == "keygen") return keygen(options);
  if (name == "plugins") return list_plugins(options);
  if (name == "check") return check_plugin(options);
  if (name == "config") return print_config(options);
  if (!options.config_file.empty()) return run_config(options);
  if (options.profile == "visor" && !options.network.empty()) return run_visor(options);
  if (options.profile == "demo" || options.profile == "network") return run_network(options);
  report({VISOR_EINVAL, options.profile.empty()
                            ? "expected visor run demo, network or visor, or visor run --config FILE"
                            : "visor run visor joins a network; say where its gateway is with --network URL, "
                              "such as http://127.0.0.1:8080"});
  return kUsage;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("A visor: a node of a relay network that measures its own connections.", "visor");
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", "visor " VISOR_VERSION, "Print the version");
  add_run(app, options);
  app.add_subcommand("keygen", "Write a new identity and print its public key")
      ->add_option("file", options.file,
                   "Where the secret key goes; never overwritten, folders on the way are made")
      ->type_name("FILE")
      ->required();
  add_common(app.add_subcommand("plugins", "List the plugins that can be started"), options);
  add_check(app, options);
  auto* config = app.add_subcommand("config", "The configuration that each plugin takes, as JSON Schema");
  config->add_flag("--print")->description("Print it on stdout")->required();
  add_common(config, options);

  add_descriptions(app, options);

  /* Anything that is no subcommand is an instance of a running visor. */
  std::vector<std::string> words(argv + 1, argv + argc), subcommands = names_of(app);
  if (!words.empty() && words.front() == "help") { /* visor help transports add */
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::string first = first_word(words);
  if (!first.empty() && std::ranges::find(subcommands, first) == subcommands.end()) {
    return call_command(words, subcommands);
  }
  if (words.empty()) {
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend())); /* it reads them backwards */
  } catch (const CLI::Success& asked) {
    return app.exit(asked); /* help, the version */
  } catch (const CLI::ParseError& error) {
    return not_understood(app, error);
  }
  return dispatch(app, options);
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = run(argc, argv);
  if (std::fflush(stdout) == 0 || errno == EPIPE || exit_code != kDone) return exit_code;
  return report({VISOR_EIO, std::string("stdout takes no more: ") + std::strerror(errno)});
}
