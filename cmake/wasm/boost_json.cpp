// Boost.JSON's library part, and what Boost does instead of throwing: a caller that used a throwing form by
// mistake stops with the message rather than going on with a wrong value.
#include <boost/json/src.hpp>
#include <boost/throw_exception.hpp>
#include <cstdio>
#include <cstdlib>

namespace boost {

void throw_exception(std::exception const& e, source_location const& where) {
  std::fprintf(stderr, "%s:%u: %s\n", where.file_name(), unsigned(where.line()), e.what());
  std::abort();
}

void throw_exception(std::exception const& e) {
  throw_exception(e, source_location());
}

}  // namespace boost
