#include "kernel/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace visor::kernel {
namespace {

constexpr size_t kMaxSteps = 4096;
constexpr int kMaxNesting = 32;
constexpr uint32_t kNotAscii = 128;

/* The next character of UTF-8 text, or kNotAscii for any that is not ASCII. */
uint32_t next_character(std::string_view text, size_t& at) {
  auto c = static_cast<unsigned char>(text[at++]);
  if (c < kNotAscii) return c;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  return kNotAscii;
}

bool is_syntax(char c) {
  return std::string_view("^$\\.*+?()[]{}|/-").find(c) != std::string_view::npos;
}

}  // namespace

/* Reads a pattern from left to right and writes its steps.  Jumps are relative and stay inside of what one
 * call wrote, so that a part may be copied, and moved to make room in front of it. */
class PatternCompiler {
 public:
  explicit PatternCompiler(std::string_view source) : source_(source) {}

  Result<Pattern> run() {
    for (char c : source_) {
      if (static_cast<unsigned char>(c) >= 0x80 || c == 0) return failure(VISOR_EINVAL, "a pattern is ASCII");
    }
    alternatives(0);
    if (error_.empty() && at_ < source_.size()) complain("a ) without its (");
    emit({Pattern::Op::kDone});
    out_.straight_ = !out_.steps_.empty() && out_.steps_.front().op == Op::kBegin &&
                     std::ranges::none_of(out_.steps_, [](const Step& step) { return step.op == Op::kFork; });
    if (error_.empty()) return std::move(out_);
    return failure(VISOR_EINVAL, "the pattern " + std::string(source_) + ", character " +
                                     std::to_string(at_ + 1) + ": " + error_);
  }

 private:
  using Set = Pattern::Set;
  using Step = Pattern::Step;
  using Op = Pattern::Op;

  bool more() const { return error_.empty() && at_ < source_.size(); }
  bool take(char c) {
    if (!more() || source_[at_] != c) return false;
    ++at_;
    return true;
  }
  void complain(std::string_view what) {
    if (error_.empty()) error_ = what;
  }

  size_t here() const { return out_.steps_.size(); }
  void emit(Step step) {
    if (here() >= kMaxSteps) return complain("the pattern is too large");
    out_.steps_.push_back(step);
  }
  void insert(size_t at, Step step) {
    out_.steps_.insert(out_.steps_.begin() + static_cast<std::ptrdiff_t>(at), step);
  }
  void emit_set(const Set& set) {
    emit({Op::kTake, static_cast<uint16_t>(out_.sets_.size())});
    out_.sets_.push_back(set);
  }
  static int32_t distance(size_t from, size_t to) {
    return static_cast<int32_t>(to) - static_cast<int32_t>(from);
  }

  void alternatives(int depth) {
    if (depth > kMaxNesting) return complain("groups are nested too deeply");
    size_t start = here();
    sequence(depth);
    while (take('|')) {
      insert(start, {.op = Op::kFork, .first = 1, .other = distance(start, here() + 2)});
      size_t leave = here();
      emit({Op::kFork});
      sequence(depth);
      if (!error_.empty()) return;
      out_.steps_[leave].first = out_.steps_[leave].other = distance(leave, here());
    }
  }

  void sequence(int depth) {
    while (more() && source_[at_] != '|' && source_[at_] != ')') {
      size_t start = here();
      atom(depth);
      if (error_.empty()) repeats(start);
    }
  }

