/* What a kept map tells in a plugin's status command. */
#ifndef VISOR_STORAGE_KEPT_MAP_REPORT_HPP
#define VISOR_STORAGE_KEPT_MAP_REPORT_HPP
#include <boost/json.hpp>

#include "lib/storage/kept_map.hpp"

namespace visor::storage {

inline boost::json::object report(const KeptMap& from) {
  const KeptMap::Counters& kept = from.counters();
  boost::json::object out{{"restored", kept.restored},
                          {"damaged", kept.damaged},
                          {"writes", kept.writes},
                          {"failed_writes", kept.failed_writes},
                          {"syncs", kept.syncs}};
  if (!from.problem().empty()) out["problem"] = from.problem();
  return out;
}

}  // namespace visor::storage
#endif  // VISOR_STORAGE_KEPT_MAP_REPORT_HPP
