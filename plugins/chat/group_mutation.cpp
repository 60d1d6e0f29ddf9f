#include "group_mutation.hpp"

#include "group_text.hpp"
#include "lib/codec/endian.hpp"
#include "lib/codec/json_fields.hpp"

namespace visor::chat {
namespace {

namespace json = boost::json;

bool complete(const Mutation& mutation) {
  return !mutation.group.blank() && mutation.peer != visor_key{} && mutation.issuer != visor_key{} &&
         mutation.issued_ns > 0;
}

}  // namespace

Bytes canonical(const Mutation& mutation) {
  Bytes out{0x01, static_cast<uint8_t>(mutation.domain)};
  codec::append(out, mutation.group);
  out.push_back(static_cast<uint8_t>(mutation.op));
  codec::append(out, bytes(mutation.peer));
  codec::append_be<uint64_t>(out, 0);
  codec::append_be<uint64_t>(out, static_cast<uint64_t>(mutation.issued_ns));
  codec::append(out, bytes(mutation.issuer));
  return out;
}

std::string to_leaf(const Mutation& mutation) {
  return json::serialize(json::object{{"group_id", codec::to_text(mutation.group)},
                                      {"op", static_cast<int>(mutation.op)},
                                      {"peer_pk", to_hex(mutation.peer)},
                                      {"parent_seq", 0},
                                      {"issued_at", time_of_ns(mutation.issued_ns)},
                                      {"issuer_pk", to_hex(mutation.issuer)},
                                      {"signature", to_hex(mutation.signature)}});
}

Result<Mutation> parse_mutation(Domain domain, ByteView leaf) {
  if (leaf.size() > kMaxLeafBytes) return failure(VISOR_EPROTO, "a group's decision is larger than 128 KiB");
  Result<json::object> object = codec::parse_fields(text(leaf), "a group's decision");
  if (!object) return failure(VISOR_EPROTO, object.error().text);
  Mutation mutation;
  mutation.domain = domain;
  Result<codec::Uuid> group = codec::parse_uuid(text_member(*object, "group_id"));
  const auto peer = key_member(*object, "peer_pk"), issuer = key_member(*object, "issuer_pk");
  const auto issued_ns = time_member(*object, "issued_at");
  const auto signature = signature_member(*object, "signature");
  const json::value* op = member(*object, "op");
  const json::value* parent = member(*object, "parent_seq");
  if (!group || !peer || !issuer || !issued_ns || !signature) {
    return failure(VISOR_EPROTO, "a group's decision has a field that cannot be read");
  }
  if (parent && *parent != json::value(0))
    return failure(VISOR_EPROTO, "a group's decision has a parent; expected 0");
  if (!op || (*op != json::value(1) && *op != json::value(2))) {
    return failure(VISOR_EPROTO, "a group's decision is 1 or 2 (add or remove, promote or demote)");
  }
  mutation.group = *group;
  mutation.op = *op == json::value(1) ? Op::kAdd : Op::kRemove;
  mutation.peer = *peer;
  mutation.issuer = *issuer;
  mutation.issued_ns = *issued_ns;
  mutation.signature = *signature;
  if (!complete(mutation) || mutation.signature == crypto::Signature{}) {
    return failure(VISOR_EPROTO, "a group's decision lacks a required field");
  }
  return mutation;
}

Result<void> sign(Mutation& mutation, const Sign& sign) {
  if (!complete(mutation)) return failure(VISOR_EINVAL, "a group's decision lacks a required field");
  Result<crypto::Signature> signature = sign(digest_of(canonical(mutation)));
  if (!signature) return std::unexpected(signature.error());
  mutation.signature = *signature;
  return {};
}

Result<void> verify(const Mutation& mutation) {
  return crypto::verify(mutation.issuer, mutation.signature, digest_of(canonical(mutation)));
}

std::string mutation_path(Domain domain, uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  return (domain == Domain::kRoster ? "roster/" : "admin/") + digits;
}

std::optional<Domain> mutation_domain(std::string_view path) {
  if (path.starts_with("roster/")) return Domain::kRoster;
  if (path.starts_with("admin/")) return Domain::kAdmin;
  return std::nullopt;
}

}  // namespace visor::chat
