/* JSON from strangers: bounded before it is parsed. */
#ifndef VISOR_CODEC_PARSE_JSON_HPP
#define VISOR_CODEC_PARSE_JSON_HPP
#include <boost/json.hpp>
#include <string_view>
#include <visor/value.hpp>

namespace visor::codec {

struct JsonBounds {
  std::string_view what; /* begins the sentences of errors: "a list of transports" */
  size_t max_bytes = 0;
  size_t max_depth = 0; /* of objects and arrays within each other */
};

/* Else VISOR_EPROTO: what was expected, and what came. */
Result<boost::json::value> parse_json(std::string_view text, const JsonBounds& bounds);

/* The same for a document that has to be an object. */
Result<boost::json::object> parse_json_object(std::string_view text, const JsonBounds& bounds);

}  // namespace visor::codec
#endif  // VISOR_CODEC_PARSE_JSON_HPP
