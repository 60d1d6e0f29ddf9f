// What patterns match, what they do not, and what the subset refuses.
#include "kernel/pattern.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace visor::kernel {
namespace {

bool matches(std::string_view source, std::string_view text) {
  auto pattern = Pattern::compile(source);
  INFO(source << (pattern ? "" : ": " + pattern.error().text));
  REQUIRE(pattern.has_value());
  return pattern->matches(text);
}

std::string error_of(std::string_view source) {
  auto pattern = Pattern::compile(source);
  return pattern ? "" : pattern.error().text;
}

}  // namespace

TEST_CASE("a pattern is found anywhere, unless it says where", "[kernel]") {
  CHECK(matches("", ""));
  CHECK(matches("b", "abc"));
  CHECK_FALSE(matches("^b", "abc"));
  CHECK_FALSE(matches("b$", "abc"));
  CHECK(matches("^abc$", "abc"));
  CHECK_FALSE(matches("^abc$", "abcabc"));
  CHECK_FALSE(matches("^$", "x"));
  CHECK(matches("a|^$", ""));
  CHECK_FALSE(matches("b^", "b"));
}

TEST_CASE("repeats take as much as fits", "[kernel]") {
  CHECK(matches("^a*b$", "b"));
  CHECK(matches("^a*b$", "aaab"));
  CHECK_FALSE(matches("^a+$", ""));
  CHECK(matches("^(ab)+$", "ababab"));
  CHECK_FALSE(matches("^(ab)+$", "aba"));
  CHECK(matches("^ab?c$", "ac"));
  CHECK(matches("^[0-9a-f]{66}$", std::string(66, 'a')));
  CHECK_FALSE(matches("^[0-9a-f]{66}$", std::string(65, 'a')));
  CHECK_FALSE(matches("^[0-9a-f]{66}$", std::string(67, 'a')));
  CHECK_FALSE(matches("^a{2,4}$", "a"));
  CHECK(matches("^a{2,4}$", "aa"));
  CHECK(matches("^a{2,4}$", "aaaa"));
  CHECK_FALSE(matches("^a{2,4}$", "aaaaa"));
  CHECK(matches("^a{0,2}$", ""));
  CHECK(matches("^a{2,}$", "aaaaaaa"));
  CHECK_FALSE(matches("^a{2,}$", "a"));
  CHECK(matches("^(a*)*$", "aaa"));
  CHECK(matches("^(|a)+$", "aaa"));
  CHECK(matches("^((a{2}){3}b?){2}$", "aaaaaabaaaaaa"));
}

TEST_CASE("alternatives and groups", "[kernel]") {
  CHECK(matches("^(tcp|ws|wss)://", "wss://127.0.0.1/"));
  CHECK(matches("^(?:tcp|ws|wss)://", "tcp://127.0.0.1"));
  CHECK_FALSE(matches("^(tcp|ws|wss)://", "http://127.0.0.1"));
  CHECK(matches("^(a|b|c|)x$", "cx"));
  CHECK(matches("^(a|b|c|)x$", "x"));
  CHECK(matches("^a|b|c$", "xc"));
}

TEST_CASE("classes and escapes", "[kernel]") {
  CHECK(matches("^[a-z][a-z0-9_-]*$", "transport-discovery_2"));
  CHECK_FALSE(matches("^[a-z][a-z0-9_-]*$", "2nd"));
  CHECK(matches("^[^a-c]$", "d"));
  CHECK_FALSE(matches("^[^a-c]$", "b"));
  CHECK(matches("^[]$", "") == false);
  CHECK(matches("^[\\]\\\\^-]+$", "]\\^-"));
  CHECK(matches("^\\d\\w\\s\\D\\W\\S$", "1_ a-b"));
  CHECK_FALSE(matches("^\\d$", "a"));
  CHECK(matches("^[\\d.]+$", "127.0.0.1"));
  CHECK_FALSE(matches("^1\\.2$", "1x2"));
  CHECK(matches("^\\n\\t\\/$", "\n\t/"));
  CHECK_FALSE(matches("^.$", "\n"));
}

TEST_CASE("a character that is not ASCII is one character", "[kernel]") {
  CHECK(matches("^.$", "\xc3\xa9"));
  CHECK(matches("^[^a]{2}$", "\xe2\x82\xac\xf0\x9f\x98\x80"));
  CHECK_FALSE(matches("^\\w$", "\xc3\xa9"));
  CHECK(matches("^\\W$", "\xc3\xa9"));
}

TEST_CASE("what the subset lacks is refused with the place", "[kernel]") {
  CHECK(error_of("a(b") == "the pattern a(b, character 4: a ( without its )");
  CHECK(error_of("a)b") == "the pattern a)b, character 2: a ) without its (");
  CHECK(error_of("[a") == "the pattern [a, character 3: a [ without its ]");
  CHECK(error_of("*a") == "the pattern *a, character 2: nothing to repeat");
  CHECK(error_of("a**") == "the pattern a**, character 3: one repeat is enough");
  CHECK(error_of("a+?") == "the pattern a+?, character 3: one repeat is enough");
  CHECK(error_of("(?=a)").find("only (?: is understood") != std::string::npos);
  CHECK(error_of("(a)\\1").find("\\1 is not understood") != std::string::npos);
  CHECK(error_of("\\bword").find("\\b is not understood") != std::string::npos);
  CHECK(error_of("[z-a]").find("a range from more to less") != std::string::npos);
  CHECK(error_of("a{3,2}").find("expected {n}, {n,} or {n,m}") != std::string::npos);
  CHECK(error_of("a{").find("expected {n}") != std::string::npos);
  CHECK(error_of("a{0}").find("expected {n}") != std::string::npos);
  CHECK(error_of("\\").find("a \\ at the end") != std::string::npos);
  CHECK(error_of("\xc3\xa9") == "a pattern is ASCII");
  CHECK(error_of("((a{99}){99}){99}").find("too large") != std::string::npos);
  CHECK(error_of("(a{0,99}){0,99}").find("too large") != std::string::npos);
  CHECK(error_of("a{99999999999999999999}").find("expected {n}") != std::string::npos);
  CHECK(error_of(std::string(100, '(')).find("nested too deeply") != std::string::npos);
}

TEST_CASE("no text makes a pattern slow", "[kernel]") {
  // Each of these takes a backtracking matcher longer than the sun shines.
  CHECK_FALSE(matches("^(a+)+$", std::string(100000, 'a') + "b"));
  CHECK_FALSE(matches("^(a|a)*$", std::string(100000, 'a') + "b"));
  CHECK_FALSE(matches("^(a?){30}a{30}$", std::string(29, 'a')));
}

}  // namespace visor::kernel
