/* The sheet on which a check's process writes what it does and what came of it, for the process that started
 * it: shared memory, so that it can be read after a crash and written from a signal handler. */
#ifndef VISOR_CHECK_NATIVE_SHEET_HPP
#define VISOR_CHECK_NATIVE_SHEET_HPP
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace visor::check {

enum class Outcome : uint32_t { kNone, kPassed, kFailed, kSkipped };

struct Sheet {
  char doing[512];   /* "calling the command status" */
  char reason[8192]; /* one sentence */
  char note[65536];  /* whatever the check has to tell besides */
  Outcome outcome;

  void set_doing(std::string_view text) { copy(doing, sizeof doing, text); }
  void set_note(std::string_view text) { copy(note, sizeof note, text); }
  void finish(Outcome what, std::string_view why) {
    copy(reason, sizeof reason, why);
    outcome = what;
  }

 private:
  /* Cuts what does not fit, and always ends it. */
  static void copy(char* to, size_t size, std::string_view text) {
    size_t length = text.size() < size ? text.size() : size - 1;
    for (size_t i = 0; i < length; ++i) to[i] = text[i];
    to[length] = '\0';
  }
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_SHEET_HPP
