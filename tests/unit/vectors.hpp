/* Golden vectors: the JSON files of tests/vectors, and reading hex out of them. */
#ifndef VISOR_TESTS_UNIT_VECTORS_HPP
#define VISOR_TESTS_UNIT_VECTORS_HPP
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>
#include <visor/value.hpp>

namespace visor::test {

/* Where tests/vectors is; tests/vectors_folder.cpp. */
const char* vectors_folder();

/* The whole file, e.g. load_vectors("cxo_cipher.json").  By C's functions: in wasm there is no std::ifstream.
 */
inline boost::json::value load_vectors(const std::string& file) {
  std::string path = std::string(vectors_folder()) + "/" + file;
  INFO("vector file " << path);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(path.c_str(), "rb"), &std::fclose);
  REQUIRE(in);
  std::string text;
  char block[16384];
  for (size_t got; (got = std::fread(block, 1, sizeof block, in.get())) > 0;) text.append(block, got);
  REQUIRE(std::feof(in.get()));
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  REQUIRE_FALSE(error);
  return value;
}

/* A member that must be there. */
inline const boost::json::value& at(const boost::json::value& object, std::string_view name) {
  INFO("member " << name);
  const boost::json::object* members = object.if_object();
  REQUIRE(members != nullptr);
  const boost::json::value* member = members->if_contains(name);
  REQUIRE(member != nullptr);
  return *member;
}

inline const boost::json::array& array(const boost::json::value& value) {
  const boost::json::array* elements = value.if_array();
  REQUIRE(elements != nullptr);
  return *elements;
}

inline const boost::json::array& array(const boost::json::value& object, std::string_view name) {
  return array(at(object, name));
}

inline std::string text(const boost::json::value& value) {
  const boost::json::string* characters = value.if_string();
  REQUIRE(characters != nullptr);
  return std::string(characters->data(), characters->size());
}

inline std::string text(const boost::json::value& object, std::string_view name) {
  return text(at(object, name));
}

inline bool boolean(const boost::json::value& object, std::string_view name) {
  const bool* value = at(object, name).if_bool();
  REQUIRE(value != nullptr);
  return *value;
}

inline int64_t integer(const boost::json::value& object, std::string_view name) {
  const int64_t* value = at(object, name).if_int64();
  REQUIRE(value != nullptr);
  return *value;
}

inline Bytes from_hex(std::string_view hex) {
  Bytes out(hex.size() / 2);
  INFO("hex " << hex);
  REQUIRE(visor::from_hex(hex, out));
  return out;
}

/* The bytes of a hex string, or of a member that is one. */
inline Bytes hex(const boost::json::value& value) {
  return from_hex(text(value));
}
inline Bytes hex(const boost::json::value& object, std::string_view name) {
  return hex(at(object, name));
}

/* Hex of exactly N bytes. */
template <size_t N>
std::array<uint8_t, N> fixed_hex(const boost::json::value& object, std::string_view name) {
  std::array<uint8_t, N> out{};
  REQUIRE(visor::from_hex(text(object, name), out));
  return out;
}

inline visor_key key(const boost::json::value& object, std::string_view name) {
  visor_key value{};
  REQUIRE(visor::from_hex(text(object, name), value.bytes));
  return value;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_VECTORS_HPP
