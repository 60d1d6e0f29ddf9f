/* The link that lets a visor into a group (specification chat.md, 11.1): "skychat:invite:" and the base64url
 * of
 * {"id","name","owner_pk","port","mode","aes_key","admins","members"}.  It is not signed, and whose holder it
 * is reads a private group as far as some member's feed admits it. */
#ifndef VISOR_CHAT_GROUP_INVITE_HPP
#define VISOR_CHAT_GROUP_INVITE_HPP
#include "lib/codec/uuid.hpp"
#include "lib/crypto/aes_gcm.hpp"

namespace visor::chat {

enum class Mode : uint8_t { kPublic, kPrivate };
std::string_view name_of(Mode mode);

inline constexpr size_t kMaxGroupName = 128;

struct Invite {
  codec::Uuid group;
  std::string name;
  visor_key owner{};
  uint16_t port = 0;
  Mode mode = Mode::kPublic;
  Bytes key; /* 32 bytes in a private group, else none */
  std::vector<visor_key> admins;
  /* Of a public group: others to begin with, who decide nothing. */
  std::vector<visor_key> members;
  uint64_t key_epoch = 0; /* how often the key was changed */
};

std::string to_link(const Invite& invite);
/* Space around it does not matter.  VISOR_EINVAL says what is wrong with it. */
Result<Invite> parse_link(std::string_view link);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_INVITE_HPP
