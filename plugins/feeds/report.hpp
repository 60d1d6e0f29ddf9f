/* What the commands of feeds show: JSON. */
#ifndef VISOR_FEEDS_REPORT_HPP
#define VISOR_FEEDS_REPORT_HPP
#include <boost/json.hpp>

#include "calls.hpp"

namespace visor::feeds {

/* As text if that is what it is, else in hex under another name ("value_hex"). */
void put_bytes(boost::json::object& to, std::string name, std::string_view bytes_or_text);

/* transfers: how many feeds are being written or read, of how many. */
std::string report_status(const Service& service, const Calls& calls, boost::json::object transfers,
                          Host host);
std::string report_list(const Service& service, Host host);
std::string report_peers(const Service& service, Host host);
/* Leaves of a feed's current Root; `more` is set when there are more than `limit`. */
Result<std::string> report_tree(const Readable& feed, std::string_view prefix, size_t limit);
Result<std::string> report_leaf(const Readable& feed, std::string_view path);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_REPORT_HPP
