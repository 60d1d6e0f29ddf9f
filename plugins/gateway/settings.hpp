/* The gateway's configuration, read. */
#ifndef VISOR_GATEWAY_SETTINGS_HPP
#define VISOR_GATEWAY_SETTINGS_HPP
#include <visor/plugin.hpp>

#include "lib/http/server.hpp"

namespace visor::gateway {

struct Settings {
  std::string listen = "tcp://127.0.0.1:8080";
  std::string root;               /* folder of the page; empty: none */
  std::string bootstrap = "{}";   /* JSON object, served to anybody */
  std::string token;              /* empty: none */
  std::vector<std::string> hosts; /* names under which this gateway may be asked, lower case */
  http::ServerLimits limits;
  std::vector<std::string> networks; /* on whose port 80 the public routes are offered, too */

  /* The host of `listen`, as in a Host header without its port. */
  std::string listen_host() const;
};

extern const char* const kSettingsSchema;

/* json has passed the schema; what it cannot say (an address that is none) is checked here. */
Result<Settings> read_settings(std::string_view json);

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_SETTINGS_HPP
