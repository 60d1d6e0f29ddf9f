/* What the commands of feeds show: JSON. */
#ifndef VISOR_FEEDS_REPORT_HPP
#define VISOR_FEEDS_REPORT_HPP
#include <boost/json.hpp>

#include "service.hpp"

namespace visor::feeds {

std::string report_status(const Service& service, Host host);
std::string report_list(const Service& service, Host host);
std::string report_peers(const Service& service, Host host);
/* Leaves of a feed's current Root; `more` is set when there are more than `limit`. */
Result<std::string> report_tree(Feed& feed, std::string_view prefix, size_t limit);
Result<std::string> report_leaf(Feed& feed, std::string_view path);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_REPORT_HPP
