#include "kernel/log.hpp"

#include <catch2/catch.hpp>

namespace visor::kernel {

TEST_CASE("log lines name the time, the level, the instance, and show what a peer may have put into them",
          "[kernel]") {
  LogRecord record{7, 1767225600123456789, VISOR_WARN, "", "feeds", "bad \x1b[31mpeer\n\x7f"};
  CHECK(format_text(record) == "00:00:00.123 warn  feeds: bad \\x1b[31mpeer\\x0a\\x7f");
  CHECK(
      format_json(record) ==
      R"({"time":"2026-01-01T00:00:00.123Z","level":"warn","instance":"feeds","sequence":7,"text":"bad \u001b[31mpeer\n)"
      "\x7f"
      R"("})");
  record.kernel = "tpd";
  CHECK(format_text(record).find("tpd/feeds: ") != std::string::npos);
}

TEST_CASE("levels hold for all instances or for one", "[kernel]") {
  Log log;
  std::vector<std::string> shown;
  log.set_sink("", [&](const LogRecord& r) { shown.push_back(r.instance + " " + r.text); });
  log.set_level("noisy", VISOR_ERROR);
  log.set_level("quiet", VISOR_TRACE);
  log.write(0, VISOR_INFO, "noisy", "1");
  log.write(0, VISOR_TRACE, "quiet", "2");
  log.write(0, VISOR_DEBUG, "other", "3");
  log.write(0, VISOR_INFO, "other", "4");
  CHECK(shown == std::vector<std::string>{"quiet 2", "other 4"});
  CHECK(level_from_name("warn") == VISOR_WARN);
  CHECK(level_from_name("loud").error().text ==
        "a log level is one of \"trace\", \"debug\", \"info\", \"warn\", \"error\"; got \"loud\"");
}

TEST_CASE("the ring keeps the newest records, each of a bounded length", "[kernel]") {
  Log log;
  for (int i = 0; i < 1500; ++i) log.write(0, VISOR_INFO, "x", std::to_string(i));
  log.write(0, VISOR_INFO, "x", std::string(100000, 'y'));
  CHECK(log.ring().size() == Log::kRingRecords);
  CHECK(log.ring().front().sequence == 502);
  CHECK(log.ring().back().sequence == log.records_written());
  CHECK(log.ring().back().text.size() < Log::kMaxTextBytes + 30);
}

}  // namespace visor::kernel
