#include "rows.hpp"

#include <visor/command.h>

#include <boost/json.hpp>

#include "kernel/kernel_commands.hpp"

namespace visor::programs {
namespace {

namespace json = boost::json;

void add_plugin(std::vector<Row>& out, const visor_plugin& plugin) {
  for (uint32_t i = 0; i < plugin.command_count; ++i) {
    const auto& row = *reinterpret_cast<const visor_command*>(
        reinterpret_cast<const std::byte*>(plugin.commands) + size_t{i} * plugin.command_size);
    out.push_back({plugin.name, plugin.name, row.name, row.summary, plugin.summary, row.params,
                   (row.flags & VISOR_COMMAND_STREAMS) != 0, (row.flags & VISOR_COMMAND_HIDDEN) != 0});
  }
}

std::string text_at(const json::value& value, std::string_view pointer) {
  json::error_code failed;
  const json::value* found = value.find_pointer(json::string_view(pointer.data(), pointer.size()), failed);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

std::vector<Row> rows_of_catalog(const kernel::Catalog& catalog) {
  std::vector<Row> out;
  add_plugin(out, *kernel::KernelCommands::plugin());
  for (const auto& entry : catalog.entries()) add_plugin(out, *entry.plugin);
  return out;
}

Result<std::vector<Row>> rows_of_document(std::string_view openapi) {
  auto wrong = [] {
    return failure(VISOR_EPROTO,
                   "what answers there is no visor's gateway: its GET /api is not the document that was "
                   "expected");
  };
  json::error_code failed;
  json::value document = json::parse(json::string_view(openapi.data(), openapi.size()), failed);
  if (failed) return wrong();
  const json::value* paths = document.find_pointer("/paths", failed);
  if (!paths || !paths->is_object()) return wrong();
  std::vector<Row> out;
  for (const auto& [path, item] : paths->get_object()) {
    const json::value* post = item.find_pointer("/post", failed);
    const json::value* streams = item.find_pointer("/post/x-streaming", failed);
    const json::value* params =
        item.find_pointer("/post/requestBody/content/application~1json/schema", failed);
    if (!post || !streams || !streams->is_bool() || !params) return wrong();
    out.push_back({text_at(*post, "/x-instance"), text_at(*post, "/x-plugin"), text_at(*post, "/x-command"),
                   text_at(*post, "/summary"), "", json::serialize(*params), streams->get_bool(), false});
    if (path != "/api/" + out.back().instance + "/" + out.back().command) return wrong();
  }
  return out;
}

void add_summaries(std::vector<Row>& rows, const kernel::Catalog& catalog) {
  for (Row& row : rows) {
    const auto* entry = catalog.find(row.plugin);
    if (entry) row.plugin_summary = entry->plugin->summary;
    if (row.plugin == "kernel") row.plugin_summary = kernel::KernelCommands::plugin()->summary;
  }
}

}  // namespace visor::programs
