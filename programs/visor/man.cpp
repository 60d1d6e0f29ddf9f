/* visor(1), in roff's man macros. */
#include "program.hpp"
#include "words.hpp"

namespace visor::programs {
namespace {

/* Text that roff shows as it is: no escape, no request at a line's start. */
std::string plain(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '^') {
      out += "\\(ha";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '`') {
      out += "\\(ga";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  if (out.starts_with('.')) out.insert(0, "\\&");
  return out;
}

std::string bold(std::string_view text) {
  return "\\fB" + plain(text) + "\\fR";
}

std::string option_label(const OptionWord& option) {
  if (option.positional) return "\\fI" + plain(option.value) + "\\fR";
  std::string out = bold("--" + option.name);
  if (!option.value.empty()) out += " \\fI" + plain(option.value) + "\\fR";
  return out;
}

void add_options(std::string& out, const std::vector<OptionWord>& options) {
  for (const OptionWord& option : options) {
    if (option.name == "help") continue;
    out += ".TP\n" + option_label(option) + "\n";
    std::string text = option.summary;
    if (option.repeats) text += text.empty() ? "may be given again" : "; may be given again";
    if (option.required && !option.positional) text += text.empty() ? "required" : "; required";
    out += text.empty() ? "\\&\n" : plain(text) + "\n";
  }
}

void add_command(std::string& out, const std::string& start, const CommandWord& command) {
  out += ".SS \"" + plain(start + " " + command.name) + "\"\n" + plain(command.summary);
  out += command.streams ? ".\nA line of JSON each value, until it is interrupted.\n" : ".\n";
  add_options(out, command.options);
}

void add_examples(std::string& out, const std::vector<std::string>& examples) {
  for (const std::string& example : examples) out += ".nf\n" + plain(example) + "\n.fi\n";
}

}  // namespace

std::string man_page(const CommandWord& program) {
  std::string out =
      ".\\\" Made by `visor man` from the rows of the program's subcommands and of its plugins' commands.\n"
      ".TH VISOR 1\n"
      ".SH NAME\nvisor \\- a node of a relay network that measures its own connections\n"
      ".SH SYNOPSIS\n"
      ".B visor\n\\fISUBCOMMAND\\fR [\\fIOPTION\\fR]...\n.br\n"
      ".B visor\n\\fIINSTANCE\\fR \\fICOMMAND\\fR [\\fB\\-\\-\\fIkey value\\fR]...\n"
      ".SH DESCRIPTION\n"
      "A visor is a set of plugins behind one small kernel.\n"
      ".B visor run\nstarts one, or a whole network;\n"
      ".B visor\n\\fIINSTANCE\\fR \\fICOMMAND\\fR\n"
      "calls a command of a running one on its gateway and prints what it gives: a table on a terminal, a "
      "line of JSON elsewhere, and for commands whose values come one after the other a line of JSON each.\n"
      ".SH SUBCOMMANDS\n";
  for (const CommandWord& command : program.commands) {
    if (!command.instance) add_command(out, "visor", command);
  }
  out +=
      ".SH COMMANDS OF A RUNNING VISOR\n"
      "Under the names that the plugins' instances have where a configuration gives no others;\n"
      ".B visor\n\\fIINSTANCE\\fR\n.B \\-\\-help\nasks the visor that runs.\n"
      "An argument whose name has a _ may be written with \\-, one that is an array may be given again, "
      "and one that is true or false is turned off by\n.BR \\-\\-no\\- \\fIkey\\fR.\n";
  for (const CommandWord& instance : program.commands) {
    if (!instance.instance) continue;
    for (const CommandWord& command : instance.commands) add_command(out, instance.name, command);
  }
  out += ".SH OPTIONS OF ALL THESE\n";
  add_options(out, call_options());
  out += ".SH EXIT STATUS\n";
  for (const ExitCodeText& code : kExitCodes) {
    out += ".TP\n.B " + std::to_string(code.code) + "\n" + plain(code.meaning) + "\n";
  }
  out +=
      ".SH ENVIRONMENT\n"
      ".TP\n.B VISOR_GATEWAY\nThe address of the gateway that commands are called on.\n"
      ".TP\n.B VISOR_TOKEN\nIts token.\n"
      ".TP\n.B XDG_DATA_HOME\nBelow it\n.B visor run\nkeeps keys and data, unless it is told where.\n"
      ".SH EXAMPLES\n";
  for (const CommandWord& command : program.commands) {
    add_examples(out, command.examples);
    for (const CommandWord& child : command.commands) add_examples(out, child.examples);
  }
  return out;
}

}  // namespace visor::programs
