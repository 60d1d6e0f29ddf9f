/* JSON values that fit a JSON Schema: the least that does, and random ones that go to the edges. */
#ifndef VISOR_CHECK_NATIVE_SAMPLE_HPP
#define VISOR_CHECK_NATIVE_SAMPLE_HPP
#include <boost/json/value.hpp>
#include <random>
#include <string>

namespace visor::check {

class Sampler {
 public:
  explicit Sampler(uint64_t seed) : random_(seed) {}

  /* Only what is required, at its smallest, plainest value. */
  boost::json::value least(const boost::json::value& schema) { return make(schema, true, 0); }
  /* Texts hold no '/' and no "..", since a plugin may take one for the name of a file. */
  boost::json::value random(const boost::json::value& schema) { return make(schema, false, 0); }
  /* A text that a regular expression (of the plain kind: classes, groups, counts, alternatives) matches. */
  std::string matching(std::string_view pattern);

 private:
  boost::json::value make(const boost::json::value& schema, bool least, int depth);
  boost::json::value make_object(const boost::json::object& schema, bool least, int depth);
  boost::json::value make_array(const boost::json::object& schema, bool least, int depth);
  boost::json::value make_number(const boost::json::object& schema, bool least, bool whole);
  std::string make_text(const boost::json::object& schema, bool least);
  size_t below(size_t bound) { return static_cast<size_t>(random_() % bound); }

  std::mt19937_64 random_;
};

}  // namespace visor::check
#endif  // VISOR_CHECK_NATIVE_SAMPLE_HPP
