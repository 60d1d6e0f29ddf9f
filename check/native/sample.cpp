#include "check/native/sample.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <functional>
#include <optional>

namespace visor::check {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 6;

std::optional<int64_t> number(const json::object& schema, std::string_view key) {
  const json::value* value = schema.if_contains(key);
  json::error_code failed;
  if (!value || !value->is_number()) return std::nullopt;
  if (value->is_double()) return static_cast<int64_t>(std::clamp(value->get_double(), -9e15, 9e15));
  auto whole = value->to_number<int64_t>(failed);
  return failed ? std::nullopt : std::optional(whole);
}

/* The tree of a regular expression, walked as it is read: each piece appends what it matches. */
class PatternWriter {
 public:
  PatternWriter(std::string_view pattern, const std::function<size_t(size_t)>& below)
      : rest_(pattern), below_(below) {}
  std::string write() { return alternatives(); }

 private:
  char take() {
    char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }

  std::string alternatives() {
    std::vector<std::string> all{sequence()};
    while (next_is('|')) {
      take();
      all.push_back(sequence());
    }
    return all[below_(all.size())];
  }
  std::string sequence() {
    std::string out;
    while (!rest_.empty() && !next_is('|') && !next_is(')')) {
      std::string_view from = rest_;
      std::string piece = atom();
      std::string_view read = from.substr(0, from.size() - rest_.size());
      auto [least, most] = count();
      size_t times = least + below_(most - least + 1);
      std::string_view after = rest_;
      for (size_t i = 0; i < times; ++i) {
        rest_ = read;
        out += i == 0 ? piece : atom();
      }
      rest_ = after;
    }
    return out;
  }
  std::pair<size_t, size_t> count() {
    constexpr size_t kOften = 6;
    if (rest_.empty()) return {1, 1};
    switch (rest_.front()) {
      case '*':
        take();
        return {0, kOften};
      case '+':
        take();
        return {1, kOften};
      case '?':
        take();
        return {0, 1};
      case '{':
        break;
      default:
        return {1, 1};
    }
    take();
    auto digits = [this] {
      size_t value = 0;
      while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
        value = std::min<size_t>(value * 10 + static_cast<size_t>(take() - '0'), 100000);
      }
      return value;
    };
    size_t least = digits(), most = least;
    if (next_is(',')) {
      take();
      most = next_is('}') ? least + kOften : digits();
    }
    if (next_is('}')) take();
    return {least, std::max(least, most)};
  }
  std::string atom() {
    char c = take();
    if (c == '^' || c == '$') return {};
    if (c == '(') {
      if (rest_.starts_with("?:")) rest_.remove_prefix(2);
      std::string out = alternatives();
      if (next_is(')')) take();
      return out;
    }
    if (c == '[') return std::string(1, one_of(char_class()));
    if (c == '.') return std::string(1, one_of("abcxyz019-_"));
    if (c == '\\' && !rest_.empty()) return std::string(1, escaped(take()));
    return std::string(1, c);
  }
  char escaped(char c) {
    if (c == 'd') return one_of("0123456789");
    if (c == 'w') return one_of("abcxyzABC019_");
    if (c == 's') return ' ';
    return c;
  }
  std::string char_class() {
    bool negated = next_is('^');
    if (negated) take();
    std::string in;
    while (!rest_.empty() && !(next_is(']') && !in.empty())) {
      char from = take();
      if (from == '\\' && !rest_.empty()) {
        in += escaped(take());
      } else if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        take();
        for (char c = from, to = take(); c <= to; ++c) {
          in += c;
          if (c == 127) break;
        }
      } else {
        in += from;
      }
    }
    if (next_is(']')) take();
    if (!negated) return in;
    std::string out;
    for (char c = ' '; c < 127; ++c) {
      if (in.find(c) == std::string::npos) out += c;
    }
    return out;
  }
  char one_of(std::string_view set) { return set.empty() ? 'a' : set[below_(set.size())]; }

  std::string_view rest_;
  const std::function<size_t(size_t)>& below_;
};

std::string type_of(const json::object& schema, const std::function<size_t(size_t)>& below, bool least) {
  const json::value* type = schema.if_contains("type");
  if (type && type->is_string()) return std::string(type->get_string());
  if (type && type->is_array() && !type->get_array().empty()) {
    const json::array& all = type->get_array();
    const json::value& one = all[least ? 0 : below(all.size())];
    if (one.is_string()) return std::string(one.get_string());
  }
  if (schema.contains("properties")) return "object";
  if (schema.contains("items")) return "array";
  if (schema.contains("pattern") || schema.contains("minLength")) return "string";
  if (schema.contains("minimum") || schema.contains("maximum")) return "number";
  constexpr std::array kAny = {"string", "integer", "boolean", "null"};
  return kAny[least ? 0 : below(kAny.size())];
}

}  // namespace

std::string Sampler::matching(std::string_view pattern) {
  std::function<size_t(size_t)> below_bound = [this](size_t bound) { return below(bound); };
  std::string out = PatternWriter(pattern, below_bound).write();
  // Not held to the end: anything may follow.
  return out;
}

