#include "lib/storage/drive_status.hpp"

#include "lib/codec/telemetry_text.hpp"

namespace visor::storage {

std::string status_json(const DriveProvider& drive) {
  std::string maps = "[";
  drive.each_open([&](std::string_view name, KvProvider& map) {
    visor_span stats{};
    if (map.stats(&stats) != VISOR_OK) stats = VISOR_TEXT("null");
    if (maps.size() > 1) maps += ',';
    maps += codec::JsonObjectText().text("name", name).json("stats", text(stats)).finish();
  });
  return codec::JsonObjectText().json("maps", maps + "]").finish();
}

}  // namespace visor::storage
