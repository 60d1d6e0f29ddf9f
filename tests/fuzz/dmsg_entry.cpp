// An entry of a discovery, lists of them, and a discovery's other answers: what is read is written so that it
// is read as the same again.
#include "lib/dmsg/answer.hpp"
#include "lib/dmsg/entry.hpp"
#include "lib/http/loopback.hpp"
#include "plugins/dmsg-discovery/api.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;

// A discovery takes only what is signed, which this hardly ever is: it answers, and keeps nothing else.
void ask_discovery(std::string_view body) {
  constexpr int64_t kNow = 1'700'000'000'000'000'000;
  dmsg_discovery::Book book;
  dmsg_discovery::Api api(book, {.test_mode = true}, [](auto&, auto*) { return Result<void>(); });
  for (std::string_view method : {"POST", "DELETE", "GET"}) {
    for (std::string_view path :
         {"/dmsg-discovery/entry/", "/dmsg-discovery/entry", "/dmsg-discovery/entries/batch"}) {
      auto answer = api.answer({method, path, body.substr(0, 32), body}, kNow);
      test::must(answer.status >= 200 && answer.status < 600, "an answer has a status");
      test::must(answer.content_type != "application/json" || !answer.body.empty() || answer.status == 405,
                 "an answer says something");
    }
  }
  std::string path = "/dmsg-discovery/" + std::string(body.substr(0, 200));
  api.answer({"GET", path, {}, {}}, kNow);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = test::as_text(data, size);
  (void)dmsg::parse_entries(text);
  (void)dmsg::message_of(text);
  (void)dmsg_discovery::decode_record({data, size});
  (void)http::is_loopback_address(text);
  ask_discovery(text);
  auto entry = dmsg::parse_entry(text);
  if (!entry) return 0;
  std::string json = dmsg::to_json(*entry);
  auto again = dmsg::parse_entry(json);
  test::must(again.has_value(), "what is written can be read");
  test::must(*again == *entry, "read and written, it is the same");
  test::must(dmsg::to_json(*again) == json, "and written alike");
  (void)dmsg::validate(*entry);
  (void)dmsg::verify(*entry);
  return 0;
}
