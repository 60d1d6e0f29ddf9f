/* An HTTP/1.1 client: one request, one connection, one answer, whole or as it comes. */
#ifndef VISOR_HTTP_CLIENT_HPP
#define VISOR_HTTP_CLIENT_HPP
#include <visor/net.hpp>
#include <visor/stream.hpp>

#include "lib/http/message_parser.hpp"
#include "lib/http/url.hpp"

namespace visor::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  /* "http://host:port/path?query" */
  std::string host; /* for the Host header; empty: the url's, its scheme's own port left out */
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  uint64_t timeout_ms = 30'000;      /* until the answer's head is there, the connection included; 0: none */
  uint64_t idle_timeout_ms = 30'000; /* between pieces of the body; 0: none */
  size_t max_header_bytes = 16u << 10;
  uint64_t max_body_bytes = 8u << 20;
};

struct ClientResponse {
  int32_t status = 0;
  HeaderList headers;
  std::string body;
};

/* A request under way.  Destroying it closes its connection, and no callback runs afterwards; callbacks may
 * destroy it. */
class ClientCall {
 public:
  struct Events {
    std::function<void(const ResponseHead&)> head; /* lent for the call */
    std::function<void(ByteView)> body;            /* a piece, lent for the call */
    std::function<void(Result<void>)> done;        /* always last */
  };

  ClientCall();
  ClientCall(ClientCall&&) noexcept;
  ClientCall& operator=(ClientCall&&) noexcept;
  ~ClientCall();

  /* Connects by `sockets`; VISOR_ENOSYS for https, which needs TLS. */
  Result<void> start(Host host, visor_sockets* sockets, const ClientRequest& request, Events events);
  /* Over a connection that is there; its ownership goes over, whatever is returned. */
  Result<void> start(Host host, visor_stream* connection, const ClientRequest& request, Events events);

  /* Stops `body`; the server sees the pressure. */
  void pause(bool paused);

 private:
  struct State;
  explicit ClientCall(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/* The whole answer at once; any status is an answer.  As start() otherwise. */
Result<ClientCall> fetch(Host host, visor_sockets* sockets, const ClientRequest& request,
                         std::function<void(Result<ClientResponse>)> done);

}  // namespace visor::http
#endif  // VISOR_HTTP_CLIENT_HPP
