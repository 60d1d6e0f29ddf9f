#include "words.hpp"

#include <algorithm>

namespace visor::programs {
namespace {

/* Two columns; the second wraps, and begins on a line of its own where the first is too wide for that. */
void add_column(std::string& out, const std::string& left, const std::string& right, size_t width) {
  constexpr size_t kLine = 100;
  const std::string under = "\n" + std::string(width + 4, ' ');
  out += "  " + left;
  out += left.size() > width ? under : std::string(width - left.size() + 2, ' ');
  size_t room = kLine > width + 14 ? kLine - width - 4 : 10, used = 0;
  for (size_t at = 0; at < right.size();) {
    size_t end = std::min(right.find(' ', at), right.size());
    if (used > 0 && used + 1 + end - at > room) {
      out += under;
      used = 0;
    }
    if (used > 0) out += ' ', ++used;
    out += right.substr(at, end - at);
    used += end - at;
    at = end + 1;
  }
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
}

std::string label(const OptionWord& option) {
  std::string name = option.positional ? option.value : "--" + option.name;
  return option.positional || option.value.empty() ? name : name + " " + option.value;
}

void add_options(std::string& out, const std::vector<OptionWord>& options) {
  size_t width = 0;
  for (const OptionWord& option : options) width = std::max(width, label(option).size());
  width = std::min<size_t>(width, 32);
  for (const OptionWord& option : options) {
    std::string text = option.summary;
    if (option.repeats) text += text.empty() ? "may be given again" : "; may be given again";
    if (option.required) text += text.empty() ? "required" : "; required";
    add_column(out, label(option), text, width);
  }
}

void add_examples(std::string& out, const std::vector<std::string>& examples) {
  if (examples.empty()) return;
  out += examples.size() == 1 ? "\nExample:\n" : "\nExamples:\n";
  for (const std::string& example : examples) out += "  " + example + "\n";
}

}  // namespace

const CommandWord* CommandWord::find(std::string_view word) const {
  auto at = std::ranges::find(commands, word, &CommandWord::name);
  return at == commands.end() ? nullptr : &*at;
}

const OptionWord* CommandWord::option(std::string_view word) const {
  auto at = std::ranges::find(options, word, &OptionWord::name);
  return at == options.end() ? nullptr : &*at;
}

std::string usage(const OptionWord& option) {
  std::string out = label(option);
  if (option.repeats) out += "...";
  return option.required ? out : "[" + out + "]";
}

std::string help_of_instance(const CommandWord& instance) {
  std::string out =
      instance.summary + "\n\nUsage: visor " + instance.name + " <command> [--key value]...\n\nCommands:\n";
  size_t width = 0;
  for (const CommandWord& command : instance.commands) width = std::max(width, command.name.size());
  for (const CommandWord& command : instance.commands) add_column(out, command.name, command.summary, width);
  out += "\nOptions:\n";
  add_options(out, call_options());
  out += "\nvisor " + instance.name + " <command> --help shows what a command takes.\n";
  return out;
}

std::string help_of_command(const CommandWord& instance, const CommandWord& command) {
  std::string out = command.summary + "\n\nUsage: visor " + instance.name + " " + command.name;
  for (const OptionWord& option : command.options) out += " " + usage(option);
  out += "\n";
  if (!command.options.empty()) {
    out += "\nArguments:\n";
    add_options(out, command.options);
  }
  out += "\nOptions:\n";
  add_options(out, call_options());
  if (command.streams) out += "\nValues come as they are, a line of JSON each, until Ctrl-C.\n";
  add_examples(out, command.examples);
  return out;
}

}  // namespace visor::programs
