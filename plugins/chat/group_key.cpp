#include "group_key.hpp"

#include <algorithm>

#include "group_text.hpp"
#include "lib/codec/endian.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/crypto/base64.hpp"
#include "lib/crypto/nonced.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

constexpr uint8_t kVersion = 1, kDomain = 4;
constexpr size_t kTagBytes = 16;
constexpr size_t kMaxSealed = 256;
constexpr size_t kMaxEphemeral = 16; /* different ones that are tried */

bool complete(const KeyMutation& mutation) {
  return !mutation.group.blank() && !mutation.wraps.empty() && mutation.issuer != visor_key{} &&
         mutation.issued_ns > 0;
}

Bytes tag_of(std::span<const uint8_t, 32> shared) {
  Bytes input;
  codec::append(input, bytes(std::string_view("skychat-group-wrap-tag-v1")));
  codec::append(input, shared);
  const crypto::Hash hash = crypto::sha256(input);
  return Bytes(hash.bytes.begin(), hash.bytes.begin() + kTagBytes);
}

crypto::Hash hash_of(const std::vector<KeyWrap>& wraps) {
  std::vector<const KeyWrap*> sorted;
  sorted.reserve(wraps.size());
  for (const KeyWrap& wrap : wraps) sorted.push_back(&wrap);
  std::ranges::sort(sorted, {}, [](const KeyWrap* wrap) {
    // What is sealed decides between two of one name.
    return to_hex(wrap->recipient) + "|" + to_hex(ByteView(wrap->tag)) + "|" + to_hex(ByteView(wrap->sealed));
  });
  Bytes all;
  for (const KeyWrap* wrap : sorted) {
    codec::append(all, bytes(wrap->recipient));
    codec::append_be<uint64_t>(all, wrap->sealed.size());
    codec::append(all, wrap->sealed);
    if (wrap->ephemeral != visor_key{}) codec::append(all, bytes(wrap->ephemeral));
    codec::append(all, wrap->tag);
  }
  return crypto::sha256(all);
}

std::unexpected<Error> no_key(const char* why) {
  return failure(VISOR_EPROTO, std::string("a group's new key ") + why);
}

std::optional<KeyWrap> parse_wrap(const json::value& value) {
  const json::object* object = value.if_object();
  if (!object) return std::nullopt;
  const auto recipient = key_member(*object, "recipient_pk"), ephemeral = key_member(*object, "eph_pk");
  auto tag = bytes_member(*object, "tag"), sealed = bytes_member(*object, "sealed");
  if (!recipient || !ephemeral || !tag || !sealed) return std::nullopt;
  const bool found = !tag->empty() || *recipient != visor_key{};
  const bool sized =
      (tag->empty() || tag->size() == kTagBytes) && !sealed->empty() && sealed->size() <= kMaxSealed;
  if (!found || !sized) return std::nullopt;
  return KeyWrap{*recipient, std::move(*tag), std::move(*sealed), *ephemeral};
}

}  // namespace

Bytes canonical(const KeyMutation& mutation) {
  Bytes out{kVersion, kDomain};
  codec::append(out, mutation.group);
  codec::append_be<uint64_t>(out, mutation.epoch);
  codec::append(out, hash_of(mutation.wraps).bytes);
  codec::append_be<uint64_t>(out, 0);
  codec::append_be<uint64_t>(out, static_cast<uint64_t>(mutation.issued_ns));
  codec::append(out, bytes(mutation.issuer));
  return out;
}

std::string to_leaf(const KeyMutation& mutation) {
  json::array wraps;
  for (const KeyWrap& wrap : mutation.wraps) {
    json::object row{{"recipient_pk", to_hex(wrap.recipient)}, {"sealed", crypto::to_base64(wrap.sealed)}};
    if (!wrap.tag.empty()) row["tag"] = crypto::to_base64(wrap.tag);
    row["eph_pk"] = to_hex(wrap.ephemeral);
    wraps.push_back(std::move(row));
  }
  return json::serialize(json::object{{"group_id", codec::to_text(mutation.group)},
                                      {"epoch", mutation.epoch},
                                      {"wraps", std::move(wraps)},
                                      {"parent_seq", 0},
                                      {"issued_at", time_of_ns(mutation.issued_ns)},
                                      {"issuer_pk", to_hex(mutation.issuer)},
                                      {"signature", to_hex(mutation.signature)}});
}

