#include "group_message.hpp"

#include <algorithm>
#include <charconv>

#include "group_text.hpp"
#include "lib/codec/endian.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "lib/codec/telemetry_time.hpp"
#include "lib/crypto/base64.hpp"
#include "plain_json.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

void append_counted(Bytes& out, ByteView data) {
  codec::append_be<uint32_t>(out, static_cast<uint32_t>(data.size()));
  codec::append(out, data);
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool plain = !text.empty() && (text == "0" || (text.front() >= '1' && text.front() <= '9'));
  return plain && error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                           : std::nullopt;
}

std::unexpected<Error> no_message(const char* why) {
  return failure(VISOR_EPROTO, std::string("a group's message ") + why);
}

/* A sealed message just as to_leaf() writes it.  Nothing for any other. */
std::optional<GroupMessage> parse_plain(std::string_view leaf) {
  PlainJson plain(leaf);
  const auto sender = plain.quoted(R"({"sender_pk":")"), time = plain.quoted(R"(,"ts":")"),
             ciphertext = plain.quoted(R"(,"ciphertext":")"), nonce = plain.quoted(R"(,"nonce":")"),
             signature = plain.quoted(R"(,"signature":")");
  if (!plain.finish("}")) return std::nullopt;
  GroupMessage message;
  Result<visor_key> key = key_from_hex(sender);
  const auto time_ns = codec::parse_time_ns(time);
  Result<Bytes> sealed = crypto::from_base64(ciphertext), twelve = crypto::from_base64(nonce);
  const bool read = key && time_ns && *time_ns != 0 && sealed && !sealed->empty() && twelve &&
                    twelve->size() == message.nonce.size() && from_hex(signature, message.signature.bytes);
  if (!read || *key == visor_key{}) return std::nullopt;
  message.sender = *key;
  message.time_ns = *time_ns;
  message.ciphertext = std::move(*sealed);
  std::ranges::copy(*twelve, message.nonce.begin());
  return message;
}

}  // namespace

crypto::Hash digest_of(ByteView canonical) {
  return crypto::sha256(crypto::sha256(canonical));
}

crypto::AesNonce binding_of(const codec::Uuid& group, uint64_t number) {
  constexpr std::string_view kWhat = "visor-chat-group-v1|";
  Bytes named(kWhat.begin(), kWhat.end());
  codec::append(named, group);
  codec::append_be<uint64_t>(named, number);
  const crypto::Hash hash = crypto::sha256(named);
  crypto::AesNonce nonce{};
  std::copy_n(hash.bytes.begin(), nonce.size(), nonce.begin());
  return nonce;
}

Bytes canonical(const GroupMessage& message) {
  Bytes out{0x01};
  codec::append(out, bytes(message.sender));
  codec::append_be<uint64_t>(out, static_cast<uint64_t>(message.time_ns));
  append_counted(out, message.sealed() ? ByteView() : bytes(message.text));
  append_counted(out, message.ciphertext);
  append_counted(out, message.sealed() || message.bound ? ByteView(message.nonce) : ByteView());
  return out;
}

std::string to_leaf(const GroupMessage& message) {
  codec::JsonObjectText out;
  out.text("sender_pk", to_hex(message.sender)).text("ts", time_of_ns(message.time_ns));
  if (message.sealed()) {
    out.text("ciphertext", crypto::to_base64(message.ciphertext))
        .text("nonce", crypto::to_base64(message.nonce));
  } else {
    out.text("text", message.text);
    if (message.bound) out.text("nonce", crypto::to_base64(message.nonce));
  }
  return out.text("signature", to_hex(message.signature)).finish();
}

Result<GroupMessage> parse_group_message(ByteView leaf) {
  if (leaf.size() > kMaxLeafBytes) return no_message("is larger than 128 KiB");
  if (auto plain = parse_plain(text(leaf))) return std::move(*plain);
  Result<json::object> object = codec::parse_fields(text(leaf), "a group's message");
  if (!object) return failure(VISOR_EPROTO, object.error().text);
  GroupMessage message;
  const auto sender = digits_member(*object, "sender_pk");
  const auto time_ns = time_member(*object, "ts");
  const auto ciphertext = bytes_member(*object, "ciphertext");
  const auto nonce = bytes_member(*object, "nonce");
  const auto signature = signature_member(*object, "signature");
  if (!sender || *sender == visor_key{}) return no_message("names no sender");
  if (!time_ns || *time_ns == 0) return no_message("has no time");
  if (!ciphertext || !nonce || !signature) return no_message("has a field that cannot be read");
  message.sender = *sender;
  message.time_ns = *time_ns;
  message.signature = *signature;
  message.text = text_member(*object, "text");
  message.ciphertext = *ciphertext;
  if (message.sealed()) {
    if (!message.text.empty()) return no_message("is both sealed and not");
  }
  message.bound = !message.sealed() && !nonce->empty();
  if (message.sealed() || message.bound) {
    if (nonce->size() != message.nonce.size()) return no_message("has a nonce of another size than 12 bytes");
    std::ranges::copy(*nonce, message.nonce.begin());
  }
  return message;
}

