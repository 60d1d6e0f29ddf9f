#include "authority.hpp"

#include <charconv>

#include "lib/codec/telemetry_text.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::transport_discovery {

Answer refusal(int32_t status, std::string_view text) {
  return json_answer(codec::JsonObjectText()
                             .json("error", codec::JsonObjectText()
                                                .text("message", text)
                                                .integer("code", static_cast<uint64_t>(status))
                                                .finish())
                             .finish() +
                         "\n",
                     status);
}

Authority::Known& Authority::known(const visor_key& key, Moment now) {
  auto [at, fresh] = known_.try_emplace(key);
  Known& known = at->second;
  if (fresh) {
    known.nonce = static_cast<uint64_t>(std::max<int64_t>(now.unix_s, 1)) * 1000;
    known.credit = kBurst * 1000;
    known.counted_ms = now.mono_ms;
    used_.push_front(key);
    known.used = used_.begin();
  } else {
    used_.splice(used_.begin(), used_, known.used);
  }
  if (known_.size() > kMaxKeys) {
    known_.erase(used_.back());
    used_.pop_back();
  }
  return known;
}

uint64_t Authority::next_nonce(const visor_key& key, Moment now) {
  return known(key, now).nonce;
}

bool Authority::take_credit(Known& known, Moment now) {
  int64_t passed_ms = std::max<int64_t>(0, now.mono_ms - known.counted_ms);
  known.counted_ms = now.mono_ms;
  known.credit = std::min(kBurst * 1000, known.credit + passed_ms * kRequestsPerMinute / 60);
  if (known.credit < 1000) return false;
  known.credit -= 1000;
  return true;
}

// The cheap tests first; the limit last, so that nobody uses up what belongs to another's key.
std::expected<visor_key, Answer> Authority::check(const ApiRequest& request, Moment now) {
  auto refuse = [this](std::string_view why) {
    ++counters_.refused;
    return std::unexpected(refusal(401, why));
  };
  Result<visor_key> key = key_from_hex(request.header_of("sw-public"));
  std::string_view nonce_text = request.header_of("sw-nonce"), signature_text = request.header_of("sw-sig");
  if (!key || nonce_text.empty() || signature_text.empty()) {
    return refuse(
        "SW-Public, SW-Nonce and SW-Sig are needed: a key, the number from /security/nonces/<key>, and "
        "a signature over the body and that number");
  }
  uint64_t nonce = 0;
  auto [end, error] = std::from_chars(nonce_text.data(), nonce_text.data() + nonce_text.size(), nonce);
  if (error != std::errc() || end != nonce_text.data() + nonce_text.size())
    return refuse("SW-Nonce is a decimal number");
  Known& signer = known(*key, now);
  if (nonce != signer.nonce) return refuse("SW-Nonce does not match");
  crypto::Signature signature;
  if (!from_hex(signature_text, signature.bytes)) return refuse("SW-Sig is 130 hex digits");
  crypto::Hash hash = crypto::sha256({bytes(request.body), bytes(nonce_text)});
  if (!crypto::verify(*key, signature, hash)) return refuse("SW-Sig is not of SW-Public over this body");
  ++signer.nonce;
  if (!take_credit(signer, now)) {
    ++counters_.limited;
    Answer limited = error_answer(429, "30 requests a minute of one key are answered, 10 at once; wait");
    limited.headers.emplace_back("retry-after", "2");
    return std::unexpected(std::move(limited));
  }
  ++counters_.accepted;
  return *key;
}

}  // namespace visor::transport_discovery
