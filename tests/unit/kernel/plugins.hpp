/* Plugins made for the kernel's own tests, in a catalog of their own. */
#ifndef VISOR_TESTS_UNIT_KERNEL_PLUGINS_HPP
#define VISOR_TESTS_UNIT_KERNEL_PLUGINS_HPP
#include <string>
#include <vector>
#include <visor/plugin.hpp>

#include "kernel/catalog.hpp"
#include "tests/support/world.hpp"

namespace visor::test {

/* echo, provider (offers test.thing/1), consumer (needs it), watcher, failing, slow, careless. */
const kernel::Catalog& test_plugins();

inline NodeOptions with_test_plugins() {
  NodeOptions options;
  options.catalog = &test_plugins();
  return options;
}

/* What the test plugins' instances did, in order: "start a", "stop a", "gone a". */
std::vector<std::string>& history();

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_KERNEL_PLUGINS_HPP
