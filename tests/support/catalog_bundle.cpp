#include <visor/bundle.h>

#include <cstdio>
#include <cstdlib>

#include "tests/support/catalog.hpp"

namespace visor::test {

const kernel::Catalog& plugins() {
  static const kernel::Catalog catalog = [] {
    kernel::Catalog out;
    out.add_bundle(visor_bundle);
    for (const auto& refusal : out.refusals()) std::fprintf(stderr, "%s\n", refusal.why.c_str());
    if (!out.refusals().empty()) std::abort();
    return out;
  }();
  return catalog;
}

}  // namespace visor::test
