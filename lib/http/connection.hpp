/* One client's connection: requests in, answers out, one at a time.  Internal to lib/http's server. */
#ifndef VISOR_HTTP_CONNECTION_HPP
#define VISOR_HTTP_CONNECTION_HPP
#include "lib/http/server.hpp"

namespace visor::http {

class AddressSlot;
class BodyStream;

class Connection {
 public:
  Connection(std::shared_ptr<ServerState> state, uint64_t id, Stream stream,
             std::shared_ptr<AddressSlot> slot, std::string early, std::string origin);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /* What an exchange's answer comes down to; the exchange destroys itself afterwards. */
  void respond(Exchange& exchange, int32_t status, std::span<const visor_span> headers, std::string_view body,
               std::shared_ptr<const std::string> shared);
  visor_stream* stream(Exchange& exchange, int32_t status, std::span<const visor_span> headers);
  visor_stream* upgrade(Exchange& exchange);

  /* What a streamed body does; it forgets the connection after body_end and body_abort. */
  visor_status body_write(std::span<const visor_span> parts);
  void body_end();
  void body_abort();

  /* At once; whoever holds its exchange or body learns or finds out. */
  void close(std::string_view why);

 private:
  enum class Phase : uint8_t { kReading, kServing, kStreaming, kLingering, kGone };
  enum class Wait : uint8_t { kNothing, kRequest, kIdle, kWrite, kLinger };

  void receive(ByteView data);
  void advance();
  bool parse_one();
  void expect_body();
  void dispatch();
  void refuse(int32_t http, visor_status status, std::string_view why);
  void peer_ended();
  void peer_closed(const Error& error);

  std::string head(int32_t status, std::span<const visor_span> headers, std::string_view extra);
  void answered();
  void linger();
  void schedule_turn();
  void flush();
  void after_event();
  void watch();
  void expired();
  void remove();

  std::string_view unread() const { return std::string_view(input_).substr(read_); }

  std::shared_ptr<ServerState> state_;
  uint64_t id_;
  Stream stream_;
  Outbox outbox_;
  Deadline deadline_;
  Tasks tasks_;
  std::shared_ptr<AddressSlot> slot_;
  std::optional<RequestParser> parser_; /* while a request is arriving */
  std::string input_;
  size_t read_ = 0; /* of input_ */
  std::string origin_;
  std::optional<visor_addr> peer_;
  Exchange* exchange_ = nullptr;
  BodyStream* body_ = nullptr;

  uint64_t requests_ = 0;
  uint64_t counted_ = 0; /* of outbox_.written() */
  uint64_t marker_ = 0;  /* what the deadline's wait had seen when it was set */
  Phase phase_ = Phase::kReading;
  Wait wait_ = Wait::kNothing;
  bool keep_alive_ = true, head_only_ = false, http_1_0_ = false; /* of the request that is being answered */
  bool chunked_ = false, discard_body_ = false;                   /* of the body that is being streamed */
  bool continued_ = false, input_ended_ = false, paused_ = false, advancing_ = false;
  bool turn_scheduled_ = false, want_ready_ = false;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_CONNECTION_HPP
