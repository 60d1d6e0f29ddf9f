/* completions, man, and what --help says of commands: the words, shown. */
#include <fmt/core.h>

#include "gateway_client.hpp"
#include "words.hpp"

namespace visor::programs {
namespace {

Result<std::vector<Row>> rows_for(const Options& options, const kernel::Catalog& catalog) {
  if (!options.running) return rows_of_catalog(catalog);
  auto address = options.gateway.empty() ? std::nullopt : std::optional(options.gateway);
  auto token = options.token.empty() ? std::nullopt : std::optional(options.token);
  return GatewayClient(gateway_options(address, token)).rows();
}

/* The program's words with those of the instances behind them. */
Result<CommandWord> all_words(const Options& options, CommandWord program) {
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return std::unexpected(filled.error());
  auto rows = rows_for(options, catalog);
  if (!rows) return std::unexpected(rows.error());
  add_summaries(*rows, catalog);
  for (CommandWord& instance : words_of_rows(*rows)) {
    if (!program.find(instance.name)) program.commands.push_back(std::move(instance));
  }
  return program;
}

int print(const Options& options, CommandWord program,
          const std::function<std::string(const CommandWord&)>& text_of) {
  auto words = all_words(options, std::move(program));
  if (!words) {
    report(words.error());
    return exit_code_of(words.error());
  }
  fmt::print("{}", text_of(*words));
  return kDone;
}

}  // namespace

int print_completions(const Options& options, CommandWord program) {
  return print(options, std::move(program),
               [&](const CommandWord& words) { return completions(words, options.shell); });
}

int print_man_page(const Options& options, CommandWord program) {
  return print(options, std::move(program), [](const CommandWord& words) { return man_page(words); });
}

std::string commands_of_plugins() {
  kernel::Catalog catalog;
  if (!fill_catalog(catalog, {})) return {};
  std::vector<CommandWord> instances = words_of_rows(rows_of_catalog(catalog));
  std::string out = "Commands of a running visor (visor <instance> --help shows more):\n";
  size_t width = 0;
  for (const CommandWord& instance : instances) width = std::max(width, instance.name.size());
  for (const CommandWord& instance : instances) {
    out += fmt::format("  {:<{}} ", instance.name, width);
    for (const CommandWord& command : instance.commands) out += " " + command.name;
    out += "\n";
  }
  return out;
}

}  // namespace visor::programs
