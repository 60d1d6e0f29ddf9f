#include "line.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "kernel/nearest.hpp"
#include "lib/arguments/arguments.hpp"
#include "rows.hpp"
#include "words.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;

/* "--key=value" or "--key". */
struct Option {
  std::string key;
  std::optional<std::string> value;
};

std::optional<Option> option_of(const std::string& word) {
  if (!word.starts_with("--") || word.size() == 2) return std::nullopt;
  size_t equals = word.find('=');
  if (equals == std::string::npos) return Option{word.substr(2), std::nullopt};
  return Option{word.substr(2, equals - 2), word.substr(equals + 1)};
}

const OptionWord* call_option(std::string_view key) {
  auto at = std::ranges::find(call_options(), key, &OptionWord::name);
  return at == call_options().end() ? nullptr : &*at;
}

Result<void> set(Line& line, const Option& option) {
  std::string value = option.value.value_or("");
  if (option.key == "gateway") line.gateway = value;
  if (option.key == "token") line.token = value;
  if (option.key == "args") line.args = value;
  if (option.key == "json") line.json = true;
  if (option.key == "table") line.table = true;
  if (option.key == "help") line.help = true;
  if (option.key == "timeout-ms") {
    auto [at, error] = std::from_chars(value.data(), value.data() + value.size(), line.timeout_ms);
    if (error != std::errc() || at != value.data() + value.size()) {
      return failure(VISOR_EINVAL, "--timeout-ms: expected a number of milliseconds, got \"" + value + "\"");
    }
  }
  return {};
}

}  // namespace

Result<Line> read_line(const std::vector<std::string>& words) {
  Line line;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i] == "-h" ? "--help" : words[i];
    auto option = option_of(word);
    const OptionWord* known = option ? call_option(option->key) : nullptr;
    if (known) {
      bool takes = !known->value.empty();
      if (takes && !option->value) {
        if (i + 1 == words.size()) {
          return failure(VISOR_EINVAL, "--" + option->key + " needs a value: " + known->value);
        }
        option->value = words[++i];
      } else if (!takes && option->value) {
        return failure(VISOR_EINVAL, "--" + option->key + " takes no value");
      }
      if (auto done = set(line, *option); !done) return std::unexpected(done.error());
    } else if (line.command.empty() && !word.starts_with('-')) {
      (line.instance.empty() ? line.instance : line.command) = word;
    } else if (line.command.empty()) {
      return failure(VISOR_EINVAL, "expected visor <instance> <command> [--key value]..., got \"" + word +
                                       "\" before the command");
    } else {
      line.rest.push_back(word);
    }
  }
  if (line.json && line.table) return failure(VISOR_EINVAL, "--json and --table exclude each other");
  return line;
}

std::string first_word(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with('-')) return words[i];
    auto option = option_of(words[i]);
    const OptionWord* known = option ? call_option(option->key) : nullptr;
    if (!known) return {};
    if (!known->value.empty() && !option->value) ++i;
  }
  return {};
}

namespace {

/* A word of the line as one of the command's options: its name as the schema has it, and how it was meant. */
struct Meant {
  const OptionWord* option = nullptr;
  bool no = false; /* --no-key */
};

Meant meant_by(const CommandWord& command, std::string key) {
  if (const auto* option = command.option(key)) return {option, false};
  std::ranges::replace(key, '-', '_');
  if (const auto* option = command.option(key)) return {option, false};
  if (!key.starts_with("no_")) return {};
  const auto* option = command.option(key.substr(3));
  return option && option->value.empty() ? Meant{option, true} : Meant{};
}

std::unexpected<Error> no_such_option(const CommandWord& command, const Row& row, const std::string& key) {
  std::vector<std::string> known;
  known.reserve(command.options.size());
  for (const OptionWord& option : command.options) known.push_back("--" + option.name);
  std::string what = "visor " + row.instance + " " + row.command;
  std::string why = known.empty() ? "it takes no arguments" : kernel::suggestion("--" + key, known);
  return failure(VISOR_EINVAL, what + " has no option --" + key + "; " + why);
}

Result<json::object> whole_arguments(const Line& line) {
  if (!line.args) return json::object();
  json::error_code failed;
  json::value value = json::parse(*line.args, failed);
  if (!failed && value.is_object()) return value.get_object();
  return failure(VISOR_EINVAL, "--args: expected a JSON object like '{\"limit\": 5}', got " + *line.args);
}

}  // namespace

Result<std::string> read_arguments(const Line& line, const Row& row) {
  CommandWord command = word_of_row(row);
  std::vector<arguments::Argument> given;
  for (size_t i = 0; i < line.rest.size(); ++i) {
    auto option = option_of(line.rest[i]);
    if (!option) {
      return failure(VISOR_EINVAL, "expected --key value, got \"" + line.rest[i] + "\"; visor " +
                                       row.instance + " " + row.command + " --help shows what there is");
    }
    Meant meant = meant_by(command, option->key);
    if (!meant.option) return no_such_option(command, row, option->key);
    std::string value = option->value.value_or("");
    bool more = i + 1 < line.rest.size();
    if (meant.no) {
      if (option->value) return failure(VISOR_EINVAL, "--" + option->key + " takes no value");
      value = "false";
    } else if (meant.option->value.empty() && !option->value) {
      bool said = more && (line.rest[i + 1] == "true" || line.rest[i + 1] == "false");
      value = said ? line.rest[++i] : "true";
    } else if (!option->value) {
      if (!more) {
        return failure(VISOR_EINVAL, "--" + option->key + " needs a value: " + meant.option->value);
      }
      value = line.rest[++i];
    }
    given.push_back({meant.option->name, std::move(value)});
  }
  auto whole = whole_arguments(line);
  if (!whole) return std::unexpected(whole.error());
  auto typed = arguments::to_json(given, row.params);
  if (!typed) return std::unexpected(typed.error());
  json::error_code failed;
  json::value added = json::parse(*typed, failed);
  for (auto& member : added.get_object()) (*whole)[member.key()] = member.value();
  return json::serialize(*whole);
}

}  // namespace visor::programs