Result<void> finish(GroupMessage& message, const crypto::AesKey* key, const crypto::AesNonce& nonce,
                    const Sign& sign) {
  message.nonce = nonce;
  message.bound = !key && nonce != crypto::AesNonce{};
  if (key) message.ciphertext = crypto::seal_aes_gcm(*key, nonce, bytes(message.text));
  Result<crypto::Signature> signature = sign(digest_of(canonical(message)));
  if (!signature) return std::unexpected(signature.error());
  message.signature = *signature;
  return {};
}

Result<void> verify(const GroupMessage& message) {
  if (message.signature == crypto::Signature{}) return no_message("is not signed");
  return crypto::verify(message.sender, message.signature, digest_of(canonical(message)));
}

Result<void> open(GroupMessage& message, const crypto::AesKey* key) {
  if (!message.sealed()) return {};
  if (!key) return no_message("is sealed, and this group has no key");
  Result<Bytes> plain = crypto::open_aes_gcm(*key, message.nonce, message.ciphertext);
  if (!plain) return std::unexpected(plain.error());
  message.text = text(ByteView(*plain));
  return {};
}

std::string take_back_text(int64_t time_ns) {
  return json::serialize(json::object{{"skychat_delete", json::object{{"to_ts_nano", time_ns}}}});
}

std::optional<int64_t> parse_take_back(std::string_view text) {
  if (!text.starts_with("{\"skychat_delete\"")) return std::nullopt;
  Result<json::object> object = codec::parse_fields(text, "a group's message");
  if (!object || object->size() != 1) return std::nullopt;
  return codec::number_at<int64_t>(codec::object_at(*object, "skychat_delete"), "to_ts_nano");
}

std::string answer_text(const Answered& answered, std::string_view text) {
  return json::serialize(json::object{
      {"skychat_reply",
       json::object{{"to_pk", to_hex(answered.sender)}, {"to_ts_nano", answered.time_ns}, {"text", text}}}});
}

std::optional<Answered> parse_answer(std::string& text) {
  if (!text.starts_with("{\"skychat_reply\"")) return std::nullopt;
  Result<json::object> object = codec::parse_fields(text, "a group's message");
  if (!object || object->size() != 1) return std::nullopt;
  const json::object reply = codec::object_at(*object, "skychat_reply");
  const auto sender = key_member(reply, "to_pk");
  const auto time_ns = codec::number_at<int64_t>(reply, "to_ts_nano");
  const std::string_view said = codec::string_at(reply, "text");
  if (!sender || *sender == visor_key{} || !time_ns || said.empty()) return std::nullopt;
  text = std::string(said);
  return Answered{*sender, *time_ns};
}

std::string to_text(const MessagePath& path) {
  return "msgs/" + to_hex(path.sender) + "/" + std::to_string(path.time_ns) + "/" +
         std::to_string(path.number);
}

std::optional<MessagePath> parse_message_path(std::string_view text) {
  constexpr std::string_view kPrefix = "msgs/";
  constexpr size_t kKeyDigits = 66;
  if (!text.starts_with(kPrefix) || text.size() < kPrefix.size() + kKeyDigits + 4) return std::nullopt;
  const std::string_view hex = text.substr(kPrefix.size(), kKeyDigits);
  Result<visor_key> sender = key_from_hex(hex);
  std::string_view rest = text.substr(kPrefix.size() + kKeyDigits);
  if (!sender || to_hex(*sender) != hex || rest.front() != '/') return std::nullopt;
  rest.remove_prefix(1);
  const size_t slash = rest.find('/');
  if (slash == rest.npos) return std::nullopt;
  const auto time_ns = whole_number<int64_t>(rest.substr(0, slash));
  const auto number = whole_number<uint64_t>(rest.substr(slash + 1));
  if (!time_ns || !number) return std::nullopt;
  return MessagePath{*sender, *time_ns, *number};
}

}  // namespace visor::chat
