#include "lib/codec/telemetry_path.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/seeded.hpp"

using namespace visor::codec;

namespace {

constexpr std::string_view kUuid = "f1983e71-1681-0bda-bb08-c8ac60f1d6ac";

LeafPath of_transport(std::string_view name) {
  return parse_leaf_path("transports/" + std::string(kUuid) + "/" + std::string(name));
}

}  // namespace

TEST_CASE("telemetry: each leaf is known by its path", "[telemetry][codec]") {
  CHECK(parse_leaf_path("tp-list").kind == LeafKind::kList);
  CHECK(parse_leaf_path("transports/list").kind == LeafKind::kOldList);
  CHECK(parse_leaf_path("transports/telemetry/meta").kind == LeafKind::kMeta);
  CHECK(parse_leaf_path("transports/telemetry/ended").kind == LeafKind::kEnded);
  for (uint8_t shard = 0; shard < 16; ++shard) {
    LeafPath path = parse_leaf_path(shard_path(shard));
    CHECK(path.kind == LeafKind::kShard);
    CHECK(path.shard == shard);
  }
  CHECK(shard_path(10) == "transports/telemetry/0a");
  CHECK(of_transport("current").kind == LeafKind::kCurrent);
  CHECK(of_transport("entry").kind == LeafKind::kEntry);
  CHECK(of_transport("tombstone").kind == LeafKind::kTombstone);
  LeafPath timeline = of_transport("2026-07-02/timeline");
  CHECK(timeline.kind == LeafKind::kTimeline);
  CHECK(date_text(timeline.date) == "2026-07-02");
  CHECK(to_uuid(timeline.id) == kUuid);
  CHECK(of_transport("2026-07-02/rollup").kind == LeafKind::kRollup);
}

TEST_CASE("telemetry: other paths are nobody's", "[telemetry][codec]") {
  for (const char* path :
       {"", "/", "tp-list/", "tp-listen", "transports", "transports/", "transports/telemetry",
        "transports/telemetry/", "transports/telemetry/10", "transports/telemetry/0F",
        "transports/telemetry/0", "transports/telemetry/00f", "transports/telemetry/metal",
        "transports/f1983e71-1681-0bda-bb08-c8ac60f1d6ac", "transports/f1983e71-1681-0bda-bb08-c8ac60f1d6ac/",
        "transports/f1983e71x1681-0bda-bb08-c8ac60f1d6ac/entry", "tiers/dmsg/2026-07-02",
        "services/visor/2026-07-02"}) {
    INFO(path);
    CHECK(parse_leaf_path(path).kind == LeafKind::kOther);
  }
  for (const char* name :
       {"Current", "current/", "2026-07-32/timeline", "2026-07-02/timelines", "2026-07-02/", "/"}) {
    INFO(name);
    CHECK(of_transport(name).kind == LeafKind::kOther);
  }
  visor::test::Seeded random(17);
  for (int i = 0; i < 2000; ++i) {
    std::string path = "transports/" + std::string(kUuid) + "/2026-07-02/timeline";
    path[random.below(path.size())] = static_cast<char>(random.below(256));
    path.resize(random.below(path.size() + 1));
    LeafPath parsed = parse_leaf_path(path);
    if (parsed.kind == LeafKind::kTimeline) CHECK(path.size() == 67);
  }
}
