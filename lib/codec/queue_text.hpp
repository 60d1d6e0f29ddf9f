/* queue_report.hpp for those who write JSON as text. */
#ifndef VISOR_CODEC_QUEUE_TEXT_HPP
#define VISOR_CODEC_QUEUE_TEXT_HPP
#include "lib/codec/telemetry_text.hpp"

namespace visor::codec {

inline std::string queue_text(uint64_t now, uint64_t limit) {
  return JsonObjectText().integer("now", now).integer("limit", limit).finish();
}

}  // namespace visor::codec
#endif  // VISOR_CODEC_QUEUE_TEXT_HPP
