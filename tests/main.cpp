#define CATCH_CONFIG_MAIN
#ifdef CATCH_CONFIG_DISABLE_EXCEPTIONS
#define CATCH_CONFIG_DISABLE_EXCEPTIONS_CUSTOM_HANDLER
/* Catch writes reports into files on demand.  Debian's libc++ for wasm hides the streams that it was built
 * without; as templates they work all the same. */
#include <version>
#undef _LIBCPP_HAS_NO_FILESYSTEM
#include <fstream>
template class std::basic_filebuf<char>;
template class std::basic_ifstream<char>;
template class std::basic_ofstream<char>;
#endif
#include <catch2/catch.hpp>

#ifdef CATCH_CONFIG_DISABLE_EXCEPTIONS
#include <cstdio>
#include <cstdlib>

/* A failed REQUIRE cannot leave its test case without exceptions, so it leaves the program.  Catch has
 * written what failed by then, but not flushed it. */
void Catch::throw_exception(std::exception const& e) {
  Catch::cout().flush();
  std::fflush(stdout);
  std::fprintf(stderr, "%s: the remaining tests of this program were not run\n", e.what());
  std::_Exit(EXIT_FAILURE);
}
#endif
