/* The body of an answer that is not whole yet, as a stream that is only written to; it closes when the client
 * leaves.  Internal to lib/http's server. */
#ifndef VISOR_HTTP_BODY_STREAM_HPP
#define VISOR_HTTP_BODY_STREAM_HPP
#include "lib/http/server_state.hpp"

namespace visor::http {

class BodyStream final : public StreamProvider {
 public:
  /* connection null: the client had left before the answer began. */
  BodyStream(std::shared_ptr<ServerState> state, Connection* connection, std::string origin)
      : StreamProvider(state->host),
        connection_(connection),
        origin_(std::move(origin)),
        handed_out_(std::move(state), &ServerCounters::open_streams) {
    if (!connection_) gone("the client left before it was answered");
  }

  /* The connection is over. */
  void gone(std::string why) {
    connection_ = nullptr;
    finish(VISOR_ECLOSED, std::move(why));
  }

 private:
  visor_status on_write(std::span<const visor_span> parts) override {
    visor_status status = connection_->body_write(parts);
    return status == VISOR_OK ? status : host().fail(status, "the client takes the body more slowly");
  }
  void on_flow(bool) override {} /* the request's body was whole before the answer began */
  void on_end() override {
    std::exchange(connection_, nullptr)->body_end();
    finish(VISOR_OK);
  }
  void on_close() override { std::exchange(connection_, nullptr)->body_abort(); }
  std::string_view on_origin() override { return origin_; }

  Connection* connection_;
  std::string origin_;
  HandedOut handed_out_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_BODY_STREAM_HPP
