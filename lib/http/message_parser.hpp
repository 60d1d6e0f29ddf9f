/* HTTP/1.1 messages out of bytes cut anywhere (Boost.Beast's parser below, strict about what proxies disagree
 * on). */
#ifndef VISOR_HTTP_MESSAGE_PARSER_HPP
#define VISOR_HTTP_MESSAGE_PARSER_HPP
#include <memory>

#include "lib/http/text.hpp"

namespace visor::http {

struct ParserLimits {
  size_t header_bytes = 16u << 10; /* start line, and all headers and trailers together */
  uint64_t body_bytes = 1u << 20;
  bool operator==(const ParserLimits&) const = default;
};

/* Why a message was refused: `http` for the answer of a server, the text for people. */
struct ParseError {
  int32_t http = 400;
  std::string text;
};

struct RequestMessage {
  std::string method, target;
  HeaderList headers;
  std::string body;
  bool keep_alive = false;
  int version = 11; /* 10 or 11 */
};

class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits);
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  /* Takes bytes from the start of `input` and says how many; what it leaves must come again, in front of
   * more. Not to be called once done().  An error is final. */
  std::expected<size_t, ParseError> put(std::string_view input);
  bool header_done() const;
  bool done() const;
  /* Headers are there once header_done(), the body once done(). */
  RequestMessage& message();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ResponseHead {
  int32_t status = 0;
  HeaderList headers;
};

class ResponseParser {
 public:
  /* without_body: the answer to a HEAD request. */
  ResponseParser(const ParserLimits& limits, bool without_body);
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;
  ~ResponseParser();

  std::expected<size_t, ParseError> put(std::string_view input);
  /* The carrier ended; an error if the message cannot end there. */
  std::expected<void, ParseError> end();
  bool header_done() const;
  bool done() const;
  const ResponseHead& head() const;
  /* The bytes of the body that have come since it was asked last. */
  std::string take_body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_MESSAGE_PARSER_HPP
