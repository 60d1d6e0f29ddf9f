/* JSON from outside: bounds first, and errors that say where. */
#ifndef VISOR_KERNEL_JSON_HPP
#define VISOR_KERNEL_JSON_HPP
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <visor/value.hpp>

namespace visor::kernel {

inline constexpr size_t kMaxJsonBytes = 1u << 20;

/* VISOR_EINVAL: `<name>, line 3, column 14: ...`.  The value lives in `memory`. */
Result<boost::json::value> parse_json(std::string_view text, std::string_view name,
                                      boost::json::storage_ptr memory = {});

/* For texts that people write: VISOR_EINVAL where a name stands twice in an object, of which the parser keeps
 * the last without a word.  `json` is valid JSON. */
Result<void> refuse_repeated_names(std::string_view json, std::string_view name);

/* The value as it is written, cut to a length that fits into a sentence. */
std::string excerpt(const boost::json::value& value);

/* "plugins[2].config.interval_ms"; a key that is no identifier is quoted: `headers["x-y"]`. */
std::string join_path(std::string_view path, std::string_view key);
std::string join_path(std::string_view path, size_t index);

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_JSON_HPP