Result<KeyMutation> parse_key_mutation(ByteView leaf) {
  if (leaf.size() > (1u << 20)) return no_key("is larger than 1 MiB");
  Result<json::object> object = codec::parse_fields(text(leaf), "a group's new key");
  if (!object) return failure(VISOR_EPROTO, object.error().text);
  KeyMutation mutation;
  Result<codec::Uuid> group = codec::parse_uuid(text_member(*object, "group_id"));
  const auto issuer = key_member(*object, "issuer_pk");
  const auto issued_ns = time_member(*object, "issued_at");
  const auto signature = signature_member(*object, "signature");
  const json::value* wraps = member(*object, "wraps");
  const json::value* parent = member(*object, "parent_seq");
  const auto epoch = codec::number_at<uint64_t>(*object, "epoch");
  if (!group || !issuer || !issued_ns || !signature || !epoch)
    return no_key("has a field that cannot be read");
  if (parent && *parent != json::value(0)) return no_key("has a parent; expected 0");
  const json::array* list = wraps ? wraps->if_array() : nullptr;
  if (!list || list->empty() || list->size() > kMaxWraps)
    return no_key("has wraps for nobody, or for too many");
  for (const json::value& each : *list) {
    auto wrap = parse_wrap(each);
    if (!wrap) return no_key("has a wrap that cannot be read, or that nobody can find");
    mutation.wraps.push_back(std::move(*wrap));
  }
  mutation.group = *group;
  mutation.epoch = *epoch;
  mutation.issued_ns = *issued_ns;
  mutation.issuer = *issuer;
  mutation.signature = *signature;
  if (!complete(mutation) || mutation.signature == crypto::Signature{})
    return no_key("lacks a required field");
  return mutation;
}

Result<void> sign(KeyMutation& mutation, const Sign& sign) {
  if (!complete(mutation)) return failure(VISOR_EINVAL, "a group's new key lacks a required field");
  Result<crypto::Signature> signature = sign(digest_of(canonical(mutation)));
  if (!signature) return std::unexpected(signature.error());
  mutation.signature = *signature;
  return {};
}

Result<void> verify(const KeyMutation& mutation) {
  return crypto::verify(mutation.issuer, mutation.signature, digest_of(canonical(mutation)));
}

Result<std::vector<KeyWrap>> wrap_for(std::span<const visor_key> recipients, ByteView key,
                                      const crypto::Random& random) {
  Result<crypto::KeyPair> ephemeral = crypto::random_key_pair(random);
  if (!ephemeral) return std::unexpected(ephemeral.error());
  std::vector<KeyWrap> wraps;
  wraps.reserve(recipients.size());
  for (const visor_key& recipient : recipients) {
    Result<crypto::SharedSecret> shared = crypto::ecdh(recipient, ephemeral->secret);
    if (!shared) return std::unexpected(shared.error());
    std::array<uint8_t, crypto::kNonceBytes> nonce{};
    random(nonce);
    wraps.push_back(
        {{}, tag_of(shared->bytes()), crypto::seal_nonced(shared->bytes(), nonce, key), ephemeral->key});
  }
  return wraps;
}

std::optional<Bytes> unwrap(const KeyMutation& mutation, const visor_key& own, const Agree& agree) {
  struct Tried {
    crypto::SharedSecret shared;
    Bytes tag;
  };
  std::map<visor_key, Tried> tried;
  for (const KeyWrap& wrap : mutation.wraps) {
    const visor_key& with = wrap.ephemeral == visor_key{} ? mutation.issuer : wrap.ephemeral;
    if (!tried.contains(with)) {
      if (tried.size() >= kMaxEphemeral) break;
      Result<crypto::SharedSecret> shared = agree(with);
      if (!shared) continue;
      Bytes tag = tag_of(shared->bytes());
      tried.emplace(with, Tried{std::move(*shared), std::move(tag)});
    }
    const Tried& ours = tried.at(with);
    if (wrap.tag.empty() ? wrap.recipient != own : wrap.tag != ours.tag) continue;
    Result<Bytes> key = crypto::open_nonced(ours.shared.bytes(), wrap.sealed);
    if (key && key->size() == kGroupKeyBytes) return std::move(*key);
  }
  return std::nullopt;
}

std::string key_path(uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  return "keys/" + digits;
}

}  // namespace visor::chat
