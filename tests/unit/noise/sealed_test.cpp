#include "lib/noise/sealed.hpp"

#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

using namespace visor;
using namespace visor::noise;

namespace {

crypto::CipherKey key(uint8_t fill) {
  return crypto::CipherKey(std::span<const uint8_t, 32>(Bytes(32, fill)));
}

Bytes sealed_with(uint64_t nonce, std::string_view plain = "plain") {
  Sealer sealer(key(1), nonce - 1);
  Bytes out;
  REQUIRE(sealer.seal(bytes(plain), out));
  return out;
}

}  // namespace

TEST_CASE("sealed messages open in any order, each once", "[noise]") {
  test::Seeded seeded(41);
  Sealer sealer(key(1));
  Opener opener(key(1));
  std::vector<Bytes> messages;
  for (uint8_t i = 0; i < 200; ++i) {
    Bytes sealed, plain(i, i);
    REQUIRE(sealer.seal(plain, sealed));
    CHECK(sealed.size() == plain.size() + kSealBytes);
    messages.push_back(sealed);
  }
  for (size_t i = messages.size(); i > 1; --i) std::swap(messages[i - 1], messages[seeded.below(i)]);
  for (const Bytes& message : messages) {
    Bytes plain;
    REQUIRE(opener.open(message, plain));
    CHECK(plain == Bytes(plain.size(), static_cast<uint8_t>(plain.size())));
    CHECK(opener.open(message, plain).error().status == VISOR_EPROTO);
  }
}

TEST_CASE("the replay window holds 1024 numbers", "[noise]") {
  Opener opener(key(1));
  Bytes plain;
  REQUIRE(opener.open(sealed_with(2000), plain));
  CHECK(opener.open(sealed_with(2000 - 1023), plain));
  CHECK_FALSE(opener.open(sealed_with(2000 - 1024), plain));
  CHECK(opener.open(sealed_with(2001), plain));
  CHECK_FALSE(opener.open(sealed_with(2001 - 1024), plain));
  CHECK(opener.open(sealed_with(1000000), plain));
  CHECK_FALSE(opener.open(sealed_with(2001), plain));
  CHECK(opener.open(sealed_with(1000000 - 1023), plain));
}

TEST_CASE("the replay window agrees with a plain list of what was seen", "[noise]") {
  test::Seeded seeded(42);
  for (int round = 0; round < 20; ++round) {
    ReplayWindow window;
    std::vector<uint64_t> seen;
    uint64_t newest = 0;
    CHECK_FALSE(window.fresh(0));
    for (int step = 0; step < 600; ++step) {
      uint64_t number = newest < 1200 ? 1 + seeded.below(1200) : newest - 1100 + seeded.below(1110);
      if (seeded.below(50) == 0) number = newest + seeded.below(3000);
      bool known = std::ranges::find(seen, number) != seen.end();
      bool fresh = number != 0 && !known && number + 1024 > newest;
      CHECK(window.fresh(number) == fresh);
      if (!fresh) continue;
      window.mark(number);
      seen.push_back(number);
      newest = std::max(newest, number);
    }
  }
}

TEST_CASE("forged numbers do not move the replay window", "[noise]") {
  Opener opener(key(1));
  Bytes forged = sealed_with(1), plain;
  forged[0] = 0x7f;  // the number's highest byte
  CHECK_FALSE(opener.open(forged, plain));
  CHECK(plain.empty());
  CHECK(opener.open(sealed_with(1), plain));
}

TEST_CASE("every damage to a sealed message is noticed", "[noise]") {
  Bytes good = sealed_with(5), plain;
  Opener opener(key(1));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes damaged = good;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    CHECK(opener.open(damaged, plain).error().status == VISOR_EPROTO);
  }
  for (size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(opener.open(ByteView(good).first(size), plain));
  Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(opener.open(longer, plain));
  CHECK_FALSE(Opener(key(2)).open(good, plain));
  CHECK(plain.empty());
  CHECK(opener.open(good, plain));
  CHECK(text(ByteView(plain)) == "plain");
}

TEST_CASE("sealing ends before the numbers do", "[noise]") {
  Sealer sealer(key(1), kMaxNonce - 2);
  Bytes out;
  CHECK(sealer.messages_left() == 2);
  CHECK(sealer.seal({}, out));
  CHECK(sealer.seal({}, out));
  size_t size = out.size();
  CHECK(sealer.seal({}, out).error().status == VISOR_ECLOSED);
  CHECK(out.size() == size);
  CHECK(to_hex(ByteView(out).subspan(kSealBytes, 8)) == "fffffffffffffffe");
}
