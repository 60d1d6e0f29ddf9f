/* What the subcommands of `visor` share: options, the plugins that there are, where things lie. */
#ifndef VISOR_PROGRAMS_PROGRAM_HPP
#define VISOR_PROGRAMS_PROGRAM_HPP
#include <optional>
#include <string>
#include <vector>

#include "kernel/catalog.hpp"
#include "kernel/log.hpp"
#include "lib/crypto/secret.hpp"
#include "words.hpp"

namespace visor::programs {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kUnmet = 3, kInterrupted = 130 };

struct ExitCodeText {
  int code;
  const char* meaning;
};
inline constexpr ExitCodeText kExitCodes[] = {
    {kDone, "Done."},
    {kFailed, "Failed; stderr says why in a sentence."},
    {kUsage, "Not understood: an unknown word, or arguments that do not fit the command."},
    {kUnmet, "What it needs is not there: no visor answers at the gateway's address, or another plugin."},
    {kInterrupted, "Interrupted by SIGINT or SIGTERM; visor run ends so at the second one only."},
};

struct Options {
  std::string plugin_dir; /* empty: beside the program */
  std::string log_level = "info";
  bool log_json = false;

  /* run */
  std::string profile, config_file, data, page;
  std::string network; /* visor: gateway of the network that it joins */
  std::string address = "127.0.0.1";
  uint16_t port = 8080;
  std::optional<uint64_t> interval_ms; /* empty: the profile's own */

  /* keygen, check */
  std::string file;

  /* check */
  std::vector<std::string> check_with, check_only;
  std::optional<std::string> check_config;
  uint64_t check_seed = 1, check_timeout_s = 60;
  bool json = false;

  /* run: of the gateways that it starts; completions, man: of the one that is asked */
  std::string token;

  /* completions, man */
  std::string shell, gateway;
  bool running = false; /* of the visor that runs, instead of the plugins that there are */
};

/* Fills the catalog in this program's own way: visor loads shared objects (catalog_shared.cpp), visor-static
 * has its plugins linked in (catalog_bundle.cpp).  Everything after is the same. */
Result<void> fill_catalog(kernel::Catalog& catalog, const Options& options);

/* The first of the folders, named from where the program's file lies, that exists; empty: none. */
std::string beside_program(std::initializer_list<const char*> folders);

/* The key in the file, which is made with a new one where it is missing. */
Result<crypto::SecretKey> read_or_make_key(const std::string& file);

/* A sentence on stderr. */
int report(const Error& error);

/* The subcommands; each returns the program's exit code. */
int run_config(const Options& options);
int run_network(const Options& options); /* the profiles network and demo */
int run_visor(const Options& options);   /* the profile visor */
int keygen(const Options& options);
int list_plugins(const Options& options);
int check_plugin(const Options& options);
int print_config(const Options& options);
/* `program`: the words of its own subcommands. */
int print_completions(const Options& options, CommandWord program);
int print_man_page(const Options& options, CommandWord program);
/* visor <instance> <command> [--key value]...; subcommands are what else the first word may have meant. */
int call_command(const std::vector<std::string>& words, const std::vector<std::string>& subcommands);
/* A line an instance, for --help. */
std::string commands_of_plugins();

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_PROGRAM_HPP
