/* The configuration of feeds. */
#ifndef VISOR_FEEDS_CONFIG_HPP
#define VISOR_FEEDS_CONFIG_HPP
#include "service.hpp"

namespace visor::feeds {

extern const char kConfigSchema[];

/* Of a configuration that has passed the schema. */
Result<ServiceSettings> read_config(std::string_view text);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_CONFIG_HPP
