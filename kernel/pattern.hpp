/* The regular expressions of JSON Schema's "pattern", as far as schemas of this project may use them. */
#ifndef VISOR_KERNEL_PATTERN_HPP
#define VISOR_KERNEL_PATTERN_HPP
#include <bitset>
#include <string_view>
#include <vector>
#include <visor/value.hpp>

namespace visor::kernel {

/* ECMA 262 without back references, look-around, lazy repeats and \b: characters, `.`, classes, \d \w \s and
 * their opposites, groups, alternatives, `* + ? {n} {n,} {n,m}`, ^ and $.  Patterns are ASCII; the texts that
 * they see are UTF-8.  All states go through the text side by side: time grows with text times pattern,
 * whatever the two are. */
class Pattern {
 public:
  /* VISOR_EINVAL says what the subset lacks, and where. */
  static Result<Pattern> compile(std::string_view source);

  /* Somewhere in the text, unless ^ and $ say where. */
  bool matches(std::string_view text) const;

 private:
  friend class PatternCompiler;
  struct Set {
    std::bitset<128> ascii;
    bool beyond = false; /* every character that is not ASCII */
  };
  enum class Op : uint8_t { kTake, kFork, kBegin, kEnd, kDone };
  struct Step {
    Op op;
    uint16_t set = 0;             /* kTake: the set that has the next character */
    int32_t first = 1, other = 1; /* kFork: where to go on, from here */
  };
  struct Walk;
  bool takes(const Step& step, uint32_t character) const;
  bool matches_straight(std::string_view text) const;

  std::vector<Set> sets_;
  std::vector<Step> steps_;
  bool straight_ = false; /* from the beginning of the text, without a choice: as keys are described */
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_PATTERN_HPP
