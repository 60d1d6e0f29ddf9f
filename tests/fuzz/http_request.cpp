// Requests on one connection, in pieces: the first byte is the size of the pieces.
#include "lib/http/message_parser.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  if (size == 0) return 0;
  const size_t piece = 1 + data[0];
  std::string_view rest = test::as_text(data + 1, size - 1);
  const http::ParserLimits limits{.header_bytes = 4096, .body_bytes = 8192};
  http::RequestParser parser(limits);
  std::string waiting;
  while (!rest.empty() || !waiting.empty()) {
    const size_t taken = std::min(piece, rest.size());
    waiting += rest.substr(0, taken);
    rest.remove_prefix(taken);
    auto put = parser.put(waiting);
    if (!put) {
      test::must(put.error().http >= 400 && put.error().http < 600 && !put.error().text.empty(),
                 "a refusal has a status and a sentence");
      return 0;
    }
    test::must(*put <= waiting.size(), "no more is taken than there is");
    waiting.erase(0, *put);
    test::must(waiting.size() <= limits.header_bytes + piece, "what waits is bounded");
    if (parser.done()) {
      http::RequestMessage& message = parser.message();
      test::must(message.body.size() <= limits.body_bytes, "a body is bounded");
      test::must(message.method.find_first_of(" \r\n") == std::string::npos, "a method is one word");
      parser = http::RequestParser(limits);
    } else if (taken == 0 && *put == 0) {
      return 0;  // it waits for more
    }
  }
  return 0;
}
