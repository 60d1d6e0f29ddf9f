/* The catalog of all plugins, linked into the target. */
#ifndef VISOR_TESTS_FUZZ_BUNDLE_HPP
#define VISOR_TESTS_FUZZ_BUNDLE_HPP
#include <visor/bundle.h>

#include "kernel/catalog.hpp"
#include "tests/fuzz/target.hpp"

namespace visor::test {

inline const kernel::Catalog& bundled_plugins() {
  static const kernel::Catalog catalog = [] {
    kernel::Catalog out;
    out.add_bundle(visor_bundle);
    must(out.refusals().empty() && !out.entries().empty(), "every bundled plugin is taken");
    return out;
  }();
  return catalog;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_FUZZ_BUNDLE_HPP
