#include "lib/codec/telemetry_time.hpp"

#include <chrono>

namespace visor::codec {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// Two digits.
void put_pair(char* to, int value) {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
}

// Exactly `digits` decimal digits at the start of `text`, which is moved past them.
std::optional<int> take_digits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<UnixDay> take_date(std::string_view& text) {
  std::optional<int> year = take_digits(text, 4);
  if (!year || *year < 1970 || !take(text, '-')) return std::nullopt;
  std::optional<int> month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  std::optional<int> day = take_digits(text, 2);
  if (!day) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return static_cast<UnixDay>(std::chrono::sys_days(date).time_since_epoch().count());
}

// Seconds of "hh:mm:ss" into the day.
std::optional<int64_t> take_clock(std::string_view& text) {
  std::optional<int> hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  std::optional<int> minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  std::optional<int> second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;  // 60: a leap second
  return *hour * 3600 + *minute * 60 + *second;
}

// Nanoseconds of ".123"; 0 if there is no fraction.
std::optional<int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int64_t ns = 0, unit = 100'000'000;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits, unit /= 10) {
    ns += (text[digits] - '0') * unit;
  }
  text.remove_prefix(digits);
  return digits > 0 ? std::optional(ns) : std::nullopt;
}

// Seconds that "Z" or "+hh:mm" is ahead of UTC; nothing may follow.
std::optional<int64_t> take_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  int64_t sign = text[0] == '+' ? 1 : -1;
  text.remove_prefix(1);
  std::optional<int> hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  std::optional<int> minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

}  // namespace

std::string date_text(UnixDay day) {
  std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  int year = static_cast<int>(date.year());
  std::string out = "0000-00-00";
  put_pair(out.data(), year / 100);
  put_pair(out.data() + 2, year % 100);
  put_pair(out.data() + 5, static_cast<int>(static_cast<unsigned>(date.month())));
  put_pair(out.data() + 8, static_cast<int>(static_cast<unsigned>(date.day())));
  return out;
}

std::optional<UnixDay> parse_date(std::string_view text) {
  std::optional<UnixDay> day = take_date(text);
  return day && text.empty() ? day : std::nullopt;
}

std::string time_text(int64_t unix_s) {
  UnixDay day = day_of(unix_s);
  int second = static_cast<int>(unix_s - day * kSecondsPerDay);
  std::string clock = "T00:00:00Z";
  put_pair(clock.data() + 1, second / 3600);
  put_pair(clock.data() + 4, second / 60 % 60);
  put_pair(clock.data() + 7, second % 60);
  return date_text(day) + clock;
}

std::optional<int64_t> parse_time(std::string_view text) {
  std::optional<int64_t> ns = parse_time_ns(text);
  return ns ? std::optional(*ns / kNsPerSecond) : std::nullopt;
}

std::string time_text_ns(int64_t unix_ns) {
  std::string out = time_text(unix_ns / kNsPerSecond);
  std::string fraction = std::to_string(kNsPerSecond + unix_ns % kNsPerSecond).substr(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  if (!fraction.empty()) out.insert(out.size() - 1, "." + fraction);
  return out;
}

std::optional<int64_t> parse_time_ns(std::string_view text) {
  std::optional<UnixDay> day = take_date(text);
  // Nanoseconds end in 2262.
  constexpr UnixDay kLastDay = static_cast<UnixDay>(INT64_MAX / kNsPerSecond / kSecondsPerDay) - 1;
  if (!day || *day > kLastDay || !(take(text, 'T') || take(text, 't'))) return std::nullopt;
  std::optional<int64_t> second = take_clock(text);
  std::optional<int64_t> ns = second ? take_fraction(text) : std::nullopt;
  std::optional<int64_t> offset = ns ? take_offset(text) : std::nullopt;
  if (!offset) return std::nullopt;
  const int64_t unix_s = *day * kSecondsPerDay + *second - *offset;
  return unix_s < 0 ? std::nullopt : std::optional(unix_s * kNsPerSecond + *ns);
}

}  // namespace visor::codec
