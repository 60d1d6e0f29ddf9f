#include "lib/storage/drive_search.hpp"

namespace visor::storage {

void DriveSearch::find(const std::string& name, Found found) {
  if (auto* drive = host_.find<visor_drive>(VISOR_DRIVE_1, name.empty() ? nullptr : name.c_str())) {
    return found(drive);
  }
  names_.clear();
  // What cannot be watched has no names to tell; the error is the same.
  [[maybe_unused]] Result<void> watched =
      watch_.open(host_, VISOR_DRIVE_1, [this](std::string_view there, visor_drive* drive) {
        if (drive) names_ += (names_.empty() ? "'" : ", '") + std::string(there) + "'";
      });
  // A watch tells on a turn that was asked for before this one.
  tasks_.post([this, name, found = std::move(found)] {
    watch_.close();
    std::string why =
        name.empty() ? "a storage drive is needed" : "the storage drive '" + name + "' is named";
    why += names_.empty() ? ", and there is none; add a plugin such as storage_memory or storage_leveldb"
                          : ", and no instance has that name; drives here are " + names_;
    found(failure(VISOR_ENOENT, std::move(why)));
  });
}

}  // namespace visor::storage
