/* What a drive's `status` command answers. */
#ifndef VISOR_STORAGE_DRIVE_STATUS_HPP
#define VISOR_STORAGE_DRIVE_STATUS_HPP
#include <visor/storage.hpp>

namespace visor::storage {

/* {"maps":[{"name":"feeds","stats":{...}}]}: the open maps by name, each with what its own stats() says. */
std::string status_json(const DriveProvider& drive);

}  // namespace visor::storage
#endif  // VISOR_STORAGE_DRIVE_STATUS_HPP
