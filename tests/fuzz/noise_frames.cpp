// Frames of an encrypted stream, in pieces, sound ones among them: the first byte is the size of the pieces,
// the second says where a sound stream is damaged.
#include "lib/noise/frames.hpp"
#include "tests/fuzz/target.hpp"

namespace {

visor::crypto::CipherKey key() {
  visor::crypto::CipherKey made;
  made.data()[0] = 1;
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  if (size < 2) return 0;
  const size_t piece = 1 + data[0];
  const uint8_t damage = data[1];
  ByteView input(data + 2, size - 2);

  noise::FrameWriter writer(key());
  Bytes wire;
  test::must(writer.write(input.first(std::min<size_t>(input.size(), 20000)), wire).has_value(),
             "frames are made");
  if (damage > 0) {  // otherwise all of it comes back
    for (size_t i = 0; i < input.size() && i < wire.size(); ++i) {
      if (i % damage == 0) wire[i] ^= input[i];
    }
  }
  for (const Bytes& stream : {wire, Bytes(input.begin(), input.end())}) {
    noise::FrameReader reader(key());
    Bytes plain;
    bool failed = false;
    for (size_t at = 0; at < stream.size(); at += piece) {
      size_t before = plain.size();
      bool good =
          reader.read(ByteView(stream).subspan(at, std::min(piece, stream.size() - at)), plain).has_value();
      test::must(!failed || (!good && plain.size() == before), "a broken stream stays broken");
      failed = failed || !good;
      test::must(plain.size() <= at + piece, "no more comes out than went in");
      test::must(reader.buffered_bytes() <= noise::kMaxFrameBytes, "what waits is bounded");
    }
    if (&stream == &wire && damage == 0) test::must(!failed, "sound frames are read");
  }
  return 0;
}
