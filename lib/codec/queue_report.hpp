/* How full a bounded queue is, as every plugin's status command shows it. */
#ifndef VISOR_CODEC_QUEUE_REPORT_HPP
#define VISOR_CODEC_QUEUE_REPORT_HPP
#include <boost/json.hpp>
#include <cstdint>

namespace visor::codec {

inline boost::json::object queue_report(uint64_t now, uint64_t limit) {
  return {{"now", now}, {"limit", limit}};
}

}  // namespace visor::codec
#endif  // VISOR_CODEC_QUEUE_REPORT_HPP
