/* Numbers and strings as the text of JSON and of Prometheus' formats; appended, for rows that are rendered by
 * the thousand. */
#ifndef VISOR_CODEC_TELEMETRY_TEXT_HPP
#define VISOR_CODEC_TELEMETRY_TEXT_HPP
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace visor::codec {

void append_unsigned(std::string& out, uint64_t value);

/* value / 10^digits, exactly, without trailing zeros: append_scaled(out, 10400, 6) writes 0.0104.  digits: at
 * most 18. */
void append_scaled(std::string& out, uint64_t value, int digits);

/* A number from 0 to 1e15, rounded to `digits` (at most 3) decimals; what is outside, or not a number, is
 * written as the nearer end. */
void append_decimal(std::string& out, double value, int digits);

/* With its quotes; whatever the bytes are, the result is valid JSON: what is no UTF-8 becomes U+FFFD. */
void append_json_string(std::string& out, std::string_view text);

/* Writes one JSON object member by member, in the order of the calls. */
class JsonObjectText {
 public:
  JsonObjectText& text(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(out_, value);
    return *this;
  }
  JsonObjectText& integer(std::string_view name, uint64_t value) {
    begin(name);
    append_unsigned(out_, value);
    return *this;
  }
  /* As append_decimal. */
  JsonObjectText& number(std::string_view name, double value, int digits = 3) {
    begin(name);
    append_decimal(out_, value, digits);
    return *this;
  }
  JsonObjectText& boolean(std::string_view name, bool value) { return json(name, value ? "true" : "false"); }
  /* `value` is JSON already. */
  JsonObjectText& json(std::string_view name, std::string_view value) {
    begin(name);
    out_ += value;
    return *this;
  }
  std::string finish() { return std::move(out_) + "}"; }

 private:
  void begin(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
  }
  std::string out_ = "{";
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_TEXT_HPP
