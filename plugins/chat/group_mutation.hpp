/* Decisions about a group, each signed by who made it (specification chat.md, 10.1 and 10.3).
 *
 *   path   roster/<number, 5 digits> | admin/<number>
 *   leaf   {"group_id","op","peer_pk","parent_seq","issued_at","issuer_pk","signature"}
 *
 * The signature is over SHA-256(SHA-256(canonical bytes)), 101 bytes:
 *   01 | domain | group (16) | op | peer (33) | parent_seq (u64 BE, 0) | issued_at ns (i64 BE) | issuer (33)
 *
 * The domain keeps a signed "add" from being replayed as a "promote"; those without are refused. */
#ifndef VISOR_CHAT_GROUP_MUTATION_HPP
#define VISOR_CHAT_GROUP_MUTATION_HPP
#include "group_message.hpp"
#include "lib/codec/uuid.hpp"

namespace visor::chat {

/* As numbered on the wire. */
enum class Domain : uint8_t { kRoster = 1, kAdmin = 2 };
/* Of the roster: add, remove; of admins: promote, demote. */
enum class Op : uint8_t { kAdd = 1, kRemove = 2 };

struct Mutation {
  Domain domain = Domain::kRoster;
  codec::Uuid group;
  Op op = Op::kAdd;
  visor_key peer{};
  int64_t issued_ns = 0;
  visor_key issuer{};
  crypto::Signature signature{};
};

Bytes canonical(const Mutation& mutation);
std::string to_leaf(const Mutation& mutation);
/* Of a path roster/ or admin/; VISOR_EPROTO for what is none, and for one with a field missing. */
Result<Mutation> parse_mutation(Domain domain, ByteView leaf);

/* VISOR_EINVAL when a field is missing. */
Result<void> sign(Mutation& mutation, const Sign& sign);
/* Whether the issuer signed it; whether the issuer may is for the group to say. */
Result<void> verify(const Mutation& mutation);

/* "roster/00001". */
std::string mutation_path(Domain domain, uint64_t number);
std::optional<Domain> mutation_domain(std::string_view path);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_MUTATION_HPP
