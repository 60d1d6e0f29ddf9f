/* A message in a group, as its author's feed carries it (specification chat.md, 7.3 to 7.5).
 *
 *   path   msgs/<sender, 66 hex>/<Unix ns>/<number>
 *   leaf   {"sender_pk","ts","text","signature"}, in a private group
 * {"sender_pk","ts","ciphertext","nonce","signature"}
 *
 * The signature is over SHA-256(SHA-256(canonical bytes)):
 *   01 | sender (33) | ts ns (i64 BE) | u32 BE length, text | u32 BE length, ciphertext | u32 BE length,
 * nonce
 *
 * The text is cut from nowhere: a leaf that is passed on keeps its bytes. */
#ifndef VISOR_CHAT_GROUP_MESSAGE_HPP
#define VISOR_CHAT_GROUP_MESSAGE_HPP
#include <functional>
#include <optional>

#include "lib/codec/uuid.hpp"
#include "lib/crypto/aes_gcm.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::chat {

/* Signs a digest with the visor's key. */
using Sign = std::function<Result<crypto::Signature>(const crypto::Hash& digest)>;

/* What a signature of a chat is over. */
crypto::Hash digest_of(ByteView canonical);

inline constexpr size_t kMaxGroupText = 48u << 10;
inline constexpr size_t kMaxLeafBytes = 128u << 10;
/* How far the clock of who signs may be ahead of ours. */
inline constexpr int64_t kFutureNs = 5ll * 60 * 1'000'000'000;

struct GroupMessage {
  visor_key sender{};
  int64_t time_ns = 0;
  std::string text;              /* of a public group; of a private one once it is opened */
  Bytes ciphertext;              /* of a private group */
  crypto::AesNonce nonce{};      /* likewise; of a public one that is bound: binding_of() */
  bool bound = false;            /* a public one that says which group it is for */
  crypto::Signature signature{}; /* zeros: none */

  bool sealed() const { return !ciphertext.empty(); }
};

/* What the nonce of a public group's message is, which nothing is sealed with but which is signed: so nobody
 * carries it into another group, or gives it another number.  Those of others, without one, are taken. */
crypto::AesNonce binding_of(const codec::Uuid& group, uint64_t number);

Bytes canonical(const GroupMessage& message);
std::string to_leaf(const GroupMessage& message);
/* VISOR_EPROTO for what is no message: not JSON, no sender, no time, both a text and a ciphertext.  The
 * sender may be no point of the curve: whoever takes the message knows its members, or verifies it. */
Result<GroupMessage> parse_group_message(ByteView leaf);

/* Seals the text, if there is a key, or else binds it, if the nonce is not zeros; and signs. */
Result<void> finish(GroupMessage& message, const crypto::AesKey* key, const crypto::AesNonce& nonce,
                    const Sign& sign);
/* VISOR_EPROTO: no signature, or not the sender's. */
Result<void> verify(const GroupMessage& message);
/* Fills the text of a sealed one. */
Result<void> open(GroupMessage& message, const crypto::AesKey* key);

/* What a message says that takes another one of its author back: {"skychat_delete":{"to_ts_nano":..}} (7.7).
 */
std::string take_back_text(int64_t time_ns);
/* The time of the one that is taken back; nothing: it is an ordinary message. */
std::optional<int64_t> parse_take_back(std::string_view text);

/* The message that another one answers. */
struct Answered {
  visor_key sender{};
  int64_t time_ns = 0;

  friend auto operator<=>(const Answered&, const Answered&) = default;
};
/* What a message says that answers another: {"skychat_reply":{"to_pk","to_ts_nano","text"}} (7.7). */
std::string answer_text(const Answered& answered, std::string_view text);
/* Takes the text out of such a one; nothing: it answers none, and `text` is as it was. */
std::optional<Answered> parse_answer(std::string& text);

struct MessagePath {
  visor_key sender{};
  int64_t time_ns = 0;
  uint64_t number = 0;

  friend auto operator<=>(const MessagePath&, const MessagePath&) = default;
};
std::string to_text(const MessagePath& path);
/* Nothing when it is not the path of a message, exactly as to_text() writes it. */
std::optional<MessagePath> parse_message_path(std::string_view path);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_MESSAGE_HPP
