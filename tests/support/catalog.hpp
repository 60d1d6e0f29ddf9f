/* The plugins under test, from wherever this program takes them: shared objects, or linked in. */
#ifndef VISOR_TESTS_SUPPORT_CATALOG_HPP
#define VISOR_TESTS_SUPPORT_CATALOG_HPP
#include "kernel/catalog.hpp"

namespace visor::test {

/* Read once; the same for all kernels of the program. */
const kernel::Catalog& plugins();

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_CATALOG_HPP
