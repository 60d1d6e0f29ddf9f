#include "envelope.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "lib/codec/endian.hpp"
#include "lib/codec/json_fields.hpp"
#include "lib/codec/length_prefixed.hpp"
#include "lib/codec/telemetry_text.hpp"
#include "plain_json.hpp"

namespace visor::chat {
namespace {

constexpr std::array<std::string_view, 4> kTypes = {"chat-msg", "chat-ack", "chat-read", "chat-delete"};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  return first == text.npos ? std::string_view()
                            : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/* A message or a receipt just as encode() writes it.  Nothing for any other. */
std::optional<Envelope> parse_plain(std::string_view text) {
  PlainJson plain(text);
  const auto type = std::ranges::find(kTypes, plain.quoted(R"({"type":")"));
  if (type == kTypes.end()) return std::nullopt;
  Envelope envelope;
  envelope.type = static_cast<Envelope::Type>(type - kTypes.begin());
  envelope.id = plain.quoted(R"(,"id":")");
  if (plain.take(R"(,"body":)")) envelope.body = plain.quoted("\"");
  envelope.ack = plain.take(R"(,"ack":true)");
  if (plain.take(R"(,"reply_to":)")) envelope.reply_to = plain.quoted("\"");
  return plain.finish("}") ? std::optional(std::move(envelope)) : std::nullopt;
}

}  // namespace

std::string encode(const Envelope& envelope) {
  codec::JsonObjectText out;
  out.text("type", kTypes[static_cast<size_t>(envelope.type)]).text("id", envelope.id);
  if (!envelope.body.empty()) out.text("body", envelope.body);
  if (envelope.ack) out.boolean("ack", true);
  if (!envelope.reply_to.empty()) out.text("reply_to", envelope.reply_to);
  return out.finish();
}

std::optional<Envelope> parse_envelope(std::string_view payload) {
  const std::string_view text = trimmed(payload);
  if (!text.starts_with('{')) return std::nullopt;
  if (auto plain = parse_plain(text)) return plain;
  Result<boost::json::object> object = codec::parse_fields(text, "an envelope");
  if (!object) return std::nullopt;
  const auto type = std::ranges::find(kTypes, codec::string_at(*object, "type"));
  if (type == kTypes.end()) return std::nullopt;
  Envelope envelope;
  envelope.type = static_cast<Envelope::Type>(type - kTypes.begin());
  codec::read_field(*object, "id", envelope.id);
  codec::read_field(*object, "body", envelope.body);
  codec::read_field(*object, "ack", envelope.ack);
  codec::read_field(*object, "reply_to", envelope.reply_to);
  return envelope;
}

Result<void> append_frame(Bytes& to, std::string_view payload) {
  if (payload.empty()) return failure(VISOR_EINVAL, "a chat frame holds 1 to 65536 bytes; got an empty one");
  if (payload.size() > kMaxPayloadBytes) {
    return failure(VISOR_EINVAL, "a chat frame holds 1 to 65536 bytes; got " +
                                     std::to_string(payload.size()) + "; shorten it");
  }
  codec::append_prefix(to, codec::Prefix::kU32, payload.size());
  codec::append(to, bytes(payload));
  return {};
}

}  // namespace visor::chat
