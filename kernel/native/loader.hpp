/* Plugins in files: visor-<name>.so, each exporting the one symbol visor_plugin_<name>. */
#ifndef VISOR_KERNEL_NATIVE_LOADER_HPP
#define VISOR_KERNEL_NATIVE_LOADER_HPP
#include <string>
#include <vector>

#include "kernel/catalog.hpp"

namespace visor::kernel::native {

/* The plugin names that a file's exported symbols announce, read without running any of its code.
 * Errors: see exported_symbols(), with the file's name in front. */
Result<std::vector<std::string>> scan_plugin(const std::string& file);

/* Reads the symbols, loads the file for good (it is never unloaded), and adds its plugin to the catalog. */
Result<void> load_plugin(Catalog& catalog, const std::string& file);

/* Every visor-*.so of a folder, by name; what cannot be loaded is kept among the catalog's refusals.
 * VISOR_ENOENT: no such folder. */
Result<void> load_directory(Catalog& catalog, const std::string& directory);

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_LOADER_HPP
