#include <cstdio>
#include <cstdlib>

#include "kernel/native/loader.hpp"
#include "tests/support/catalog.hpp"

namespace visor::test {

const kernel::Catalog& plugins() {
  static const kernel::Catalog catalog = [] {
    kernel::Catalog out;
    auto loaded = kernel::native::load_directory(out, VISOR_TEST_PLUGIN_DIR);
    if (!loaded) std::fprintf(stderr, "%s\n", loaded.error().text.c_str());
    for (const auto& refusal : out.refusals()) std::fprintf(stderr, "%s\n", refusal.why.c_str());
    if (!loaded || !out.refusals().empty()) std::abort();
    return out;
  }();
  return catalog;
}

}  // namespace visor::test
