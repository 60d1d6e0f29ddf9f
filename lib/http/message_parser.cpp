/* Beast asserts what a peer can break (a last chunk that arrives byte by byte); without the assertion its
 * code is right, so this file is compiled with BOOST_DISABLE_ASSERTS, in every build. */
#include "lib/http/message_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace visor::http {
namespace {

namespace beast = boost::beast;
using ErrorCode = boost::system::error_code;
using BeastError = beast::http::error;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

/* What requests and responses have in common: the headers and their bound, and the bytes of the body. */
template <bool kRequest>
class Collector : public beast::http::basic_parser<kRequest> {
 public:
  Collector(const ParserLimits& limits, HeaderList& headers, std::string& body)
      : limits_(limits), headers_(headers), body_(body) {
    this->eager(true);
    this->header_limit(static_cast<uint32_t>(limits.header_bytes));
    this->body_limit(limits.body_bytes);
  }

  std::expected<size_t, ParseError> feed(std::string_view input) {
    ErrorCode error;
    size_t used = this->put(boost::asio::const_buffer(input.data(), input.size()), error);
    if (refused_) return std::unexpected(std::move(*refused_));
    if (error && error != BeastError::need_more) return std::unexpected(explain(error));
    /* What is left is an unfinished start line, header, chunk header or trailer, which Beast wants in one
     * piece and does not bound everywhere. */
    if (error && input.size() - used >= limits_.header_bytes) {
      return std::unexpected(explain(BeastError::header_limit));
    }
    return used;
  }

  ParseError explain(const ErrorCode& error) const {
    if (error == BeastError::header_limit) {
      return {431, "the header is longer than " + std::to_string(limits_.header_bytes) + " bytes"};
    }
    if (error == BeastError::body_limit || error == BeastError::buffer_overflow) {
      return {413, "the body is longer than " + std::to_string(limits_.body_bytes) + " bytes"};
    }
    if (error == BeastError::bad_version) return {505, "expected a line that ends in HTTP/1.1 or HTTP/1.0"};
    if (error == BeastError::partial_message) return {400, "the message is cut short"};
    return {400, "this is not HTTP/1.1: " + error.message()};
  }

 protected:
  void refuse(int32_t http, std::string text, ErrorCode& error) {
    refused_ = ParseError{http, std::move(text)};
    error = BeastError::bad_value;
  }

  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     ErrorCode& error) override {
    size_t size = name.size() + value.size() + 4; /* ": " and the line's end */
    if (headers_.bytes() + headers_.size() * 4 + size > limits_.header_bytes) {
      error = BeastError::header_limit;
      return;
    }
    /* A trailer that looks like a header (authorization, host) must not become one. */
    if (!this->is_header_done())
      headers_.add(view(name), view(value));
    else
      trailer_bytes_ += size;
    if (trailer_bytes_ > limits_.header_bytes) error = BeastError::header_limit;
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}
  size_t on_body_impl(beast::string_view data, ErrorCode&) override {
    body_.append(data.data(), data.size());
    return data.size();
  }
  void on_chunk_header_impl(uint64_t, beast::string_view, ErrorCode&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view data, ErrorCode&) override {
    body_.append(data.data(), data.size());
    return data.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  /* Beast takes a message with an unknown coding for one without a body, and what follows for the next
   * message: exactly what smugglers of requests need. */
  void check_framing(int version, ErrorCode& error) {
    size_t codings = headers_.count("transfer-encoding");
    if (codings == 0) return;
    if (version < 11) return refuse(400, "transfer-encoding needs HTTP/1.1", error);
    if (codings > 1 || !same_text(headers_.find("transfer-encoding"), "chunked")) {
      refuse(501, "the only transfer-encoding understood here is \"chunked\"", error);
    }
  }

  ParserLimits limits_;
  HeaderList& headers_;
  std::string& body_;
  std::optional<ParseError> refused_;
  size_t trailer_bytes_ = 0;
};

}  // namespace

/* --- requests ------------------------------------------------------------------------------ */

struct RequestParser::Impl : Collector<true> {
  explicit Impl(const ParserLimits& limits) : Collector<true>(limits, request.headers, request.body) {}

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int version,
                       ErrorCode&) override {
    request.method = view(method);
    request.target = view(target);
    request.version = version;
  }
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}
  void on_header_impl(ErrorCode& error) override {
    check_framing(request.version, error);
    if (error) return;
    size_t hosts = request.headers.count("host");
    if (hosts > 1 || (hosts == 0 && request.version >= 11)) {
      return refuse(400, "expected one Host header; got " + std::to_string(hosts), error);
    }
    request.keep_alive = keep_alive();
  }

  RequestMessage request;
};

RequestParser::RequestParser(const ParserLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

std::expected<size_t, ParseError> RequestParser::put(std::string_view input) {
  return impl_->feed(input);
}
bool RequestParser::header_done() const {
  return impl_->is_header_done();
}
bool RequestParser::done() const {
  return impl_->is_done();
}
RequestMessage& RequestParser::message() {
  return impl_->request;
}

/* --- responses ----------------------------------------------------------------------------- */

struct ResponseParser::Impl : Collector<false> {
  Impl(const ParserLimits& limits, bool without_body) : Collector<false>(limits, response.headers, body) {
    skip(without_body);
  }

  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, ErrorCode&) override {}
  void on_response_impl(int status, beast::string_view, int version_number, ErrorCode&) override {
    response.status = status;
    version = version_number;
  }
  void on_header_impl(ErrorCode& error) override { check_framing(version, error); }

  ResponseHead response;
  std::string body;
  int version = 11;
};

ResponseParser::ResponseParser(const ParserLimits& limits, bool without_body)
    : impl_(std::make_unique<Impl>(limits, without_body)) {}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

std::expected<size_t, ParseError> ResponseParser::put(std::string_view input) {
  return impl_->feed(input);
}

std::expected<void, ParseError> ResponseParser::end() {
  if (done()) return {};
  if (!impl_->got_some()) return std::unexpected(ParseError{400, "nothing came"});
  ErrorCode error;
  impl_->put_eof(error);
  if (error) return std::unexpected(impl_->explain(error));
  return {};
}
bool ResponseParser::header_done() const {
  return impl_->is_header_done();
}
bool ResponseParser::done() const {
  return impl_->is_done();
}
const ResponseHead& ResponseParser::head() const {
  return impl_->response;
}
std::string ResponseParser::take_body() {
  return std::exchange(impl_->body, {});
}

}  // namespace visor::http
