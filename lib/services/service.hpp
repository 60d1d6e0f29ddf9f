/* What a visor offers to anybody, as it is listed in a service directory: signed by whose it is, so that no
 * directory can change or invent one. */
#ifndef VISOR_SERVICES_SERVICE_HPP
#define VISOR_SERVICES_SERVICE_HPP
#include <map>
#include <optional>

#include "lib/dmsg/sign.hpp"

namespace visor::services {

inline constexpr std::string_view kVisor = "visor";     /* a visor that may be connected to */
inline constexpr std::string_view kSkychat = "skychat"; /* a public group */

/* A directory takes entries whose time is so far from its own clock, and no others. */
inline constexpr int64_t kMaxBehindMs = 300'000, kMaxAheadMs = 300'000;

inline constexpr size_t kMaxServiceJson = 8u << 10;
inline constexpr size_t kMaxAddresses = 8, kMaxMetadata = 16;

/* How a transport is made to it. */
struct Address {
  std::string type;    /* of the transport, canonical: "stcpr", "swsr" */
  std::string address; /* "tcp://192.0.2.1:7000", "ws://192.0.2.1:8080/skywire" */
  bool operator==(const Address&) const = default;
};

/* What tells services apart: a key offers at most one of each name. */
struct ServiceName {
  std::string type; /* [a-z][a-z0-9_-]*, at most 32 characters */
  visor_key key{};
  uint16_t port = 0;
  std::string id{}; /* of several behind one port, such as groups: [A-Za-z0-9_.-]*, at most 64 characters */

  /* "<key>:<port>". */
  std::string address() const { return to_hex(key) + ":" + std::to_string(port); }
  friend bool operator==(const ServiceName&, const ServiceName&) = default;
  friend auto operator<=>(const ServiceName&, const ServiceName&) = default;
};

struct Service {
  ServiceName name;
  std::string version{};                         /* of the program, at most 32 bytes */
  std::vector<Address> addresses{};              /* best first; none: only by its key, over a network */
  std::map<std::string, std::string> metadata{}; /* "name": "Kayaking"; shown, not interpreted */
  int64_t timestamp_ms = 0;                      /* Unix; a later one stands in place of an earlier */
  bool withdrawn = false;                        /* it is offered no more */
  crypto::Signature signature{};
  bool operator==(const Service&) const = default;
};

/* VISOR_EINVAL says what of it is not as described above. */
Result<void> validate(const Service& service);

/* Puts the signature on; VISOR_EINVAL if it is not valid. */
Result<void> sign(Service& service, const dmsg::Sign& sign);
/* VISOR_EPROTO if the signature is not of its key over this.
 *
 * Signed is SHA-256 of the text "visor.service/1" behind its length, then type, key (33 bytes), port
 * (u16), id, version, the number of addresses and each, the number of metadata and each, the time (i64),
 * whether it is withdrawn (one byte): little-endian, texts and numbers of elements behind a u32
 * (lib/codec/writer.hpp). */
Result<void> verify(const Service& service);

/* {"address":"<key>:<port>","type":"visor","id":"","version":"1.0","addresses":[{"type":"stcpr","address":
 * "tcp://..."}],"metadata":{"name":"..."},"timestamp_ms":1790000000000,"signature":"<130 hex>"}; "withdrawn"
 * only if true, "id", "version", "addresses" and "metadata" only if there are any. */
std::string to_json(const Service& service);
/* Whatever it says, signature unseen; other members are ignored.  VISOR_EPROTO; a parsed one is valid. */
Result<Service> parse_service(std::string_view text);
/* Of a JSON array, at most `most` bytes of it; those that are no services are left out. */
Result<std::vector<Service>> parse_services(std::string_view text, size_t most = 8u << 20);

/* "<key>:<port>". */
std::optional<std::pair<visor_key, uint16_t>> parse_address(std::string_view text);
bool valid_type(std::string_view type);
bool valid_id(std::string_view id);

}  // namespace visor::services
#endif  // VISOR_SERVICES_SERVICE_HPP
