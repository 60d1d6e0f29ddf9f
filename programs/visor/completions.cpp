/* Completion scripts: tables made of the words, and a few lines of each shell that look things up in them. */
#include <functional>

#include "words.hpp"

namespace visor::programs {
namespace {

/* One place in the line: the words before it, and what may stand there. */
struct Place {
  std::string path; /* "", "transports", "transports add" */
  const CommandWord* command;
};

std::vector<Place> places(const CommandWord& program) {
  std::vector<Place> out;
  std::function<void(const std::string&, const CommandWord&)> add = [&](const std::string& path,
                                                                        const CommandWord& command) {
    out.push_back({path, &command});
    for (const CommandWord& child : command.commands) {
      add(path.empty() ? child.name : path + " " + child.name, child);
    }
  };
  add("", program);
  return out;
}

std::vector<OptionWord> options_at(const Place& place) {
  std::vector<OptionWord> out;
  for (const OptionWord& option : place.command->options) {
    if (!option.positional) out.push_back(option);
  }
  if (place.command->instance || place.path.empty()) {
    for (const OptionWord& option : call_options()) {
      if (!place.command->option(option.name)) out.push_back(option);
    }
  }
  return out;
}

bool is_file(const OptionWord& option) {
  return option.value == "FILE" || option.value == "FOLDER";
}

/* In single quotes, for all three shells; fish knows no '\''. */
std::string quoted(std::string_view text, bool fish = false) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += fish ? "\\'" : "'\\''";
    } else if (c == '\\' && fish) {
      out += "\\\\";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out + "'";
}

/* Options that take a value, in any place: what follows one is no word of the path. */
std::string taking_options(const CommandWord& program) {
  std::string out;
  auto add = [&](const OptionWord& option) {
    std::string name = "--" + option.name;
    if (option.value.empty() || ("|" + out + "|").find("|" + name + "|") != std::string::npos) return;
    out += (out.empty() ? "" : "|") + name;
  };
  for (const Place& place : places(program)) {
    for (const OptionWord& option : options_at(place)) add(option);
  }
  return out;
}

/* Words and options that may stand at a place: fn(word, summary). */
void each_candidate(const Place& place,
                    const std::function<void(const std::string&, const std::string&)>& fn) {
  for (const CommandWord& child : place.command->commands) fn(child.name, child.summary);
  for (const OptionWord& option : place.command->options) {
    if (!option.positional) continue;
    for (const std::string& choice : option.choices) fn(choice, option.summary);
  }
  for (const OptionWord& option : options_at(place)) fn("--" + option.name, option.summary);
}

std::string bash(const CommandWord& program) {
  std::string words, values;
  for (const Place& place : places(program)) {
    std::string list;
    each_candidate(place, [&](const std::string& word, const std::string&) {
      list += (list.empty() ? "" : " ") + word;
    });
    words += "    " + quoted(place.path) + ") words=" + quoted(list) + " ;;\n";
    for (const OptionWord& option : options_at(place)) {
      std::string choices;
      for (const std::string& choice : option.choices) choices += (choices.empty() ? "" : " ") + choice;
      if (is_file(option)) choices = "@" + option.value;
      if (choices.empty()) continue;
      values += "    " + quoted(place.path + " --" + option.name) + ") values=" + quoted(choices) + " ;;\n";
    }
  }
  return "# Completion of visor for bash, made by `visor completions bash`.\n"
         "_visor() {\n"
         "  local word path='' skip='' words='' values='' i\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    if [[ $skip ]]; then skip=''; continue; fi\n"
         "    case $word in\n"
         "      " +
         taking_options(program) +
         ") skip=1 ;;\n"
         "      -*) ;;\n"
         "      *) path+=\"${path:+ }$word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$path\" in\n" +
         words +
         "  esac\n"
         "  case \"$path $previous\" in\n" +
         values +
         "  esac\n"
         "  case $values in\n"
         "    @FILE) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
         "    @FOLDER) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\")); return ;;\n"
         "  esac\n"
         "  if [[ $values ]]; then words=$values\n"
         "  elif [[ $skip ]]; then words=''; fi\n"
         "  if [[ $current != -* ]]; then # options are for those who begin one\n"
         "    local plain=''\n"
         "    for word in $words; do [[ $word == -* ]] || plain+=\"$word \"; done\n"
         "    words=${plain:-$words}\n"
         "  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  [[ $words ]] || compopt -o default\n"
         "}\n"
         "complete -F _visor visor\n";
}

/* name:summary, the form of _describe. */
std::string described(const std::string& word, const std::string& summary) {
  std::string name;
  for (char c : word) name += c == ':' ? std::string("\\:") : std::string(1, c);
  return quoted(name + ":" + summary);
}

std::string zsh(const CommandWord& program) {
  std::string words, values;
  for (const Place& place : places(program)) {
    words += "    " + quoted(place.path) + ") words_=(\n";
    each_candidate(place, [&](const std::string& word, const std::string& summary) {
      words += "      " + described(word, summary) + "\n";
    });
    words += "    ) ;;\n";
    for (const OptionWord& option : options_at(place)) {
      std::string action;
      for (const std::string& choice : option.choices) action += " " + quoted(choice);
      if (!action.empty()) action = "compadd --" + action;
      if (is_file(option)) action = option.value == "FILE" ? "_files" : "_files -/";
      if (action.empty()) continue;
      values += "    " + quoted(place.path + " --" + option.name) + ") " + action + "; return ;;\n";
    }
  }
  return "#compdef visor\n"
         "# Completion of visor for zsh, made by `visor completions zsh`.\n"
         "_visor() {\n"
         "  local word path_='' skip='' i\n"
         "  local -a words_\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    word=$words[i]\n"
         "    if [[ -n $skip ]]; then skip=''; continue; fi\n"
         "    case $word in\n"
         "      " +
         taking_options(program) +
         ") skip=1 ;;\n"
         "      -*) ;;\n"
         "      *) path_+=\"${path_:+ }$word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$path_ $words[CURRENT-1]\" in\n" +
         values +
         "  esac\n"
         "  if [[ -n $skip ]]; then _files; return; fi\n"
         "  case \"$path_\" in\n" +
         words +
         "    *) _files; return ;;\n"
         "  esac\n"
         "  if [[ $words[CURRENT] != -* ]]; then # options are for those who begin one\n"
         "    local -a plain_=(\"${(@)words_:#-*}\")\n"
         "    (( $#plain_ )) && words_=(\"${(@)plain_}\")\n"
         "  fi\n"
         "  _describe 'word' words_\n"
         "}\n"
         "if [[ ${funcstack[1]} == _visor ]]; then _visor \"$@\"; else compdef _visor visor; fi\n";
}

std::string fish(const CommandWord& program) {
  std::string taking = taking_options(program), out;
  for (char& c : taking) c = c == '|' ? ' ' : c;
  out =
      "# Completion of visor for fish, made by `visor completions fish`.\n"
      "function __visor_path\n"
      "  set -l words (commandline -opc)\n"
      "  set -l path\n"
      "  set -l skip\n"
      "  for word in $words[2..-1]\n"
      "    if set -q skip[1]\n"
      "      set -e skip\n"
      "      continue\n"
      "    end\n"
      "    switch $word\n"
      "      case " +
      taking +
      "\n"
      "        set skip 1\n"
      "      case '-*'\n"
      "      case '*'\n"
      "        set -a path $word\n"
      "    end\n"
      "  end\n"
      "  string join ' ' -- $path\n"
      "end\n"
      "function __visor_at\n"
      "  test \"$(__visor_path)\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c visor -f\n";
  for (const Place& place : places(program)) {
    std::string start = "complete -c visor -n " + quoted("__visor_at " + quoted(place.path), true);
    for (const CommandWord& child : place.command->commands) {
      out += start + " -a " + quoted(child.name, true) + " -d " + quoted(child.summary, true) + "\n";
    }
    for (const OptionWord& option : place.command->options) {
      if (!option.positional) continue;
      for (const std::string& choice : option.choices) out += start + " -a " + quoted(choice, true) + "\n";
    }
    for (const OptionWord& option : options_at(place)) {
      out += start + " -l " + quoted(option.name, true) + " -d " + quoted(option.summary, true);
      if (!option.value.empty()) out += is_file(option) ? " -r -F" : " -x";
      if (!option.choices.empty()) {
        std::string choices;
        for (const std::string& choice : option.choices) choices += (choices.empty() ? "" : " ") + choice;
        out += " -a " + quoted(choices, true);
      }
      out += "\n";
    }
  }
  return out;
}

}  // namespace

std::string completions(const CommandWord& program, std::string_view shell) {
  if (shell == "bash") return bash(program);
  return shell == "zsh" ? zsh(program) : fish(program);
}

}  // namespace visor::programs
