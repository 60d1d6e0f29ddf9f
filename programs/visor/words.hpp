/* What can be written on the command line: one tree of the program's own subcommands and of all instances'
 * commands.  Help, completions and the man page are made of it, so that they say the same. */
#ifndef VISOR_PROGRAMS_WORDS_HPP
#define VISOR_PROGRAMS_WORDS_HPP
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace visor::programs {

struct Row;

struct OptionWord {
  std::string name;    /* without dashes */
  std::string value;   /* what follows it: "NUMBER", "user|automatic", "FILE"; empty: nothing */
  std::string summary; /* one line */
  std::vector<std::string> choices = {};
  bool required = false, repeats = false;
  bool positional = false; /* stands without its name */
};

struct CommandWord {
  std::string name, summary;
  std::vector<OptionWord> options = {};
  std::vector<CommandWord> commands = {};
  std::vector<std::string> examples = {}; /* whole lines */
  bool instance = false;                  /* of a running visor, no subcommand of the program */
  bool streams = false;

  const CommandWord* find(std::string_view word) const;
  const OptionWord* option(std::string_view word) const;
};

/* The program's own subcommands; `app` as main.cpp has made it. */
CommandWord words_of_app(const CLI::App& app);
/* A command with its options, read out of its JSON Schema. */
CommandWord word_of_row(const Row& row);
/* A word an instance, in the order of the rows, with a word a command; hidden ones are left out. */
std::vector<CommandWord> words_of_rows(const std::vector<Row>& rows);
/* What every call of a command takes besides: --gateway and the like. */
const std::vector<OptionWord>& call_options();

/* "--level trace|debug", "[--tail NUMBER]", "PROFILE". */
std::string usage(const OptionWord& option);

/* `visor <instance> --help` and `visor <instance> <command> --help`. */
std::string help_of_instance(const CommandWord& instance);
std::string help_of_command(const CommandWord& instance, const CommandWord& command);

/* The page visor(1), in roff. */
std::string man_page(const CommandWord& program);
/* A completion script for "bash", "zsh" or "fish". */
std::string completions(const CommandWord& program, std::string_view shell);

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_WORDS_HPP
