/* The storage drive that a configuration names. */
#ifndef VISOR_STORAGE_DRIVE_SEARCH_HPP
#define VISOR_STORAGE_DRIVE_SEARCH_HPP
#include <visor/plugin.hpp>

namespace visor::storage {

/* One search at a time; it ends with its owner. */
class DriveSearch {
 public:
  using Found = std::function<void(Result<visor_drive*>)>;

  explicit DriveSearch(Host host) : host_(host), tasks_(host) {}

  /* name: an instance's; empty: whichever drive was offered first.  `found` runs inside of this call when the
   * drive is there, and otherwise on a later turn, with VISOR_ENOENT and the names of those that are. */
  void find(const std::string& name, Found found);

 private:
  Host host_;
  Tasks tasks_;
  std::string names_;
  Watch<visor_drive> watch_;
};

}  // namespace visor::storage
#endif  // VISOR_STORAGE_DRIVE_SEARCH_HPP
