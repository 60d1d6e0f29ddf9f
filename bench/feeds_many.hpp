/* Very many feeds of one leaf each, over few connections, in one process. */
#ifndef VISOR_BENCH_FEEDS_MANY_HPP
#define VISOR_BENCH_FEEDS_MANY_HPP
#include <cstddef>
#include <string>
#include <vector>

namespace visor::bench {

/* Megabytes that a visor has resident once it has all that many feeds over so many connections. */
double many_feeds_mb(const std::string& program, size_t feeds, size_t connections);

/* The children: visors that have all these feeds, and the one that follows them.  `words`: all arguments. */
void serve_many(const std::vector<std::string>& words);
void follow_many(const std::vector<std::string>& words);

}  // namespace visor::bench
#endif  // VISOR_BENCH_FEEDS_MANY_HPP
