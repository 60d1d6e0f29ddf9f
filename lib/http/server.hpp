/* An HTTP/1.1 server over streams: it is handed connections and hands on requests, one at a time per
 * connection and in order.  Who may ask what is its owner's business (plugins/gateway). */
#ifndef VISOR_HTTP_SERVER_HPP
#define VISOR_HTTP_SERVER_HPP
#include <visor/http.hpp>
#include <visor/stream.hpp>

#include "lib/http/message_parser.hpp"
#include "lib/http/websocket_stream.hpp"

namespace visor::http {

class Connection;
struct ServerState;

struct ServerLimits {
  ParserLimits message;
  size_t connections = 1024;
  size_t connections_per_address = 256;
  size_t read_ahead_bytes = 64u << 10;  /* of pipelined requests; then the connection is not read */
  size_t queued_bytes = 256u << 10;     /* of a streamed body; then its writes are refused */
  uint64_t request_timeout_ms = 30'000; /* from a request's first byte to its last */
  uint64_t idle_timeout_ms = 60'000;    /* between requests */
  uint64_t write_timeout_ms = 30'000;   /* without the client taking a byte */
  uint64_t linger_timeout_ms = 2'000;   /* for the client to close, after our last answer */
  WebSocketOptions websocket;
  bool operator==(const ServerLimits&) const = default;
};

struct ServerCounters {
  size_t open_connections = 0, open_websockets = 0, open_streams = 0, open_exchanges = 0;
  uint64_t accepted = 0, refused = 0; /* connections; refused: above a limit */
  uint64_t requests = 0;
  uint64_t malformed = 0; /* requests that were not HTTP, or above a limit of size */
  uint64_t timeouts = 0;
  uint64_t websockets = 0;
  uint64_t answers[6] = {};                    /* by hundreds of the status: answers[2] is 200 to 299 */
  uint64_t received_bytes = 0, sent_bytes = 0; /* without what upgraded connections carry */
};

/* One request and the duty to answer it, by exactly one of respond, respond_shared, stream and upgrade, which
 * destroys it.  To plugins it is their visor_exchange. */
class Exchange final : public ExchangeProvider {
 public:
  const visor_http_request* request() override { return &view_; }
  void respond(int32_t status, const visor_span* headers, size_t header_count, visor_span body) override;
  visor_stream* stream(int32_t status, const visor_span* headers, size_t header_count) override;
  visor_stream* upgrade() override;

  /* respond() with a body that is not copied. */
  void respond_shared(int32_t status, std::span<const visor_span> headers,
                      std::shared_ptr<const std::string> body);
  /* respond() with {"error": ...}. */
  void respond_error(int32_t http, visor_status status, std::string_view message);

  std::string_view method() const { return message_.method; }
  std::string_view path() const { return text(view_.path); }   /* as sent, escapes and all */
  std::string_view query() const { return text(view_.query); } /* behind the ? */
  std::string_view body() const { return message_.body; }
  std::string_view header(std::string_view name) const { return message_.headers.find(name); }
  std::string_view origin() const { return origin_; } /* the client's address and port */
  /* The client's authenticated key, where the connection has one; null on a raw socket. */
  const visor_addr* peer() const { return peer_ ? &*peer_ : nullptr; }

  /* A header for the answer, whoever gives it; both must satisfy valid_header. */
  void add_header(std::string_view name, std::string_view value);
  /* Runs once, from the loop, if the connection is lost before the answer.  A client that has only ended its
   * own side may still be listening and is answered. */
  void on_left(std::function<void()> left) { left_ = std::move(left); }

 private:
  friend class Connection;
  Exchange(std::shared_ptr<ServerState> state, Connection* connection, RequestMessage message,
           std::string_view target, std::string origin, const std::optional<visor_addr>& peer);
  ~Exchange() override;

  std::shared_ptr<ServerState> state_;
  Connection* connection_; /* null: the client has left */
  RequestMessage message_;
  std::string origin_;
  std::string target_; /* "/path?query" */
  std::optional<visor_addr> peer_;
  std::vector<visor_span> headers_;
  std::string extra_; /* lines of the answer's head */
  std::function<void()> left_;
  visor_http_request view_{};
};

class Server {
 public:
  using Handler = std::function<void(Exchange&)>;

  Server(Host host, const ServerLimits& limits, Handler handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /* Closes what is open.  What others hold of it (exchanges, streams) stays valid until they give it up, so a
   * plugin waits for stop() before its code may go. */
  ~Server();

  /* Takes a connection over.  `early`: its first bytes, if somebody has read them to know what it is;
   * `origin`: where it really comes from, if a proxy said so; else what the stream says. */
  void accept(visor_stream* connection, std::string early = {}, std::string origin = {});

  /* Closes every connection, body and WebSocket; `stopped` runs from the loop, when everything that was
   * handed out is back. */
  void stop(std::function<void()> stopped);

  const ServerCounters& counters() const;
  const ServerLimits& limits() const;

 private:
  std::shared_ptr<ServerState> state_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_SERVER_HPP