  void atom(int depth) {
    char c = source_[at_++];
    switch (c) {
      case '^':
        return emit({Op::kBegin});
      case '$':
        return emit({Op::kEnd});
      case '(':
        if (take('?') && !take(':')) return complain("of (? only (?: is understood");
        alternatives(depth + 1);
        if (!take(')')) complain("a ( without its )");
        return;
      case '[':
        return character_class();
      case '.': {
        Set all = {.ascii = std::bitset<128>().set(), .beyond = true};
        all.ascii.reset('\n').reset('\r');
        return emit_set(all);
      }
      case '\\': {
        Set set;
        escape(set);
        return emit_set(set);
      }
      case '*':
      case '+':
      case '?':
      case '{':
        return complain("nothing to repeat");
      case ']':
      case '}':
        return complain("write it as \\] or \\}");
      default: {
        Set one;
        one.ascii.set(static_cast<size_t>(c));
        return emit_set(one);
      }
    }
  }

  /* What follows a backslash.  The character, or -1: a whole set. */
  int escape(Set& set) {
    if (!more()) return complain("a \\ at the end"), -1;
    char c = source_[at_++];
    auto whole = [&](auto has) {
      bool opposite = c >= 'A' && c <= 'Z';
      for (size_t i = 0; i < 128; ++i) {
        if (has(static_cast<char>(i)) != opposite) set.ascii.set(i);
      }
      set.beyond = set.beyond || opposite;
      return -1;
    };
    auto digit = [](char x) { return x >= '0' && x <= '9'; };
    auto word = [digit](char x) {
      return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || digit(x) || x == '_';
    };
    auto space = [](char x) { return x == ' ' || (x >= '\t' && x <= '\r'); };
    auto one = [&](char x) {
      set.ascii.set(static_cast<size_t>(x));
      return static_cast<int>(x);
    };
    switch (c) {
      case 'd':
      case 'D':
        return whole(digit);
      case 'w':
      case 'W':
        return whole(word);
      case 's':
      case 'S':
        return whole(space);
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      default:
        if (is_syntax(c)) return one(c);
        return complain(std::string("\\") + c + " is not understood"), -1;
    }
  }

  void character_class() {
    Set set;
    bool opposite = take('^');
    while (more() && source_[at_] != ']') {
      int low = class_character(set);
      bool range =
          low >= 0 && more() && source_[at_] == '-' && at_ + 1 < source_.size() && source_[at_ + 1] != ']';
      if (!range) continue;
      ++at_;
      int high = class_character(set);
      if (high < low) return complain("a range from more to less");
      for (int c = low; c <= high; ++c) set.ascii.set(static_cast<size_t>(c));
    }
    if (!take(']')) return complain("a [ without its ]");
    if (opposite) {
      set.ascii.flip();
      set.beyond = !set.beyond;
    }
    emit_set(set);
  }

  int class_character(Set& set) {
    char c = source_[at_++];
    if (c == '\\') return escape(set);
    set.ascii.set(static_cast<size_t>(c));
    return c;
  }

  void repeats(size_t start) {
    if (!more()) return;
    size_t least = 0, most = 0; /* most 0: without end */
    switch (source_[at_]) {
      case '*':
        break;
      case '+':
        least = 1;
        break;
      case '?':
        most = 1;
        break;
      case '{':
        if (!counts(least, most)) return complain("expected {n}, {n,} or {n,m}");
        break;
      default:
        return;
    }
    ++at_;
    if (more() && std::string_view("*+?{").find(source_[at_]) != std::string_view::npos)
      return complain("one repeat is enough");
    repeat(start, least, most);
  }

  /* At `{`; leaves at_ at `}`.  {0} and {0,0} are refused: they say nothing. */
  bool counts(size_t& least, size_t& most) {
    const char* end = source_.data() + source_.size();
    auto read = std::from_chars(source_.data() + at_ + 1, end, least);
    if (read.ec != std::errc() || read.ptr == end) return false;
    const char* p = read.ptr;
    most = least;
    if (*p == ',') {
      most = 0;
      if (++p != end && *p != '}') {
        read = std::from_chars(p, end, most);
        if (read.ec != std::errc() || read.ptr == end || most == 0) return false;
        p = read.ptr;
      }
    } else if (most == 0) {
      return false;
    }
    at_ = static_cast<size_t>(p - source_.data());
    return *p == '}' && (most == 0 || least <= most);
  }

