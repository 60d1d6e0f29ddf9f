/* A kernel's log: levels per instance, one sink for the operator, a bounded ring for the `log` command. */
#ifndef VISOR_KERNEL_LOG_HPP
#define VISOR_KERNEL_LOG_HPP
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <visor/value.hpp>

namespace visor::kernel {

struct LogRecord {
  uint64_t sequence = 0; /* 1, 2, 3... of this kernel */
  int64_t unix_ns = 0;
  int32_t level = VISOR_INFO;
  std::string kernel;   /* KernelOptions::name; empty where there is one kernel */
  std::string instance; /* who says it */
  std::string text;
};

/* Where an operator reads: stderr, a file, the console of a tab.  Called on the loop thread. */
using LogSink = std::function<void(const LogRecord&)>;

/* "trace", "debug", "info", "warn", "error". */
std::string_view level_name(int32_t level);
Result<int32_t> level_from_name(std::string_view name);

/* One line without its end: `12:30:01.123 warn  feeds: ...`.  Control characters are shown escaped, because a
 * peer may have chosen them. */
std::string format_text(const LogRecord& record);
/* One line without its end: a JSON object. */
std::string format_json(const LogRecord& record);

class Log {
 public:
  static constexpr size_t kRingRecords = 1000, kMaxTextBytes = 4096;

  void set_sink(std::string kernel, LogSink sink);
  void set_level(int32_t level) { level_ = level; }
  void set_level(std::string instance, int32_t level) { levels_[std::move(instance)] = level; }
  int32_t level(std::string_view instance) const;

  /* Keeps and shows the line unless its level is below the instance's. */
  void write(int64_t unix_ns, int32_t level, std::string_view instance, std::string_view text);

  /* The records that are still kept, oldest first; records_written() is the newest one's sequence. */
  const std::deque<LogRecord>& ring() const { return ring_; }
  uint64_t records_written() const { return written_; }

  /* fn runs after each record, until it is removed. */
  uint64_t listen(std::function<void()> fn);
  void unlisten(uint64_t id) { listeners_.erase(id); }

 private:
  std::string kernel_;
  LogSink sink_;
  int32_t level_ = VISOR_INFO;
  std::map<std::string, int32_t, std::less<>> levels_;
  std::deque<LogRecord> ring_;
  std::map<uint64_t, std::function<void()>> listeners_;
  uint64_t written_ = 0, last_listener_ = 0;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_LOG_HPP
