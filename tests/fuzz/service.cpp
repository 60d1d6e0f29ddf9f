// An entry of a service directory, lists of them, and what such a directory answers to whatever comes.
#include "lib/services/service.hpp"
#include "plugins/service-discovery/api.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;

// It takes only what is signed, which this hardly ever is.
void ask_directory(std::string_view text) {
  constexpr int64_t kNowMs = 1'790'000'000'000;
  service_discovery::Book book;
  service_discovery::Api api(book, {.test_mode = true}, [](auto&, auto*) { return Result<void>(); });
  for (std::string_view method : {"POST", "DELETE", "GET"}) {
    auto answer = api.answer({method, "/api/services", text.substr(0, 300), text}, kNowMs);
    test::must(answer.status >= 200 && answer.status < 600, "an answer has a status");
    test::must(!answer.body.empty(), "an answer says something");
  }
  std::string path = "/api/services/" + std::string(text.substr(0, 200));
  api.answer({"GET", path, {}, {}}, kNowMs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = test::as_text(data, size);
  (void)services::parse_services(text);
  (void)services::parse_address(text);
  (void)service_discovery::decode_record({data, size});
  ask_directory(text);
  auto service = services::parse_service(text);
  if (!service) return 0;
  std::string json = services::to_json(*service);
  auto again = services::parse_service(json);
  test::must(again.has_value(), "what is written can be read");
  test::must(*again == *service, "read and written, it is the same");
  test::must(services::to_json(*again) == json, "and written alike");
  (void)services::verify(*service);
  return 0;
}
