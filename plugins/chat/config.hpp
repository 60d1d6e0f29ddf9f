/* The configuration of chat. */
#ifndef VISOR_CHAT_CONFIG_HPP
#define VISOR_CHAT_CONFIG_HPP
#include "direct.hpp"
#include "group_directory.hpp"
#include "group_session.hpp"

namespace visor::chat {

struct Config {
  std::string drive; /* empty: the visor's default */
  DirectOptions direct;
  HistoryLimits history;
  GroupOptions groups;
  GroupLimits group_limits;
  DirectoryOptions directory;
};

/* JSON Schema of the configuration. */
extern const char kConfigSchema[];

/* Of a text that has passed the schema. */
Result<Config> read_config(std::string_view text);

}  // namespace visor::chat
#endif  // VISOR_CHAT_CONFIG_HPP