json::value Sampler::make(const json::value& value, bool least, int depth) {
  const json::object* schema = value.if_object();
  if (!schema || depth > kMaxDepth) return json::value(nullptr);
  if (const json::value* constant = schema->if_contains("const")) return *constant;
  for (const char* key : {"enum", "examples"}) {
    const json::value* all = schema->if_contains(key);
    bool taken =
        all && all->is_array() && !all->get_array().empty() && (key[1] == 'n' || least || below(2) == 0);
    if (taken) return all->get_array()[least ? 0 : below(all->get_array().size())];
  }
  for (const char* key : {"oneOf", "anyOf"}) {
    const json::value* all = schema->if_contains(key);
    if (all && all->is_array() && !all->get_array().empty()) {
      return make(all->get_array()[least ? 0 : below(all->get_array().size())], least, depth + 1);
    }
  }
  std::string type = type_of(*schema, [this](size_t bound) { return below(bound); }, least);
  if (type == "object") return make_object(*schema, least, depth);
  if (type == "array") return make_array(*schema, least, depth);
  if (type == "integer") return make_number(*schema, least, true);
  if (type == "number") return make_number(*schema, least, false);
  if (type == "boolean") return !least && below(2) == 0;
  if (type == "string") return json::value(json::string(make_text(*schema, least)));
  return json::value(nullptr);
}

json::value Sampler::make_object(const json::object& schema, bool least, int depth) {
  json::object out;
  const json::value* required = schema.if_contains("required");
  auto is_required = [&](std::string_view key) {
    if (!required || !required->is_array()) return false;
    return std::ranges::any_of(required->get_array(),
                               [&](const json::value& r) { return r == json::value(key); });
  };
  if (const json::value* properties = schema.if_contains("properties");
      properties && properties->is_object()) {
    for (const auto& member : properties->get_object()) {
      if (is_required(member.key()) || (!least && below(2) == 0)) {
        out[member.key()] = make(member.value(), least, depth + 1);
      }
    }
  }
  return out;
}

json::value Sampler::make_array(const json::object& schema, bool least, int depth) {
  constexpr int64_t kMost = 5;
  int64_t from = number(schema, "minItems").value_or(0);
  int64_t to = std::max(from, std::min(number(schema, "maxItems").value_or(from + kMost), from + kMost));
  int64_t size = least ? from : from + static_cast<int64_t>(below(static_cast<size_t>(to - from + 1)));
  json::array out;
  const json::value* items = schema.if_contains("items");
  for (int64_t i = 0; i < size; ++i)
    out.push_back(items ? make(*items, least, depth + 1) : json::value(nullptr));
  return out;
}

json::value Sampler::make_number(const json::object& schema, bool least, bool whole) {
  constexpr int64_t kFar = int64_t{1} << 53;
  int64_t from = number(schema, "minimum").value_or(schema.contains("maximum") ? -kFar : (least ? 0 : -kFar));
  int64_t to = number(schema, "maximum").value_or(std::max(from, kFar));
  if (auto above = number(schema, "exclusiveMinimum")) from = std::max(from, *above + 1);
  if (auto under = number(schema, "exclusiveMaximum")) to = std::min(to, *under - 1);
  to = std::max(from, to);
  int64_t value = from;
  if (!least) {
    auto width = static_cast<uint64_t>(to - from);
    switch (below(4)) {
      case 0:
        value = from;
        break;
      case 1:
        value = to;
        break;
      case 2:
        value = from + static_cast<int64_t>(std::min<uint64_t>(width, below(1000)));
        break;
      default:
        value = from + static_cast<int64_t>(width == 0 ? 0 : random_() % width);
    }
  }
  if (auto step = number(schema, "multipleOf"); step && *step > 0)
    value = (value + *step - 1) / *step * *step;
  return whole ? json::value(value) : json::value(static_cast<double>(value));
}

std::string Sampler::make_text(const json::object& schema, bool least) {
  const json::value* pattern = schema.if_contains("pattern");
  auto from = static_cast<size_t>(std::max<int64_t>(0, number(schema, "minLength").value_or(0)));
  auto to = static_cast<size_t>(
      std::max<int64_t>(0, number(schema, "maxLength").value_or(static_cast<int64_t>(from) + 1000)));
  if (pattern && pattern->is_string()) {
    std::string out = matching(pattern->get_string());
    bool open_end = !pattern->get_string().ends_with("$");
    while (out.size() < from || (open_end && !least && out.size() < to && below(8) != 0))
      out += "a:7"[below(3)];
    return out.substr(0, std::max(to, from));
  }
  if (least) return std::string(from, 'a');
  constexpr std::array<std::string_view, 12> kPieces = {
      "a", "Z", "0", "_", "-", " ", "\"", "\\n", "\xc3\xa9", "\xe2\x82\xac", "%00", "{}"};
  size_t wanted = below(10) == 0 ? std::min<size_t>(to, from + 900) : std::min<size_t>(to, from + below(20));
  std::string out;
  size_t characters = 0;
  while (characters < wanted) {
    std::string_view piece = kPieces[below(kPieces.size())];
    size_t length =
        static_cast<size_t>(std::ranges::count_if(piece, [](char c) { return (c & 0xc0) != 0x80; }));
    if (characters + length > wanted) piece = "b", length = 1;
    out += piece;
    characters += length;
  }
  return out;
}

}  // namespace visor::check
