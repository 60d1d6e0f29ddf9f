/* One call of a command for one HTTP client: values one way, pressure and cancellation the other. */
#ifndef VISOR_GATEWAY_API_CALL_HPP
#define VISOR_GATEWAY_API_CALL_HPP
#include "api.hpp"

namespace visor::gateway {

class ApiCall {
 public:
  ApiCall(Api& api, Host host, visor_commands* commands, bool streams)
      : api_(api), host_(host), commands_(commands), tasks_(host), streams_(streams) {}
  ApiCall(const ApiCall&) = delete;
  ApiCall& operator=(const ApiCall&) = delete;

  /* Takes the exchange over.  Tells its Api when all has ended. */
  void start(http::Exchange& exchange, const char* instance, const char* command, const std::string& args);
  /* The client has left, or the gateway stops. */
  void cancel();

 private:
  static const visor_caller kCaller;

  visor_status value(std::string_view json);
  void finished(visor_status status, std::string_view error);

  void begin_stream();
  std::string written_as(std::string_view json) const;
  void pump();
  void client_left();
  void refuse(visor_status status, std::string_view why);
  void end();

  Api& api_;
  Host host_;
  visor_commands* commands_;
  Tasks tasks_;
  http::Exchange* exchange_ = nullptr; /* until it is answered */
  visor_ticket* ticket_ = nullptr;     /* until `finished` */
  Stream stream_;
  Timer heartbeat_;
  std::string pending_; /* written by the command, not taken by the stream; at most one value and an end */
  size_t sent_ = 0;     /* of pending_ */
  std::string value_;   /* of a command that gives one */
  bool streams_;
  bool events_ = false; /* server-sent events, else lines */
  bool held_ = false;   /* a value was refused and is to be asked for again */
  bool over_ = false;   /* the command has finished */
  bool ended_ = false;  /* and so has the answer */
};

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_API_CALL_HPP
