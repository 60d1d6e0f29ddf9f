/* The discovery's answers that are lists. */
#ifndef VISOR_DMSG_DISCOVERY_LISTS_HPP
#define VISOR_DMSG_DISCOVERY_LISTS_HPP
#include "api.hpp"

namespace visor::dmsg_discovery {

inline constexpr size_t kMaxListedServers = 512;
inline constexpr size_t kMaxBatch = 1000; /* keys of one question */

/* Servers with room, the most of it first; those with as much by their keys. */
ApiAnswer available_servers(const Book& book, int64_t now_ns);
ApiAnswer all_servers(const Book& book, int64_t now_ns);
/* Keys of clients; of visors alone. */
ApiAnswer client_keys(const Book& book, bool visors_only, int64_t now_ns);
/* The entries of a list of keys, those that there are, by their keys. */
ApiAnswer entries_batch(const Book& book, std::string_view body, int64_t now_ns);
/* The clients of each server, or of one. */
ApiAnswer clients_by_server(const Book& book, const visor_key* only, int64_t now_ns);

}  // namespace visor::dmsg_discovery
#endif  // VISOR_DMSG_DISCOVERY_LISTS_HPP
