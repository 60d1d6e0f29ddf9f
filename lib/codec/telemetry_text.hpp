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

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_TEXT_HPP
