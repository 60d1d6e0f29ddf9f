/* The small texts of HTTP: header lists, queries, dates, reason phrases, errors as JSON. */
#ifndef VISOR_HTTP_TEXT_HPP
#define VISOR_HTTP_TEXT_HPP
#include <optional>
#include <visor/value.hpp>

namespace visor::http {

/* Headers in order of arrival, names in lower case, all in one buffer. */
class HeaderList {
 public:
  void add(std::string_view name, std::string_view value);
  /* Value of the first header of that (lower case) name; empty when there is none. */
  std::string_view find(std::string_view name) const;
  size_t count(std::string_view name) const;
  size_t size() const { return refs_.size(); }
  size_t bytes() const { return text_.size(); }
  std::string_view name(size_t i) const { return view(refs_[i].name, refs_[i].name_size); }
  std::string_view value(size_t i) const { return view(refs_[i].value, refs_[i].value_size); }
  /* name, value, name, value ...; lent as long as the list does not change. */
  std::vector<visor_span> spans() const;

 private:
  struct Ref {
    uint32_t name, name_size, value, value_size;
  };
  std::string_view view(uint32_t at, uint32_t size) const { return std::string_view(text_).substr(at, size); }
  std::string text_;
  std::vector<Ref> refs_;
};

/* Equal but for the case of ASCII letters. */
bool same_text(std::string_view a, std::string_view b);
/* Without spaces and tabs at either end. */
std::string_view trim(std::string_view text);
/* Is `token` in a comma-separated list, whatever its case? */
bool has_token(std::string_view list, std::string_view token);

/* Is this answer to `Accept` or `Accept-Encoding` one that the header allows?  `value` is a media type or an
 * encoding; wildcards count, q=0 forbids, an absent (empty) header allows nothing by name. */
bool accepts(std::string_view header, std::string_view value);

/* May a header be written so?  Names are tokens; values hold no control characters but the tab. */
bool valid_header(std::string_view name, std::string_view value);

/* %41 to A, and in a query + to a space; nothing when an escape is cut or not hex, or the result holds a NUL.
 */
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

struct Parameter {
  std::string name, value;
};
/* "a=1&b=two" in order; VISOR_EINVAL for a bad escape. */
Result<std::vector<Parameter>> parse_query(std::string_view query);

/* "Not Found" for 404. */
std::string_view reason_phrase(int32_t status);
/* "Sun, 06 Nov 1994 08:49:37 GMT". */
std::string http_date(int64_t unix_seconds);

/* The HTTP status that tells a failure of the ABI best: VISOR_ENOENT is 404. */
int32_t http_status(visor_status status);
/* "ENOENT". */
std::string_view status_name(visor_status status);
/* A JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
std::string json_string(std::string_view text);
/* {"error":{"status":"ENOENT","message":"..."}} */
std::string error_json(visor_status status, std::string_view message);

}  // namespace visor::http
#endif  // VISOR_HTTP_TEXT_HPP
