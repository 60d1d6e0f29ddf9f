#include "group_invite.hpp"

#include "group_text.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/utf8.hpp"
#include "lib/crypto/base64.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "skychat:invite:";
constexpr size_t kMaxLink = 64u << 10;
constexpr size_t kKeyBytes = 32;
constexpr size_t kMaxMembers = 16;

std::unexpected<Error> wrong(const std::string& why) {
  return failure(VISOR_EINVAL, "this is no invitation: " + why);
}

}  // namespace

std::string_view name_of(Mode mode) {
  return mode == Mode::kPublic ? "public" : "private";
}

std::string to_link(const Invite& invite) {
  json::object out{{"id", codec::to_text(invite.group)},
                   {"name", invite.name},
                   {"owner_pk", to_hex(invite.owner)},
                   {"port", invite.port},
                   {"mode", name_of(invite.mode)}};
  if (!invite.key.empty()) out["aes_key"] = crypto::to_base64(invite.key);
  if (invite.key_epoch > 0) out["key_epoch"] = invite.key_epoch;
  auto put = [&out](const char* name, const std::vector<visor_key>& keys) {
    if (keys.empty()) return;
    json::array all;
    for (const visor_key& key : keys) all.emplace_back(to_hex(key));
    out[name] = std::move(all);
  };
  put("admins", invite.admins);
  put("members", invite.members);
  return std::string(kPrefix) + crypto::to_base64url(bytes(json::serialize(out)));
}

Result<Invite> parse_link(std::string_view link) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = link.find_first_not_of(kSpace);
  link =
      first == link.npos ? std::string_view() : link.substr(first, link.find_last_not_of(kSpace) - first + 1);
  if (!link.starts_with(kPrefix)) return wrong("it begins with \"" + std::string(kPrefix) + "\"");
  if (link.size() > kMaxLink) return wrong("it has at most 64 KiB");
  Result<Bytes> decoded = crypto::from_base64url(link.substr(kPrefix.size()));
  if (!decoded) return wrong("what follows the prefix is base64url");
  Result<json::object> object = codec::parse_fields(text(ByteView(*decoded)), "an invitation");
  if (!object) return wrong("it holds JSON");

  Invite invite;
  const std::string_view mode = text_member(*object, "mode");
  if (mode != "public" && mode != "private") return wrong("its mode is public or private");
  invite.mode = mode == "public" ? Mode::kPublic : Mode::kPrivate;
  const auto key = bytes_member(*object, "aes_key");
  if (!key || (invite.mode == Mode::kPrivate && key->size() != kKeyBytes))
    return wrong("a private group's key has 32 bytes");
  if (invite.mode == Mode::kPublic && !key->empty()) return wrong("a public group has no key");
  invite.key = *key;
  Result<codec::Uuid> group = codec::parse_uuid(text_member(*object, "id"));
  if (!group || group->blank()) return wrong("it names no group");
  invite.group = *group;
  const auto owner = key_member(*object, "owner_pk");
  if (!owner || *owner == visor_key{}) return wrong("it names no owner");
  invite.owner = *owner;
  invite.port = codec::number_at<uint16_t>(*object, "port").value_or(0);
  if (invite.port == 0) return wrong("its port is 1 to 65535");
  auto admins = keys_member(*object, "admins"), members = keys_member(*object, "members");
  if (!admins || !members) return wrong("its admins and members are public keys");
  if (members->size() > kMaxMembers) return wrong("it names at most 16 members");
  invite.admins = std::move(*admins);
  if (invite.mode == Mode::kPublic) invite.members = std::move(*members);
  codec::read_field(*object, "key_epoch", invite.key_epoch);
  invite.name = codec::repair_utf8(text_member(*object, "name").substr(0, kMaxGroupName));
  return invite;
}

}  // namespace visor::chat
