#include "kernel/native/loader.hpp"
#include "program.hpp"

namespace visor::programs {

Result<void> fill_catalog(kernel::Catalog& catalog, const Options& options) {
  std::string folder = options.plugin_dir;
  if (folder.empty()) folder = beside_program({"../lib/visor", "../../plugins"});
  if (folder.empty()) {
    return failure(VISOR_ENOENT,
                   "no plugins lie beside this program; say where they are with --plugin-dir FOLDER");
  }
  return kernel::native::load_directory(catalog, folder);
}

}  // namespace visor::programs
