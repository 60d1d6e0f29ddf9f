// Handshake messages from the network, for both roles of each pattern: the first byte chooses which, and how
// the bytes are cut.  What comes is anything, or a sound message that is damaged.
#include "lib/noise/handshake.hpp"
#include "tests/fuzz/party.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace visor;
using test::Party;

noise::Handshake start(noise::Pattern pattern, noise::Role role, const Party& own, const Party& other) {
  static uint8_t counter = 0;
  auto made = noise::Handshake::start(
      {.pattern = pattern,
       .role = role,
       .local_static = own.key,
       .remote_static = other.key,
       .agree = [&own](const visor_key& key) { return crypto::ecdh(key, own.secret); },
       .random =
           [](std::span<uint8_t> out) {
             std::ranges::fill(out, uint8_t{0});
             out[31] = static_cast<uint8_t>(++counter | 1);
           }});
  test::must(made.has_value(), "a handshake starts");
  return std::move(*made);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Party first(1), second(2);
  if (size < 3) return 0;
  auto pattern = static_cast<noise::Pattern>(data[0] % 3);
  const bool sound = (data[0] & 4) != 0, attack_initiator = (data[0] & 8) != 0;
  const size_t damaged = data[1], piece = 1 + data[2];
  ByteView rest(data + 3, size - 3);
  auto initiator = start(pattern, noise::Role::kInitiator, first, second);
  auto responder = start(pattern, noise::Role::kResponder, second, first);
  noise::Handshake& victim = attack_initiator ? initiator : responder;

  auto reader = noise::message_reader();
  for (size_t message = 0; !initiator.finished() && !responder.finished(); ++message) {
    noise::Handshake& writer = message % 2 == 0 ? initiator : responder;
    noise::Handshake& other = message % 2 == 0 ? responder : initiator;
    auto written = writer.write_message();
    if (!written) return 0;
    if (&other != &victim) {
      if (!other.read_message(*written)) return 0;
      continue;
    }
    Bytes wire = noise::frame_message(*written);
    if (!sound) wire.assign(rest.begin(), rest.end());
    for (size_t i = 0; sound && i < rest.size() && i < wire.size(); ++i) {
      if (message == damaged % 4) wire[i] ^= rest[i];
    }
    std::optional<Bytes> came;
    for (size_t at = 0; at < wire.size() && !came; at += piece) {
      ByteView cut = ByteView(wire).subspan(at, std::min(piece, wire.size() - at));
      auto read = reader.read(cut);
      if (!read) return 0;
      if (*read) came.emplace((*read)->begin(), (*read)->end());
    }
    test::must(reader.buffered_bytes() <= 2 + noise::kMaxMessageBytes, "what waits is bounded");
    if (!came) return 0;
    auto payload = other.read_message(*came);
    if (!payload) {
      test::must(!other.finished() && !other.read_message(*came), "a handshake that failed has ended");
      return 0;
    }
  }
  test::must(victim.finish().has_value(), "keys are there after the last message");
  return 0;
}
