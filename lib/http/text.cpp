#include "lib/http/text.hpp"

#include <chrono>

namespace visor::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/* Calls fn with each trimmed, non-empty element of a list, until it returns false. */
template <class Fn>
void each_element(std::string_view list, char separator, Fn&& fn) {
  while (!list.empty()) {
    size_t end = std::min(list.find(separator), list.size());
    std::string_view element = trim(list.substr(0, end));
    if (!element.empty() && !fn(element)) return;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

/* "q=0", "q=0.000": anything else counts as allowed. */
bool refuses(std::string_view parameters) {
  bool refused = false;
  each_element(parameters, ';', [&](std::string_view parameter) {
    if (parameter.size() < 3 || lower(parameter[0]) != 'q' || parameter[1] != '=') return true;
    refused = parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
    return false;
  });
  return refused;
}

/* How well a range of `Accept` fits: 0 not at all, 1 everything, 2 "text" + "/" + star, 3 exactly. */
int closeness(std::string_view range, std::string_view value) {
  if (same_text(range, value)) return 3;
  if (range == "*/*" || range == "*") return 1;
  size_t slash = value.find('/');
  if (slash == std::string_view::npos || !range.ends_with("/*")) return 0;
  return same_text(range.substr(0, range.size() - 2), value.substr(0, slash)) ? 2 : 0;
}

void pad2(std::string& out, unsigned value) {
  out += static_cast<char>('0' + value / 10);
  out += static_cast<char>('0' + value % 10);
}

/* Length of the UTF-8 sequence at the start of text; 0 when there is none (RFC 3629: no surrogates, shortest
 * form). */
size_t utf8_length(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0u; };
  auto follows = [&](size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

void HeaderList::add(std::string_view name, std::string_view value) {
  Ref ref{static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(name.size()), 0,
          static_cast<uint32_t>(value.size())};
  for (char c : name) text_ += lower(c);
  ref.value = static_cast<uint32_t>(text_.size());
  text_ += value;
  refs_.push_back(ref);
}

std::string_view HeaderList::find(std::string_view wanted) const {
  for (size_t i = 0; i < refs_.size(); ++i) {
    if (name(i) == wanted) return value(i);
  }
  return {};
}

size_t HeaderList::count(std::string_view wanted) const {
  size_t found = 0;
  for (size_t i = 0; i < refs_.size(); ++i) found += name(i) == wanted;
  return found;
}

std::vector<visor_span> HeaderList::spans() const {
  std::vector<visor_span> out;
  out.reserve(refs_.size() * 2);
  for (size_t i = 0; i < refs_.size(); ++i) {
    out.push_back(to_span(name(i)));
    out.push_back(to_span(value(i)));
  }
  return out;
}

bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool has_token(std::string_view list, std::string_view token) {
  bool found = false;
  each_element(list, ',', [&](std::string_view element) {
    found = same_text(element, token);
    return !found;
  });
  return found;
}

bool accepts(std::string_view header, std::string_view value) {
  int best = 0;
  bool allowed = false;
  each_element(header, ',', [&](std::string_view element) {
    size_t end = std::min(element.find(';'), element.size());
    int fit = closeness(trim(element.substr(0, end)), value);
    if (fit > best) {
      best = fit;
      allowed = !refuses(element.substr(end));
    }
    return true;
  });
  return allowed;
}

bool valid_header(std::string_view name, std::string_view value) {
  if (name.empty()) return false;
  for (char c : name) {
    if (!token_char(c)) return false;
  }
  for (char c : value) {
    auto byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
  }
  return true;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      uint8_t byte = 0;
      if (!from_hex(text.substr(i + 1, 2), {&byte, 1}) || byte == 0) return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<std::vector<Parameter>> parse_query(std::string_view query) {
  std::vector<Parameter> out;
  bool good = true;
  each_element(query, '&', [&](std::string_view element) {
    size_t equals = std::min(element.find('='), element.size());
    auto name = percent_decode(element.substr(0, equals), true);
    auto value = percent_decode(element.substr(std::min(equals + 1, element.size())), true);
    good = name && value;
    if (good) out.push_back({std::move(*name), std::move(*value)});
    return good;
  });
  if (!good) return failure(VISOR_EINVAL, "the query has a % that two hex digits do not follow");
  return out;
}

std::string_view reason_phrase(int32_t status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
  }
  return "Status"; /* any phrase is legal, and nothing reads it */
}

std::string http_date(int64_t unix_seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using namespace std::chrono;
  sys_seconds time{seconds(unix_seconds)};
  sys_days day = floor<days>(time);
  year_month_day date{day};
  auto second_of_day = static_cast<unsigned>((time - day).count());
  std::string out = kDays[weekday(day).c_encoding()];
  out += ", ";
  pad2(out, static_cast<unsigned>(date.day()));
  out += ' ';
  out += kMonths[static_cast<unsigned>(date.month()) - 1];
  out += ' ';
  out += std::to_string(static_cast<int>(date.year()));
  out += ' ';
  pad2(out, second_of_day / 3600);
  out += ':';
  pad2(out, second_of_day / 60 % 60);
  out += ':';
  pad2(out, second_of_day % 60);
  out += " GMT";
  return out;
}

int32_t http_status(visor_status status) {
  switch (status) {
    case VISOR_OK:
      return 200;
    case VISOR_EINVAL:
      return 400;
    case VISOR_ENOENT:
      return 404;
    case VISOR_EEXIST:
      return 409;
    case VISOR_EAGAIN:
      return 503;
    case VISOR_ECANCELED:
      return 503;
    case VISOR_ETIMEDOUT:
      return 504;
    case VISOR_ENOSPC:
      return 507;
    case VISOR_ENOSYS:
      return 501;
    case VISOR_EPERM:
      return 403;
    case VISOR_ECLOSED:
      return 502;
    case VISOR_EPROTO:
      return 502;
  }
  return 500;
}

std::string_view status_name(visor_status status) {
  switch (status) {
    case VISOR_OK:
      return "OK";
    case VISOR_EINVAL:
      return "EINVAL";
    case VISOR_ENOENT:
      return "ENOENT";
    case VISOR_EEXIST:
      return "EEXIST";
    case VISOR_EAGAIN:
      return "EAGAIN";
    case VISOR_ECANCELED:
      return "ECANCELED";
    case VISOR_ETIMEDOUT:
      return "ETIMEDOUT";
    case VISOR_EIO:
      return "EIO";
    case VISOR_ECORRUPT:
      return "ECORRUPT";
    case VISOR_ENOSPC:
      return "ENOSPC";
    case VISOR_ENOSYS:
      return "ENOSYS";
    case VISOR_EPERM:
      return "EPERM";
    case VISOR_ECLOSED:
      return "ECLOSED";
    case VISOR_EPROTO:
      return "EPROTO";
  }
  return "EINTERNAL";
}

std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    auto byte = static_cast<uint8_t>(text[0]);
    size_t length = utf8_length(text);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[0];
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += length ? text.substr(0, length) : "\xEF\xBF\xBD";
    }
    text.remove_prefix(length ? length : 1);
  }
  out += '"';
  return out;
}

std::string error_json(visor_status status, std::string_view message) {
  std::string out = "{\"error\":{\"status\":";
  out += json_string(status_name(status));
  out += ",\"message\":";
  out += json_string(message);
  out += "}}";
  return out;
}

}  // namespace visor::http
