/* /api: every running instance's commands over HTTP.
 *
 *   GET  /api                        an OpenAPI document of all commands
 *   POST /api/<instance>/<command>   the body is the arguments, a JSON object; empty: none
 *   GET  /api/<instance>/<command>   for commands that only read; the query is the arguments
 *
 * A streaming command's values come as server-sent events if the client accepts text/event-stream (an event
 * "data" each, and last an event named "end" or "failed"), else as newline-delimited JSON, whose last line is
 * {"error":...} when it failed.  A client that leaves cancels the call. */
#ifndef VISOR_GATEWAY_API_HPP
#define VISOR_GATEWAY_API_HPP
#include <list>

#include "api_document.hpp"
#include "lib/http/server.hpp"

namespace visor::gateway {

class ApiCall;

class Api {
 public:
  /* needs_token: whether calls need one, which the document says. */
  Api(Host host, visor_commands* commands, bool needs_token);
  ~Api();

  /* A request below /api that the guard has let pass. */
  void answer(http::Exchange& exchange);

  /* Cancels what is under way; `stopped` runs when all of it has ended. */
  void stop(std::function<void()> stopped);

  size_t open_calls() const { return calls_.size(); }
  uint64_t calls() const { return total_; }

 private:
  friend class ApiCall;
  std::vector<CommandRow> rows() const;
  void call(http::Exchange& exchange, const std::string& instance, const std::string& command);
  void ended(ApiCall* call);

  Host host_;
  visor_commands* commands_;
  bool needs_token_;
  Tasks tasks_;
  std::list<std::unique_ptr<ApiCall>> calls_;
  uint64_t total_ = 0;
  std::function<void()> stopped_;
};

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_API_HPP
