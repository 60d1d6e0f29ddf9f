#include <openssl/evp.h>

#include <memory>

#include "lib/crypto/aes_gcm.hpp"

namespace visor::crypto {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype([](EVP_CIPHER_CTX* c) { EVP_CIPHER_CTX_free(c); })>;

int length(ByteView data) {
  return static_cast<int>(data.size());
}

}  // namespace

Bytes seal_aes_gcm(const AesKey& key, const AesNonce& nonce, ByteView plain) {
  Bytes out(plain.size() + kAesTagBytes);
  Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data());
  EVP_EncryptUpdate(context.get(), out.data(), &written, plain.data(), length(plain));
  EVP_EncryptFinal_ex(context.get(), out.data() + written, &written);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kAesTagBytes, out.data() + plain.size());
  return out;
}

Result<Bytes> open_aes_gcm(const AesKey& key, const AesNonce& nonce, ByteView sealed) {
  constexpr const char* kWrong = "it was sealed with another key, or it is damaged";
  if (sealed.size() < kAesTagBytes) return failure(VISOR_EPROTO, kWrong);
  const ByteView cipher = sealed.first(sealed.size() - kAesTagBytes);
  Bytes tag(sealed.end() - kAesTagBytes, sealed.end());
  Bytes out(cipher.size() + 1);  // never empty, so that it has an address
  Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data());
  EVP_DecryptUpdate(context.get(), out.data(), &written, cipher.data(), length(cipher));
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kAesTagBytes, tag.data());
  if (EVP_DecryptFinal_ex(context.get(), out.data() + cipher.size(), &written) != 1) {
    return failure(VISOR_EPROTO, kWrong);
  }
  out.resize(cipher.size());
  return out;
}

}  // namespace visor::crypto
