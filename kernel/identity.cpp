#include "kernel/identity.hpp"

#include <algorithm>

#include "lib/crypto/secp256k1.hpp"

namespace visor::kernel {

Result<std::unique_ptr<Identity>> Identity::make(Host host, Loop& loop, crypto::SecretKey secret) {
  auto key = crypto::public_key_of(secret);
  if (!key) return std::unexpected(key.error());
  return std::unique_ptr<Identity>(new Identity(host, loop, std::move(secret), *key));
}

Result<std::unique_ptr<Identity>> Identity::draw(Host host, Loop& loop) {
  auto pair = crypto::random_key_pair([&loop](std::span<uint8_t> out) { loop.random(out); });
  if (!pair) return std::unexpected(pair.error());
  return std::unique_ptr<Identity>(new Identity(host, loop, std::move(pair->secret), pair->key));
}

Identity::Identity(Host host, Loop& loop, crypto::SecretKey secret, const visor_key& key)
    : IdentityProvider(host), loop_(loop), secret_(std::move(secret)), key_(key) {}

visor_status Identity::sign(const uint8_t digest[32], uint8_t signature[65]) {
  crypto::Hash hash;
  std::copy_n(digest, hash.bytes.size(), hash.bytes.begin());
  auto made = crypto::sign_recoverable(hash, secret_);
  if (!made) return fail(made.error());
  std::ranges::copy(made->bytes, signature);
  return VISOR_OK;
}

visor_status Identity::agree(const visor_key* peer, uint8_t secret[32]) {
  auto shared = crypto::ecdh(*peer, secret_);
  if (!shared) return fail(shared.error());
  std::ranges::copy(shared->bytes(), secret);
  return VISOR_OK;
}

// Any thread may sign; the text of a failure belongs to the loop's.
visor_status Identity::fail(const Error& error) const {
  return loop_.on_loop_thread() ? host().fail(error) : error.status;
}

Result<crypto::SecretKey> secret_key_from_text(std::string_view text, std::string_view where) {
  constexpr std::string_view kSpace = " \t\r\n";
  size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  std::string_view digits = text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
  crypto::SecretKey secret;
  if (!from_hex(digits, secret.bytes())) {
    return failure(VISOR_EINVAL, std::string(where) + ": expected a secret key, 64 hex digits; got " +
                                     std::to_string(digits.size()) + " characters" +
                                     (digits.size() == 64 ? " that are not all hex digits" : ""));
  }
  if (!crypto::valid_secret_key(secret)) {
    return failure(VISOR_EINVAL, std::string(where) +
                                     ": the number is not a secp256k1 secret key; make one with "
                                     "`visor keygen`");
  }
  return secret;
}

}  // namespace visor::kernel
