/* A running visor, asked through its gateway. */
#ifndef VISOR_PROGRAMS_GATEWAY_CLIENT_HPP
#define VISOR_PROGRAMS_GATEWAY_CLIENT_HPP
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "program.hpp"
#include "rows.hpp"

namespace visor::programs {

/* Blocks in each call until it is done, or until SIGINT or SIGTERM, which cancels it: VISOR_ECANCELED.  When
 * whoever reads stdout leaves, a call is cancelled too, and that is no failure. */
class GatewayClient {
 public:
  struct Options {
    std::string address; /* "http://127.0.0.1:8080" */
    std::string token;   /* empty: none */
    uint64_t timeout_ms = 0;
  };

  explicit GatewayClient(Options options);
  GatewayClient(const GatewayClient&) = delete;
  GatewayClient& operator=(const GatewayClient&) = delete;
  ~GatewayClient();

  /* The document at a path, such as "/bootstrap.json".  VISOR_ECLOSED: nobody answers there. */
  Result<std::string> get(const std::string& path);

  /* The commands that there are.  VISOR_ECLOSED: nobody answers there. */
  Result<std::vector<Row>> rows();

  /* Calls a command with arguments, a JSON object.  `value` takes each value, and says whether it wants more;
   * saying no is no failure.  Back-pressure: the visor waits while `value` runs. */
  Result<void> call(const Row& row, std::string args, std::function<bool(std::string_view json)> value);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/* Where commands are called: the options, else VISOR_GATEWAY and VISOR_TOKEN, else this machine. */
GatewayClient::Options gateway_options(const std::optional<std::string>& address,
                                       const std::optional<std::string>& token);

/* What to do when nobody answers, and the exit code for a client's failure. */
Error unreachable(const std::string& address, const Error& error);
int exit_code_of(const Error& error);

}  // namespace visor::programs
#endif  // VISOR_PROGRAMS_GATEWAY_CLIENT_HPP
