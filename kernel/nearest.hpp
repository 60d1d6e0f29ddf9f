/* "Did you mean": the known name that is nearest to one that somebody typed. */
#ifndef VISOR_KERNEL_NEAREST_HPP
#define VISOR_KERNEL_NEAREST_HPP
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace visor::kernel {

/* Fewest insertions, deletions, replacements and swaps of neighbours; empty when none is near enough to be
 * meant. */
std::string_view nearest(std::string_view typed, std::span<const std::string> known);

/* `did you mean "interval_ms"?`, or `known are "a", "b"`, or `none is known`. */
std::string suggestion(std::string_view typed, const std::vector<std::string>& known);

/* `"a", "b"` */
std::string quoted_list(const std::vector<std::string>& names);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_NEAREST_HPP
