#include "kernel/log.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>

#include "kernel/nearest.hpp"

namespace visor::kernel {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warn", "error"};

/* "2026-01-31T12:30:01.123Z" */
std::string utc(int64_t unix_ns) {
  using namespace std::chrono;
  sys_time<milliseconds> time{floor<milliseconds>(nanoseconds(unix_ns))};
  auto day = floor<days>(time);
  year_month_day date{day};
  hh_mm_ss clock{time - day};
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()), int(clock.subseconds().count()));
  return out;
}

void append_visible(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

}  // namespace

std::string_view level_name(int32_t level) {
  return level >= 0 && size_t(level) < kLevels.size() ? kLevels[size_t(level)] : "?";
}

Result<int32_t> level_from_name(std::string_view name) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == name) return int32_t(i);
  }
  std::vector<std::string> known(kLevels.begin(), kLevels.end());
  return failure(VISOR_EINVAL,
                 "a log level is one of " + quoted_list(known) + "; got \"" + std::string(name) + '"');
}

std::string format_text(const LogRecord& record) {
  std::string out = utc(record.unix_ns).substr(11, 12);
  out += ' ';
  out += level_name(record.level);
  out.append(6 - level_name(record.level).size(), ' ');
  if (!record.kernel.empty()) out += record.kernel + '/';
  out += record.instance + ": ";
  append_visible(out, record.text);
  return out;
}

std::string format_json(const LogRecord& record) {
  boost::json::object out;
  out["time"] = utc(record.unix_ns);
  out["level"] = level_name(record.level);
  if (!record.kernel.empty()) out["kernel"] = record.kernel;
  out["instance"] = record.instance;
  out["sequence"] = record.sequence;
  out["text"] = record.text;
  return boost::json::serialize(out);
}

void Log::set_sink(std::string kernel, LogSink sink) {
  kernel_ = std::move(kernel);
  sink_ = std::move(sink);
}

int32_t Log::level(std::string_view instance) const {
  auto at = levels_.find(instance);
  return at == levels_.end() ? level_ : at->second;
}

void Log::write(int64_t unix_ns, int32_t level, std::string_view instance, std::string_view text) {
  if (level < this->level(instance)) return;
  LogRecord record{
      ++written_, unix_ns, level, kernel_, std::string(instance), std::string(text.substr(0, kMaxTextBytes))};
  if (text.size() > kMaxTextBytes) record.text += "... (" + std::to_string(text.size()) + " bytes)";
  if (sink_) sink_(record);
  ring_.push_back(std::move(record));
  if (ring_.size() > kRingRecords) ring_.pop_front();

  auto listeners = listeners_;  // one may remove itself
  for (auto& [id, fn] : listeners) fn();
}

uint64_t Log::listen(std::function<void()> fn) {
  listeners_.emplace(++last_listener_, std::move(fn));
  return last_listener_;
}

}  // namespace visor::kernel
