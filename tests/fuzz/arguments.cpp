// The arguments of a command: the first byte chooses among all commands of all plugins, the rest is JSON.
#include <visor/command.h>

#include <boost/json/value.hpp>
#include <span>
#include <vector>

#include "kernel/json.hpp"
#include "kernel/schema.hpp"
#include "tests/fuzz/bundle.hpp"

namespace {

std::vector<visor::kernel::Schema> schemas() {
  std::vector<visor::kernel::Schema> out;
  for (const auto& entry : visor::test::bundled_plugins().entries()) {
    for (const visor_command& row : std::span(entry.plugin->commands, entry.plugin->command_count)) {
      auto schema = visor::kernel::Schema::compile(row.params);
      visor::test::must(schema.has_value(), "a bundled plugin's schema is one");
      out.push_back(std::move(*schema));
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<visor::kernel::Schema> all = schemas();
  if (size == 0) return 0;
  auto value = visor::kernel::parse_json(visor::test::as_text(data + 1, size - 1), "arguments");
  if (!value) return 0;
  const auto& schema = all[data[0] % all.size()];
  auto checked = schema.check(*value, "arguments");
  if (!checked) visor::test::must(checked.error().text.size() < 4096, "an error is a sentence");
  (void)schema.redacted(*value);
  return 0;
}
