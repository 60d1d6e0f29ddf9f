/* Entries of a discovery: who can be reached through which servers, and where servers are (specification
 * dmsg.md, section 3.1).  Signed by whom they are about. */
#ifndef VISOR_DMSG_ENTRY_HPP
#define VISOR_DMSG_ENTRY_HPP
#include <optional>

#include "lib/dmsg/sign.hpp"

namespace visor::dmsg {

inline constexpr size_t kMaxEntryJson = 64u << 10; /* bytes */

struct ClientPart {
  /* Servers that the client has sessions with; nothing prints as null, which is not the same entry as []. */
  std::optional<std::vector<visor_key>> delegated_servers;
  bool operator==(const ClientPart&) const = default;
};

/* Empty texts, a `dht_bootstrap` that is false and a `server_type` that is empty are not in the JSON. */
struct ServerPart {
  std::string address; /* "host:port" of TCP */
  std::string address_v6, address_udp, address_udp_v6;
  std::string address_ws;         /* a whole address: "ws://host:port/dmsg" */
  int64_t available_sessions = 0; /* its most sessions less the open ones; old servers go below 0 */
  std::string server_type;        /* "official", "community"; the discovery sets it */
  bool dht_bootstrap = false;
  bool operator==(const ServerPart&) const = default;
};

struct Entry {
  std::string version = "0.0.1";
  uint64_t sequence = 0;
  int64_t timestamp_ns = 0; /* Unix */
  visor_key key{};
  std::optional<ClientPart> client;
  std::string client_type; /* "visor" */
  std::optional<ServerPart> server;
  std::string signature; /* 130 hex digits */
  std::string protocol;  /* of the sessions, where it is not yamux */
  bool operator==(const Entry&) const = default;
};

/* The JSON that is signed: compact, its fields in one order, without the signature. */
std::string canonical(const Entry& entry);
/* The same with the signature, as it is sent and stored. */
std::string to_json(const Entry& entry);

/* Reads JSON in any order; members that are not an entry's are passed over.  VISOR_EPROTO for what cannot be
 * one: too large, not JSON, a member of another type, a key that is not a point on the curve.  A key of zeros
 * is read as it is, and an entry that lacks what it must have is read too: see validate(). */
Result<Entry> parse_entry(std::string_view json);
/* Those of a list that can be read: one that cannot must not hide the others. */
Result<std::vector<Entry>> parse_entries(std::string_view json);

/* A public key in hex as discoveries read it: 66 zeros, and no text at all, are the null key; anything else
 * must be a point on the curve.  VISOR_EINVAL. */
Result<visor_key> parse_key(std::string_view hex);

/* What an entry must have; the texts are those that discoveries answer with. */
Result<void> validate(const Entry& entry);

/* Signs the canonical form. */
Result<void> sign(Entry& entry, const Sign& sign);
/* Whether the signature is that of entry.key; VISOR_EPROTO. */
Result<void> verify(const Entry& entry);

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_ENTRY_HPP
