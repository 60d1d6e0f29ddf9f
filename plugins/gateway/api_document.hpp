/* What the API offers, for programs: a plain list and an OpenAPI document, both made of the commands' own
 * rows. */
#ifndef VISOR_GATEWAY_API_DOCUMENT_HPP
#define VISOR_GATEWAY_API_DOCUMENT_HPP
#include <visor/plugin.hpp>

namespace visor::gateway {

/* One running instance's command; texts are lent by its plugin. */
struct CommandRow {
  std::string instance, plugin;
  const visor_command* command;
  bool reads() const { return command->flags & VISOR_COMMAND_READS; }
  bool streams() const { return command->flags & VISOR_COMMAND_STREAMS; }
  bool hidden() const { return command->flags & VISOR_COMMAND_HIDDEN; }
  std::string path() const { return "/api/" + instance + "/" + command->name; }
};

/* {"commands":[{"instance","plugin","command","summary","path","methods","streams","params"}]}, without
 * hidden ones. */
std::string list_json(const std::vector<CommandRow>& rows);

/* OpenAPI 3.1. */
std::string openapi_json(const std::vector<CommandRow>& rows);

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_API_DOCUMENT_HPP
