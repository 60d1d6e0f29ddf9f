/* Where telemetry's leaves are on a visor's feed (specification telemetry.md, 2 and 3.4). */
#ifndef VISOR_CODEC_TELEMETRY_PATH_HPP
#define VISOR_CODEC_TELEMETRY_PATH_HPP
#include "lib/codec/telemetry_time.hpp"
#include "lib/codec/transport_id.hpp"

namespace visor::codec {

/* At the top, so that it is in the first page of the tree. */
inline constexpr std::string_view kListPath = "tp-list";
inline constexpr std::string_view kOldListPath = "transports/list";
inline constexpr std::string_view kShardPrefix = "transports/telemetry/";
inline constexpr std::string_view kMetaPath = "transports/telemetry/meta";
/* Our own: as the list, transports that have closed and whose last counters are in the shards still; who was
 * away while one lived learns here whose it was. */
inline constexpr std::string_view kEndedPath = "transports/telemetry/ended";

enum class LeafKind : uint8_t {
  kOther,
  kList,      /* tp-list */
  kOldList,   /* transports/list */
  kShard,     /* transports/telemetry/<sh> */
  kMeta,      /* transports/telemetry/meta */
  kEnded,     /* transports/telemetry/ended */
  kCurrent,   /* transports/<uuid>/current */
  kEntry,     /* transports/<uuid>/entry */
  kTombstone, /* transports/<uuid>/tombstone */
  kTimeline,  /* transports/<uuid>/<date>/timeline */
  kRollup     /* transports/<uuid>/<date>/rollup */
};

struct LeafPath {
  LeafKind kind = LeafKind::kOther;
  uint8_t shard = 0; /* of kShard */
  UnixDay date = 0;  /* of kTimeline and kRollup */
  TransportId id{};  /* of the leaves about one transport */
};

/* What is at a path; kOther for every path that is none of these. */
LeafPath parse_leaf_path(std::string_view path);

/* "transports/telemetry/0f" */
std::string shard_path(uint8_t shard);

}  // namespace visor::codec
#endif  // VISOR_CODEC_TELEMETRY_PATH_HPP
