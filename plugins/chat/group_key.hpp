/* A new key of a private group, for each who is to have it (specification chat.md, 10.6).
 *
 *   path   keys/<number, 5 digits>
 *   leaf   {"group_id","epoch","wraps":[{"recipient_pk","tag","sealed","eph_pk"}],"parent_seq","issued_at",
 *           "issuer_pk","signature"}
 *
 * A wrap names nobody: shared = ECDH(ephemeral key, recipient), sealed = nonce (12) | ChaCha20-Poly1305 of
 * the key under it, and the first 16 bytes of SHA-256("skychat-group-wrap-tag-v1" | shared) let the recipient
 * find it.
 *
 * The signature is over SHA-256(SHA-256(canonical bytes)):
 *   01 | 04 | group (16) | epoch (u64 BE) | SHA-256 of the wraps | parent_seq (u64 BE, 0) | issued_at ns (i64
 *   BE) | issuer (33)
 *   wraps, in the order of recipient hex | tag hex: recipient (33) | u64 BE length, sealed | ephemeral (33),
 * if there is one | tag, if there is one */
#ifndef VISOR_CHAT_GROUP_KEY_HPP
#define VISOR_CHAT_GROUP_KEY_HPP
#include <map>

#include "group_message.hpp"
#include "lib/codec/uuid.hpp"

namespace visor::chat {

inline constexpr size_t kGroupKeyBytes = 32;
inline constexpr size_t kMaxWraps = 4096;

struct KeyWrap {
  visor_key recipient{}; /* zeros: it is found by its tag */
  Bytes tag;             /* empty: it is found by its recipient */
  Bytes sealed;
  visor_key ephemeral{}; /* zeros: the issuer's key */
};

struct KeyMutation {
  codec::Uuid group;
  uint64_t epoch = 0;
  std::vector<KeyWrap> wraps;
  int64_t issued_ns = 0;
  visor_key issuer{};
  crypto::Signature signature{};
};

Bytes canonical(const KeyMutation& mutation);
std::string to_leaf(const KeyMutation& mutation);
/* VISOR_EPROTO for what is none: a field missing, no wraps or too many, one that nobody can find. */
Result<KeyMutation> parse_key_mutation(ByteView leaf);
Result<void> sign(KeyMutation& mutation, const Sign& sign);
/* Whether the issuer signed it; whether the issuer may is for the group to say. */
Result<void> verify(const KeyMutation& mutation);

/* One for each recipient, under an ephemeral key that is forgotten with the call. */
Result<std::vector<KeyWrap>> wrap_for(std::span<const visor_key> recipients, ByteView key,
                                      const crypto::Random& random);

/* SHA-256 of the point that we share with a key. */
using Agree = std::function<Result<crypto::SharedSecret>(const visor_key& peer)>;
/* The key, if there is one for us. */
std::optional<Bytes> unwrap(const KeyMutation& mutation, const visor_key& own, const Agree& agree);

/* "keys/00001". */
std::string key_path(uint64_t number);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_KEY_HPP
