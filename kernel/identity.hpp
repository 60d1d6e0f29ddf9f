/* visor.identity/1: who this visor is.  The secret key stays here; plugins ask it to sign and to agree. */
#ifndef VISOR_KERNEL_IDENTITY_HPP
#define VISOR_KERNEL_IDENTITY_HPP
#include <visor/net.hpp>

#include "kernel/loop.hpp"
#include "lib/crypto/secret.hpp"

namespace visor::kernel {

class Identity final : public IdentityProvider {
 public:
  /* VISOR_EINVAL: the secret is no key. */
  static Result<std::unique_ptr<Identity>> make(Host host, Loop& loop, crypto::SecretKey secret);
  /* A new key from the loop's random numbers. */
  static Result<std::unique_ptr<Identity>> draw(Host host, Loop& loop);

  const visor_key* key() override { return &key_; }
  visor_status sign(const uint8_t digest[32], uint8_t signature[65]) override;
  visor_status agree(const visor_key* peer, uint8_t secret[32]) override;

 private:
  Identity(Host host, Loop& loop, crypto::SecretKey secret, const visor_key& key);
  visor_status fail(const Error& error) const;

  Loop& loop_;
  crypto::SecretKey secret_;
  visor_key key_;
};

/* A secret key as its file has it: 64 hex digits, white space around them.  VISOR_EINVAL names `where`. */
Result<crypto::SecretKey> secret_key_from_text(std::string_view text, std::string_view where);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_IDENTITY_HPP
