/* The program's own subcommands as words. */
#include <CLI/CLI.hpp>

#include "words.hpp"

namespace visor::programs {
namespace {

/* CLI11 writes what a checked option takes as "TEXT:{demo,visor}" or "UINT:INT in [1000 - 3600000]". */
void read_type(const std::string& type, OptionWord& out) {
  size_t colon = type.find(':');
  std::string name = type.substr(0, colon), rule = colon == std::string::npos ? "" : type.substr(colon + 1);
  out.value = name == "UINT" || name == "INT" || name == "FLOAT" ? "NUMBER" : name;
  if (rule.starts_with('{') && rule.ends_with('}')) {
    out.choices = CLI::detail::split(rule.substr(1, rule.size() - 2), ',');
    out.value = CLI::detail::join(out.choices, "|");
  } else if (size_t range = rule.find(" in ["); range != std::string::npos) {
    std::string limits = rule.substr(range + 5, rule.size() - range - 6);
    if (size_t dash = limits.find(" - "); dash != std::string::npos) limits.replace(dash, 3, " to ");
    out.summary += " (" + limits + ")";
  }
}

OptionWord word_of(const CLI::Option& option) {
  OptionWord out{.name = option.get_lnames().empty() ? option.get_name(true) : option.get_lnames().front(),
                 .value = "",
                 .summary = option.get_description()};
  out.required = option.get_required();
  out.positional = option.get_positional();
  out.repeats = option.get_items_expected_max() > 1;
  if (option.get_items_expected_max() > 0) read_type(option.get_type_name(), out);
  if (!option.get_default_str().empty()) out.summary += "; " + option.get_default_str() + " if not said";
  if (out.positional && out.choices.empty()) {
    out.value = out.name;
    for (char& c : out.value) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

/* Lines of a footer that begin with "  visor ", without what is behind the command. */
std::vector<std::string> examples_of(const std::string& footer) {
  std::vector<std::string> out;
  for (std::string& line : CLI::detail::split(footer, '\n')) {
    if (line.starts_with("  visor ")) out.push_back(line.substr(2));
  }
  return out;
}

}  // namespace

CommandWord words_of_app(const CLI::App& app) {
  CommandWord out{.name = app.get_name(), .summary = app.get_description()};
  for (const CLI::Option* option : app.get_options()) out.options.push_back(word_of(*option));
  if (app.get_parent()) out.examples = examples_of(app.get_footer());
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    out.commands.push_back(words_of_app(*child));
  }
  return out;
}

}  // namespace visor::programs
