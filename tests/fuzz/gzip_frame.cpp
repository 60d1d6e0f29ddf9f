// A framed leaf: never more than the bound comes out, and what is framed again reads the same.
#include "lib/codec/gzip.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  constexpr size_t kMaxBytes = 256u << 10;
  const ByteView input(data, size);
  if (auto strict = codec::inflate_gzip(input, kMaxBytes)) test::must(strict->size() <= kMaxBytes, "bounded");
  auto frame = codec::unframe_gzip(input, kMaxBytes);
  if (!frame) return 0;
  test::must(frame->payload.size() <= std::max(kMaxBytes, size), "bounded, or as it came");
  auto again = codec::unframe_gzip(codec::frame_gzip(frame->version, frame->payload), frame->payload.size());
  test::must(again && again->version == frame->version && again->payload == frame->payload,
             "framed again it reads the same");
  return 0;
}
