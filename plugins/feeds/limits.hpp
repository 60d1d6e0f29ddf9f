/* Bounds of the formats (specification cxo.md, section 12) and of what one feed may make us hold. */
#ifndef VISOR_FEEDS_LIMITS_HPP
#define VISOR_FEEDS_LIMITS_HPP
#include <cstddef>
#include <cstdint>

namespace visor::feeds {

inline constexpr uint16_t kProtocolVersion = 3;
inline constexpr size_t kMaxObjectBytes = 16u << 20;
inline constexpr size_t kMaxFrameBytes = 64u << 20;

inline constexpr uint32_t kListDegree = 16;  // of the lists that we write
inline constexpr uint32_t kMinListDegree = 2;
inline constexpr uint32_t kMaxListDegree = 1024;
inline constexpr uint32_t kMaxListDepth = 31;  // 2^32 items at the least degree

/* The specification gives no bound for these; ours holds on writing and on reading. */
inline constexpr size_t kMaxPathBytes = 4096;
inline constexpr size_t kMaxPathSegments = 64;

/* What one feed of somebody else may make us do and keep. */
struct FeedLimits {
  uint64_t max_objects = 4u << 20;          // of one Root
  uint64_t max_bytes = uint64_t{1} << 30;   // of one Root's objects
  uint64_t max_steps = uint64_t{16} << 20;  // of a walk: a small graph can name a leaf by very many paths
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_LIMITS_HPP
