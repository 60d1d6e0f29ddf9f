#include "kernel/native/stderr_log.hpp"

#include <cstdio>

namespace visor::kernel::native {

LogSink stderr_log(bool as_json) {
  return [as_json](const LogRecord& record) {
    std::string line = as_json ? format_json(record) : format_text(record);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(),
                stderr);  // one call a line, so that lines of two processes do not mix
  };
}

}  // namespace visor::kernel::native
