// A gob document, and the same as the object that sets a stream up: what is decoded is bounded and lies
// within it.
#include "lib/codec/gob.hpp"

#include "lib/dmsg/stream_objects.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
namespace gob = visor::codec::gob;

struct Walk {
  ByteView document;
  size_t values = 0;

  bool inside(ByteView part) const {
    return part.empty() ||
           (part.data() >= document.data() && part.data() + part.size() <= document.data() + document.size());
  }
  void check(const gob::Value& value, size_t depth) {
    ++values;
    test::must(depth <= gob::Limits{}.depth, "no deeper than the limit");
    test::must(inside(value.bytes), "bytes lie within the document");
    for (const gob::Value& element : value.elements) check(element, depth + 1);
    for (const gob::Field& field : value.fields) {
      test::must(inside(bytes(field.name)), "names lie within the document");
      check(field.value, depth + 1);
    }
  }
};

// Behind a signature that is nobody's, so that what comes before the signature's check is reached.
void check_objects(ByteView document) {
  Bytes object(65, 0);
  object.insert(object.end(), document.begin(), document.end());
  auto request = dmsg::open_request(object);
  test::must(!request && request.error().status == VISOR_EPROTO, "a request that nobody signed is refused");
  auto response = dmsg::open_response(object, visor_key{{2}}, crypto::Hash{});
  test::must(!response && response.error().status == VISOR_EPROTO, "so is a response");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteView document(data, size);
  check_objects(document);
  auto value = gob::decode(document);
  if (!value) return 0;
  test::must(value->kind == gob::Kind::kStruct, "a document is a struct");
  Walk walk{document};
  walk.check(*value, 0);
  test::must(walk.values <= gob::Limits{}.values, "no more values than the limit");
  return 0;
}
