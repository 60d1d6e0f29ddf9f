// New keys of private groups.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/chat/group_key.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/test_identity.hpp"

namespace visor::chat {
namespace {

using test::MemoryHost;
using test::TestIdentity;

struct Person {
  explicit Person(uint8_t secret) : identity(host.host(), secret) {}
  visor_key key() { return *identity.key(); }
  Sign signer() {
    return [this](const crypto::Hash& digest) -> Result<crypto::Signature> {
      crypto::Signature signature;
      if (identity.sign(digest.bytes.data(), signature.bytes.data()) != VISOR_OK)
        return failure(VISOR_EIO, "no");
      return signature;
    };
  }
  Agree agree() {
    return [this](const visor_key& peer) -> Result<crypto::SharedSecret> {
      crypto::SharedSecret shared;
      if (identity.agree(&peer, shared.data()) != VISOR_OK) return failure(VISOR_EIO, "no");
      return shared;
    };
  }
  MemoryHost host;
  TestIdentity identity;
};

KeyMutation made_by(Person& admin, const std::vector<visor_key>& recipients, ByteView key) {
  KeyMutation mutation;
  mutation.group.bytes.fill(7);
  mutation.epoch = 3;
  mutation.issued_ns = 1234567890123456789;
  mutation.issuer = admin.key();
  auto wraps = wrap_for(recipients, key, [&](std::span<uint8_t> out) { admin.host.host().random(out); });
  REQUIRE(wraps);
  mutation.wraps = std::move(*wraps);
  REQUIRE(sign(mutation, admin.signer()));
  return mutation;
}

TEST_CASE("chat: a new key is found by those it is for, and by nobody else", "[chat]") {
  Person admin(1), member(2), removed(3);
  const Bytes key(kGroupKeyBytes, 9);
  const KeyMutation made = made_by(admin, {admin.key(), member.key()}, key);
  auto read = parse_key_mutation(bytes(std::string_view(to_leaf(made))));
  REQUIRE(read);
  CHECK(canonical(*read) == canonical(made));
  CHECK(verify(*read));
  CHECK(unwrap(*read, member.key(), member.agree()) == key);
  CHECK(unwrap(*read, admin.key(), admin.agree()) == key);
  CHECK_FALSE(unwrap(*read, removed.key(), removed.agree()));
  // Nobody is named, and no two wraps are alike.
  for (const KeyWrap& wrap : read->wraps) CHECK(wrap.recipient == visor_key{});
  CHECK(read->wraps[0].tag != read->wraps[1].tag);
}

TEST_CASE("chat: a new key is its issuer's as it is, in any order of its wraps", "[chat]") {
  Person admin(1), member(2);
  KeyMutation made = made_by(admin, {admin.key(), member.key()}, Bytes(kGroupKeyBytes, 9));
  std::ranges::reverse(made.wraps);
  CHECK(verify(made));
  KeyMutation later = made;
  ++later.epoch;
  CHECK_FALSE(verify(later));
  made.wraps.pop_back();
  CHECK_FALSE(verify(made));
}

TEST_CASE("chat: what is no new key is refused", "[chat]") {
  Person admin(1);
  const KeyMutation made = made_by(admin, {admin.key()}, Bytes(kGroupKeyBytes, 9));
  KeyMutation lacking = made;
  lacking.wraps.clear();
  CHECK_FALSE(parse_key_mutation(bytes(std::string_view(to_leaf(lacking)))));
  lacking = made;
  lacking.wraps[0].tag.clear();  // for nobody
  CHECK_FALSE(parse_key_mutation(bytes(std::string_view(to_leaf(lacking)))));
  lacking = made;
  lacking.issued_ns = 0;
  CHECK_FALSE(parse_key_mutation(bytes(std::string_view(to_leaf(lacking)))));
  for (const char* leaf : {"", "{}", "[]", R"({"wraps":[1]})", R"({"wraps":{}})"}) {
    CHECK_FALSE(parse_key_mutation(bytes(std::string_view(leaf))));
  }
}

}  // namespace
}  // namespace visor::chat
