/* The configuration of feeds. */
#ifndef VISOR_FEEDS_CONFIG_HPP
#define VISOR_FEEDS_CONFIG_HPP
#include "kept.hpp"

namespace visor::feeds {

struct Config {
  ServiceSettings service;
  std::vector<KeptFeed> serve;
  std::string folder;  // of files
};

extern const char kConfigSchema[];

/* Of a configuration that has passed the schema. */
Result<Config> read_config(std::string_view text);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_CONFIG_HPP
