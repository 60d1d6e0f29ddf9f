#include <visor/bundle.h>

#include "kernel/native/loader.hpp"
#include "program.hpp"

namespace visor::programs {

Result<void> fill_catalog(kernel::Catalog& catalog, const Options& options) {
  catalog.add_bundle(visor_bundle);
  if (options.plugin_dir.empty()) return {};
  return kernel::native::load_directory(catalog, options.plugin_dir);
}

}  // namespace visor::programs
