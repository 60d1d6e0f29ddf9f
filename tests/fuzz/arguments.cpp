// The arguments of a command: the first byte chooses among all commands of all plugins, the rest is JSON or,
// behind a
// "?", a query.
#include <visor/command.h>

#include <boost/json/value.hpp>
#include <span>
#include <vector>

#include "kernel/json.hpp"
#include "kernel/schema.hpp"
#include "lib/arguments/arguments.hpp"
#include "lib/http/text.hpp"
#include "tests/fuzz/bundle.hpp"

namespace {

struct Command {
  const visor_command* row;
  visor::kernel::Schema schema;
};

std::vector<Command> commands() {
  std::vector<Command> out;
  for (const auto& entry : visor::test::bundled_plugins().entries()) {
    for (const visor_command& row : std::span(entry.plugin->commands, entry.plugin->command_count)) {
      auto schema = visor::kernel::Schema::compile(row.params);
      visor::test::must(schema.has_value(), "a bundled plugin's schema is one");
      out.push_back({&row, std::move(*schema)});
    }
  }
  return out;
}

/* As the gateway reads one. */
visor::Result<std::string> of_query(std::string_view query, const char* schema) {
  auto parameters = visor::http::parse_query(query);
  if (!parameters) return std::unexpected(parameters.error());
  std::vector<visor::arguments::Argument> out;
  for (auto& parameter : *parameters) out.push_back({parameter.name, parameter.value});
  return visor::arguments::to_json(out, schema);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Command> all = commands();
  if (size == 0) return 0;
  const Command& command = all[data[0] % all.size()];
  std::string text(visor::test::as_text(data + 1, size - 1));
  if (text.starts_with('?')) {
    auto arguments = of_query(text.substr(1), command.row->params);
    if (!arguments) return 0;
    text = std::move(*arguments);
  }
  auto value = visor::kernel::parse_json(text, "arguments");
  if (!value) return 0;
  const auto& schema = command.schema;
  auto checked = schema.check(*value, "arguments");
  if (!checked) visor::test::must(checked.error().text.size() < 4096, "an error is a sentence");
  (void)schema.redacted(*value);
  return 0;
}
