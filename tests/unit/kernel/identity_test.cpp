#include "kernel/identity.hpp"

#include <catch2/catch.hpp>

#include "lib/crypto/secp256k1.hpp"
#include "tests/unit/kernel/plugins.hpp"

namespace visor::test {
namespace {

constexpr const char* kSecret = "0000000000000000000000000000000000000000000000000000000000000001";
constexpr const char* kPublic =
    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"; /* the generator */

std::string error_of(std::string_view text) {
  auto key = kernel::secret_key_from_text(text, "visor.key");
  return key ? "" : key.error().text;
}

}  // namespace

TEST_CASE("a secret key is 64 hex digits", "[kernel]") {
  CHECK(error_of(std::string(kSecret) + "\n") == "");
  CHECK(error_of("  " + std::string(kSecret) + " \r\n") == "");
  CHECK(error_of("") == "visor.key: expected a secret key, 64 hex digits; got 0 characters");
  CHECK(error_of(" \n ") == "visor.key: expected a secret key, 64 hex digits; got 0 characters");
  CHECK(error_of("abc") == "visor.key: expected a secret key, 64 hex digits; got 3 characters");
  CHECK(error_of(std::string(64, 'x')) ==
        "visor.key: expected a secret key, 64 hex digits; got 64 characters that are not all hex digits");
  CHECK(error_of(std::string(64, '0')) ==
        "visor.key: the number is not a secp256k1 secret key; make one with `visor keygen`");
  CHECK(error_of(std::string(64, 'f')).find("not a secp256k1 secret key") != std::string::npos);
}

TEST_CASE("a visor signs and agrees by its identity, which never shows its secret", "[kernel]") {
  SimWorld world(1);
  NodeOptions options;
  std::array<uint8_t, 32> secret{};
  REQUIRE(from_hex(kSecret, secret));
  options.secret = secret;
  Node& node = world.add("a", R"({"plugins":[]})", std::move(options));
  CHECK(to_hex(node.key()) == kPublic);
  auto* identity = node.find<visor_identity>(VISOR_IDENTITY_1);
  REQUIRE(identity);
  CHECK(*identity->api->key(identity) == node.key());

  crypto::Hash hash = crypto::sha256(bytes(std::string_view("a message")));
  crypto::Signature signature;
  REQUIRE(identity->api->sign(identity, hash.bytes.data(), signature.bytes.data()) == VISOR_OK);
  CHECK(crypto::verify(node.key(), signature, hash).has_value());

  Node& peer = world.add("b", R"({"plugins":[]})");
  auto* other = peer.find<visor_identity>(VISOR_IDENTITY_1);
  std::array<uint8_t, 32> here{}, there{};
  REQUIRE(identity->api->agree(identity, &peer.key(), here.data()) == VISOR_OK);
  REQUIRE(other->api->agree(other, &node.key(), there.data()) == VISOR_OK);
  CHECK(here == there);
  visor_key nonsense{};
  CHECK(identity->api->agree(identity, &nonsense, here.data()) == VISOR_EPROTO);
  CHECK(node.host().error(VISOR_EPROTO).text == "the peer's public key is not a point of secp256k1");

  CHECK(node.call("kernel", "status")->find(kSecret) == std::string::npos);
}

TEST_CASE("the key comes from the host's reader of files", "[kernel]") {
  SimWorld world(1);
  auto run = [&](auto reader) {
    kernel::KernelOptions options{.loop = world.loop(),
                                  .catalog = test_plugins(),
                                  .config = R"({"identity":{"file":"my.key"},"plugins":[]})"};
    options.read_key = reader;
    kernel::Kernel kernel(std::move(options));
    std::string out;
    kernel.start([&](Result<void> result) { out = result ? to_hex(kernel.key()) : result.error().text; });
    world.run_for(100);
    kernel.stop([] {});
    world.run_for(100);
    return out;
  };
  using Reader = std::function<Result<crypto::SecretKey>(const std::string&)>;
  CHECK(run(Reader()) == "configuration: identity.file: this host reads no files; hand the key in");
  CHECK(run(Reader([](const std::string& file) { return kernel::secret_key_from_text("zz", file); })) ==
        "configuration: identity.file: my.key: expected a secret key, 64 hex digits; got 2 characters");
  CHECK(run(Reader([](const std::string& file) { return kernel::secret_key_from_text(kSecret, file); })) ==
        kPublic);
}

TEST_CASE("without a key one is drawn, a different one for each kernel", "[kernel]") {
  SimWorld world(1);
  Node& a = world.add("a", R"({"plugins":[]})");
  Node& b = world.add("b", R"({"plugins":[]})");
  CHECK(crypto::valid_public_key(a.key()));
  CHECK(a.key() != b.key());
}

}  // namespace visor::test
