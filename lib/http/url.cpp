#include "lib/http/url.hpp"

#include <charconv>

namespace visor::http {
namespace {

constexpr size_t kMaxHost = 253; /* of a name in DNS */
constexpr size_t kMaxUrl = 8192;

bool name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_';
}

bool ipv6_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

template <class Fn>
bool all(std::string_view text, Fn&& fn) {
  for (char c : text) {
    if (!fn(c)) return false;
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string bracketed(const std::string& host) {
  if (host.find(':') == std::string::npos) return host;
  std::string out = "[";
  out += host;
  out += ']';
  return out;
}

/* 0: there is none. */
uint16_t usual_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

}  // namespace

std::string Url::authority() const {
  return port == usual_port(scheme) ? bracketed(host) : bracketed(host) + ":" + std::to_string(port);
}

std::string Url::socket() const {
  return "tcp://" + bracketed(host) + ":" + std::to_string(port);
}

Result<Authority> parse_authority(std::string_view text) {
  auto wrong = [&] {
    return failure(VISOR_EINVAL, "expected \"host\", \"host:port\" or \"[IPv6 address]:port\"; got \"" +
                                     std::string(text.substr(0, 100)) + "\"");
  };
  Authority out;
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    size_t end = rest.find(']');
    if (end == std::string_view::npos) return wrong();
    out.host = lower(rest.substr(1, end - 1));
    if (out.host.empty() || !all(out.host, ipv6_char)) return wrong();
    rest.remove_prefix(end + 1);
  } else {
    size_t end = std::min(rest.find(':'), rest.size());
    out.host = lower(rest.substr(0, end));
    if (out.host.empty() || out.host.size() > kMaxHost || !all(out.host, name_char)) return wrong();
    rest.remove_prefix(end);
  }
  if (rest.empty()) return out;
  const char* end = rest.data() + rest.size();
  if (rest[0] != ':' || rest.size() < 2) return wrong();
  auto [at, error] = std::from_chars(rest.data() + 1, end, out.port);
  if (error != std::errc() || at != end) return wrong();
  return out;
}

Result<Url> parse_url(std::string_view text) {
  auto wrong = [&](std::string why) {
    return failure(VISOR_EINVAL, "\"" + std::string(text.substr(0, 100)) +
                                     "\" is not an address like http://host:port/path: " + why);
  };
  if (text.size() > kMaxUrl) return wrong("it is longer than 8192 characters");
  size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return wrong("it has no scheme");
  Url url;
  url.scheme = lower(text.substr(0, scheme_end));
  if (url.scheme != "tcp" && usual_port(url.scheme) == 0) {
    return wrong("its scheme is none of http, https, ws, wss and tcp");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  auto authority = parse_authority(rest.substr(0, authority_end));
  if (!authority) return wrong(authority.error().text);
  url.host = std::move(authority->host);
  url.port = authority->port ? authority->port : usual_port(url.scheme);
  if (url.port == 0) return wrong("it has no port");
  rest.remove_prefix(authority_end);
  rest = rest.substr(0, rest.find('#'));
  if (!all(rest, [](char c) { return c > 0x20 && c < 0x7F; })) {
    return wrong("its path has a space or a sign that must be escaped with %");
  }
  if (!rest.starts_with('/')) url.path = "/";
  url.path += rest;
  return url;
}

}  // namespace visor::http
