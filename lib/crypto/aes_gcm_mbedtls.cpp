#include <mbedtls/gcm.h>

#include "lib/crypto/aes_gcm.hpp"

namespace visor::crypto {
namespace {

class Context {
 public:
  explicit Context(const AesKey& key) {
    mbedtls_gcm_init(&context_);
    mbedtls_gcm_setkey(&context_, MBEDTLS_CIPHER_ID_AES, key.data(), 256);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { mbedtls_gcm_free(&context_); }
  mbedtls_gcm_context* get() { return &context_; }

 private:
  mbedtls_gcm_context context_;
};

}  // namespace

Bytes seal_aes_gcm(const AesKey& key, const AesNonce& nonce, ByteView plain) {
  Bytes out(plain.size() + kAesTagBytes);
  Context context(key);
  mbedtls_gcm_crypt_and_tag(context.get(), MBEDTLS_GCM_ENCRYPT, plain.size(), nonce.data(), nonce.size(),
                            nullptr, 0, plain.data(), out.data(), kAesTagBytes, out.data() + plain.size());
  return out;
}

Result<Bytes> open_aes_gcm(const AesKey& key, const AesNonce& nonce, ByteView sealed) {
  constexpr const char* kWrong = "it was sealed with another key, or it is damaged";
  if (sealed.size() < kAesTagBytes) return failure(VISOR_EPROTO, kWrong);
  const ByteView cipher = sealed.first(sealed.size() - kAesTagBytes);
  Bytes out(cipher.size());
  Context context(key);
  const int opened =
      mbedtls_gcm_auth_decrypt(context.get(), cipher.size(), nonce.data(), nonce.size(), nullptr, 0,
                               cipher.data() + cipher.size(), kAesTagBytes, cipher.data(), out.data());
  if (opened != 0) return failure(VISOR_EPROTO, kWrong);
  return out;
}

}  // namespace visor::crypto
