#include "settlement.hpp"

#include "lib/codec/endian.hpp"

namespace visor::transports {
namespace {

constexpr size_t kMinJson = 2;

codec::LengthPrefixedReader json_reader() {
  return {codec::Prefix::kU32, kMinJson, codec::kMaxEntryJson};
}

void append_json(Bytes& out, const codec::SignedEntry& entry) {
  std::string json = codec::to_json(entry);
  codec::append_prefix(out, codec::Prefix::kU32, json.size());
  codec::append(out, bytes(json));
}

Result<void> sign_edge(codec::SignedEntry& entry, const visor_key& own, const Signer& sign) {
  auto signature = sign(codec::signing_hash(entry.entry));
  if (!signature) return std::unexpected(signature.error());
  entry.signatures[codec::edge_of(entry.entry, own)] = *signature;
  return {};
}

}  // namespace

/* --- the dialer ----------------------------------------------------------------------------- */

Proposal::Proposal(const visor_key& own, codec::TransportEntry entry)
    : entry_{std::move(entry), {}, 0}, own_(own), reader_(json_reader()) {}

Result<Bytes> Proposal::begin(const Signer& sign) {
  if (auto signature = sign_edge(entry_, own_, sign); !signature) return std::unexpected(signature.error());
  Bytes out;
  append_json(out, entry_);
  return out;
}

Result<bool> Proposal::receive(ByteView& input) {
  if (input.empty()) return false;
  if (!answered_) {
    if (auto read = read_answer(input[0]); !read) return std::unexpected(read.error());
    answered_ = true;
    input = input.subspan(1);
  }
  auto json = reader_.read(input);
  if (!json) return std::unexpected(json.error());
  if (!*json) return false;
  if (auto read = read_signed(**json); !read) return std::unexpected(read.error());
  return true;
}

Result<void> Proposal::read_answer(uint8_t answer) {
  switch (static_cast<Answer>(answer)) {
    case Answer::kOk:
      return {};
    case Answer::kFailure:
      return failure(VISOR_EPERM,
                     "the peer refused the transport: it has no room for it or does not want it");
    case Answer::kSignatureError:
      return failure(VISOR_EPERM, "the peer refused the transport: our signature does not hold for it");
    case Answer::kInvalidEntry:
      return failure(VISOR_EPERM,
                     "the peer refused the transport: its identifier, edges or type are others there");
  }
  return failure(VISOR_EPROTO, "the answer to a settlement is 0, 1, 2 or 3; got " + std::to_string(answer));
}

Result<void> Proposal::read_signed(ByteView json) {
  auto answer = codec::signed_entry_from_json(text(json));
  if (!answer) return std::unexpected(answer.error());
  if (answer->entry.id != entry_.entry.id) {
    return failure(VISOR_EPROTO, "the peer signed another transport, " + codec::to_uuid(answer->entry.id));
  }
  size_t own = codec::edge_of(entry_.entry, own_);
  if (answer->signatures[own] != entry_.signatures[own]) {
    return failure(VISOR_EPROTO, "the peer sent our signature back changed");
  }
  if (auto verified = codec::verify_edge(*answer, 1 - own); !verified) return verified;
  entry_.signatures[1 - own] = answer->signatures[1 - own];
  return {};
}

/* --- the acceptor --------------------------------------------------------------------------- */

Response::Response(const visor_key& own, const visor_key& peer, std::string_view type)
    : expected_(codec::make_transport_entry(own, peer, type, "")), own_(own), reader_(json_reader()) {}

std::unexpected<Error> Response::refuse(Answer answer, std::string why) {
  answer_ = answer;
  return failure(VISOR_EPROTO, std::move(why));
}

Result<bool> Response::receive(ByteView& input) {
  auto json = reader_.read(input);
  if (!json) return refuse(Answer::kInvalidEntry, json.error().text);
  if (!*json) return false;
  auto entry = codec::signed_entry_from_json(text(**json));
  if (!entry) return refuse(Answer::kInvalidEntry, entry.error().text);
  if (entry->entry.id != expected_.id) {
    return refuse(Answer::kInvalidEntry,
                  "expected an entry of transport " + codec::to_uuid(expected_.id) + " (" + expected_.type +
                      "), got one of " + codec::to_uuid(entry->entry.id) + " (" + entry->entry.type + ")");
  }
  size_t own = codec::edge_of(expected_, own_);
  if (auto verified = codec::verify_edge(*entry, 1 - own); !verified) {
    return refuse(Answer::kSignatureError, verified.error().text);
  }
  entry->signatures[own] = {};
  entry_ = std::move(*entry);
  return true;
}

Result<Bytes> Response::accept(const Signer& sign) {
  if (auto signature = sign_edge(entry_, own_, sign); !signature) return std::unexpected(signature.error());
  Bytes out{static_cast<uint8_t>(Answer::kOk)};
  append_json(out, entry_);
  return out;
}

}  // namespace visor::transports
