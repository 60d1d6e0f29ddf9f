/* What the configuration of fetch says. */
#ifndef VISOR_FETCH_CONFIG_HPP
#define VISOR_FETCH_CONFIG_HPP
#include <visor/value.hpp>

namespace visor::fetch {

struct Config {
  size_t max_requests = 256;        /* under way at once */
  uint64_t max_body = 16u << 20;    /* bytes of an answer, and of a question, whatever who asks allows */
  uint64_t max_timeout_ms = 60'000; /* of a request, likewise */
};

extern const char kConfigSchema[];

Result<Config> read_config(std::string_view text);

}  // namespace visor::fetch
#endif  // VISOR_FETCH_CONFIG_HPP
