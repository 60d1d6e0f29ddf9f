/* What the API offers, for programs: an OpenAPI document, made of the commands' own rows. */
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

/* OpenAPI 3.1, without hidden commands.  Beyond the standard, an operation has
 *   x-instance, x-plugin, x-command   what it calls
 *   x-streaming                       whether its values come one after the other, as events or lines
 * and a tag an instance.  POST's operationId is "<instance>.<command>", GET's "<instance>.<command>.get". */
std::string openapi_json(const std::vector<CommandRow>& rows, bool needs_token);

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_API_DOCUMENT_HPP
