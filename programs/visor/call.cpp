/* visor <instance> <command> [--key value]...: a command of a running visor, called on its gateway. */
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gateway_client.hpp"
#include "kernel/nearest.hpp"
#include "line.hpp"
#include "table.hpp"
#include "words.hpp"

namespace visor::programs {
namespace {

/* What there is, from the visor that runs or, for help, from the plugins that could. */
struct Known {
  std::vector<Row> rows;
  std::vector<CommandWord> words;
};

Known known_of(std::vector<Row> rows, const kernel::Catalog& catalog) {
  add_summaries(rows, catalog);
  Known out{std::move(rows), {}};
  out.words = words_of_rows(out.rows);
  return out;
}

std::vector<std::string> names_of(const std::vector<CommandWord>& words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  for (const CommandWord& word : words) out.push_back(word.name);
  return out;
}

Error no_such_instance(const std::string& typed, const Known& known,
                       const std::vector<std::string>& subcommands) {
  std::vector<std::string> names = names_of(known.words);
  std::string_view nearest = kernel::nearest(typed, names);
  if (nearest.empty()) nearest = kernel::nearest(typed, subcommands);
  std::string what = nearest.empty() ? "there are " + kernel::quoted_list(names)
                                     : "did you mean \"" + std::string(nearest) + "\"?";
  return {VISOR_EINVAL, "no instance \"" + typed + "\" runs there; " + what};
}

/* The instance, and the command if one is named. */
Result<std::pair<const CommandWord*, const CommandWord*>> find(const Line& line, const Known& known,
                                                               const std::vector<std::string>& subcommands) {
  auto instance = std::ranges::find(known.words, line.instance, &CommandWord::name);
  if (instance == known.words.end())
    return std::unexpected(no_such_instance(line.instance, known, subcommands));
  const CommandWord* command = instance->find(line.command);
  if (!line.command.empty() && !command) {
    return failure(VISOR_EINVAL, line.instance + " has no command \"" + line.command + "\"; " +
                                     kernel::suggestion(line.command, names_of(instance->commands)));
  }
  return std::pair{&*instance, command};
}

std::string with_underscores(std::string word) {
  std::ranges::replace(word, '-', '_');
  return word;
}

/* People write transport-discovery and group-send where the names have underscores. */
void forgive_dashes(Line& line, const Known& known) {
  auto settle = [](std::string& typed, const std::vector<CommandWord>& words) {
    auto named = [&](const std::string& name) { return std::ranges::find(words, name, &CommandWord::name); };
    if (named(typed) != words.end()) return named(typed);
    auto meant = named(with_underscores(typed));
    if (meant != words.end()) typed = meant->name;
    return meant;
  };
  auto instance = settle(line.instance, known.words);
  if (instance != known.words.end() && !line.command.empty()) settle(line.command, instance->commands);
}

int say(const Error& error) {
  report(error);
  return exit_code_of(error);
}

int help(const Line& line, const Known& known, const std::vector<std::string>& subcommands) {
  auto found = find(line, known, subcommands);
  if (!found) return say(found.error());
  auto [instance, command] = *found;
  bool asked = line.help;
  fmt::print(asked ? stdout : stderr, "{}",
             command ? help_of_command(*instance, *command) : help_of_instance(*instance));
  return asked ? kDone : kUsage;
}

/* Prints values as they come; false once nobody reads them any more. */
class Printer {
 public:
  explicit Printer(bool table) : table_(table) {}
  bool print(std::string_view json) {
    std::string text = table_ ? table_of(json) : std::string(json) + "\n";
    bool written =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!written && errno != EPIPE) failed_ = std::strerror(errno);
    return written;
  }
  int exit_code() const {
    return failed_.empty() ? kDone : report({VISOR_EIO, "stdout takes no more: " + failed_});
  }

 private:
  bool table_;
  std::string failed_;
};

int run(GatewayClient& client, const Line& line, const Known& known,
        const std::vector<std::string>& subcommands) {
  auto found = find(line, known, subcommands);
  if (!found) return say(found.error());
  auto row = std::ranges::find_if(known.rows, [&](const Row& other) {
    return other.instance == line.instance && other.command == line.command;
  });
  auto args = read_arguments(line, *row);
  if (!args) return say(args.error());
  bool people = line.table || (!line.json && ::isatty(STDOUT_FILENO) == 1);
  Printer printer(people && !row->streams);
  auto done = client.call(*row, *args, [&](std::string_view json) { return printer.print(json); });
  if (done) return printer.exit_code();
  if (done.error().status == VISOR_ECANCELED) return kInterrupted; /* who interrupts knows */
  return say(done.error());
}

/* Nobody answers: help still can say what a visor would have. */
int without_visor(const Error& error, Line& line, const kernel::Catalog& catalog,
                  const std::vector<std::string>& subcommands) {
  Known known = known_of(rows_of_catalog(catalog), catalog);
  forgive_dashes(line, known);
  std::vector<std::string> names = names_of(known.words);
  bool there = std::ranges::find(names, line.instance) != names.end();
  if (there && line.help) return help(line, known, subcommands);
  std::string_view meant = there ? std::string_view() : kernel::nearest(line.instance, subcommands);
  if (meant.empty()) return say(error);
  return say({VISOR_EINVAL, "\"" + line.instance + "\" is no subcommand; did you mean \"" +
                                std::string(meant) + "\"?  (And as the name of an instance: " + error.text +
                                ")"});
}

}  // namespace

int call_command(const std::vector<std::string>& words, const std::vector<std::string>& subcommands) {
  auto line = read_line(words);
  if (!line) return say(line.error());
  kernel::Catalog catalog;
  (void)fill_catalog(catalog, {}); /* summaries, and help without a visor; it runs without them */
  GatewayClient::Options options = gateway_options(line->gateway, line->token);
  options.timeout_ms = line->timeout_ms;
  GatewayClient client(std::move(options));
  auto rows = client.rows();
  if (!rows && rows.error().status == VISOR_ECANCELED) return kInterrupted;
  if (!rows && rows.error().status == VISOR_ECLOSED) {
    return without_visor(rows.error(), *line, catalog, subcommands);
  }
  if (!rows) return say(rows.error());
  Known known = known_of(std::move(*rows), catalog);
  forgive_dashes(*line, known);
  if (line->help || line->command.empty()) return help(*line, known, subcommands);
  return run(client, *line, known, subcommands);
}

}  // namespace visor::programs