  /* What was written from `start` on, so many times. */
  void repeat(size_t start, size_t least, size_t most) {
    const std::vector<Step> once(out_.steps_.begin() + static_cast<std::ptrdiff_t>(start), out_.steps_.end());
    out_.steps_.resize(start);
    auto write = [&] {
      for (const Step& step : once) emit(step);
    };
    for (size_t i = 0; i < least && error_.empty(); ++i) write();
    auto length = static_cast<int32_t>(once.size());
    if (most == 0) {
      emit({.op = Op::kFork, .first = 1, .other = length + 2});
      write();
      return emit({.op = Op::kFork, .first = -length - 1, .other = -length - 1});
    }
    for (size_t left = most - least; left > 0 && error_.empty(); --left) {
      if (left * static_cast<size_t>(length + 1) > kMaxSteps) return complain("the pattern is too large");
      emit({.op = Op::kFork, .first = 1, .other = static_cast<int32_t>(left) * (length + 1)});
      write();
    }
  }

  std::string_view source_;
  size_t at_ = 0;
  std::string error_;
  Pattern out_;
};

Result<Pattern> Pattern::compile(std::string_view source) {
  return PatternCompiler(source).run();
}

/* The states that are alive at one place of the text. */
struct Pattern::Walk {
  explicit Walk(const Pattern& p) : pattern(p), seen(p.steps_.size(), SIZE_MAX) {}

  /* Adds a step and all that it leads to without a character; true when the pattern is done. */
  bool add(std::vector<uint32_t>& alive, uint32_t from, size_t place, bool at_end) {
    todo.push_back(from);
    bool done = false;
    while (!todo.empty()) {
      uint32_t at = todo.back();
      todo.pop_back();
      if (seen[at] == place) continue;
      seen[at] = place;
      const Step& step = pattern.steps_[at];
      auto jump = [&](int32_t by) { todo.push_back(static_cast<uint32_t>(static_cast<int32_t>(at) + by)); };
      switch (step.op) {
        case Op::kTake:
          alive.push_back(at);
          break;
        case Op::kFork:
          jump(step.first);
          jump(step.other);
          break;
        case Op::kBegin:
          if (place == 0) jump(1);
          break;
        case Op::kEnd:
          if (at_end) jump(1);
          break;
        case Op::kDone:
          done = true;
          break;
      }
    }
    return done;
  }

  const Pattern& pattern;
  std::vector<size_t> seen; /* the place where each step was added last */
  std::vector<uint32_t> todo;
};

bool Pattern::takes(const Step& step, uint32_t character) const {
  const Set& set = sets_[step.set];
  return character < kNotAscii ? set.ascii.test(character) : set.beyond;
}

bool Pattern::matches_straight(std::string_view text) const {
  size_t at = 0;
  for (const Step& step : steps_) {
    const bool goes_on = step.op == Op::kTake    ? at < text.size() && takes(step, next_character(text, at))
                         : step.op == Op::kBegin ? at == 0
                         : step.op == Op::kEnd   ? at == text.size()
                                                 : true;
    if (!goes_on) return false;
  }
  return true;
}

bool Pattern::matches(std::string_view text) const {
  if (straight_) return matches_straight(text);
  Walk walk(*this);
  std::vector<uint32_t> alive, next;
  if (walk.add(alive, 0, 0, text.empty())) return true;
  for (size_t at = 0; at < text.size();) {
    uint32_t c = next_character(text, at);
    next.clear();
    bool at_end = at == text.size();
    for (uint32_t state : alive) {
      if (!takes(steps_[state], c)) continue;
      if (walk.add(next, state + 1, at, at_end)) return true;
    }
    if (walk.add(next, 0, at, at_end)) return true;
    std::swap(alive, next);
  }
  return false;
}

}  // namespace visor::kernel
