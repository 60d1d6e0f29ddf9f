/* Days and times of telemetry: always UTC, a day named YYYY-MM-DD (specification telemetry.md, 2.2 and 2.3).
 */
#ifndef VISOR_CODEC_TELEMETRY_TIME_HPP
#define VISOR_CODEC_TELEMETRY_TIME_HPP
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor::codec {

constexpr int64_t kSecondsPerDay = 86400;

/* A day as its number since 1970-01-01. */
using UnixDay = int32_t;

/* The day that a moment (Unix seconds, before 1970 too) falls into. */
constexpr UnixDay day_of(int64_t unix_s) {
  int64_t day = unix_s / kSecondsPerDay;
  return static_cast<UnixDay>(unix_s % kSecondsPerDay < 0 ? day - 1 : day);
}

/* "2026-07-02"; the day must be of the years 0 to 9999. */
std::string date_text(UnixDay day);

/* Exactly what date_text() writes, of a day that exists, from 1970 on; else nothing. */
std::optional<UnixDay> parse_date(std::string_view text);

/* "2026-07-02T14:03:00Z" of Unix seconds. */
std::string time_text(int64_t unix_s);

/* RFC 3339 with or without a fraction, which is dropped, and with any offset; Unix seconds, from 1970 on. */
std::optional<int64_t> parse_time(std::string_view text);

/* The same with nanoseconds: up to nine digits of a fraction, without zeros at its end. */
std::string time_text_ns(int64_t unix_ns);
/* Digits beyond the ninth are dropped. */
std::optional<int64_t> parse_time_ns(std::string_view text);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_TIME_HPP
