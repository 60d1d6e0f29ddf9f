#include "kernel/native/key_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "lib/crypto/secp256k1.hpp"
#include "tests/support/scratch.hpp"

namespace visor::kernel::native {
namespace {

crypto::SecretKey some_key() {
  crypto::SecretKey key;
  for (size_t i = 0; i < 32; ++i) key.bytes()[i] = static_cast<uint8_t>(i + 1);
  return key;
}

}  // namespace

TEST_CASE("a key file is written whole, for its owner alone, and read back", "[kernel]") {
  test::Scratch scratch;
  std::string file = scratch.file("visor.key");
  REQUIRE(write_key_file(file, some_key()).has_value());
  CHECK(test::Scratch::read(file) == "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n");
  struct stat about{};
  REQUIRE(::stat(file.c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0600);
  CHECK(std::distance(std::filesystem::directory_iterator(scratch.path()), {}) ==
        1); /* nothing temporary stays */
  auto read = read_key_file(file);
  REQUIRE(read.has_value());
  CHECK(crypto::equal_constant_time(read->bytes(), some_key().bytes()));
}

TEST_CASE("a key is never overwritten", "[kernel]") {
  test::Scratch scratch;
  std::string file = scratch.write("visor.key", "precious");
  auto written = write_key_file(file, some_key());
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().status == VISOR_EEXIST);
  CHECK(written.error().text ==
        file + ": is there already; a key is never overwritten, so choose another name");
  CHECK(test::Scratch::read(file) == "precious");
  CHECK(write_key_file(scratch.file("no/such/folder"), some_key()).error().status == VISOR_ENOENT);
}

TEST_CASE("a key file that others may read, or that holds no key, is refused", "[kernel]") {
  test::Scratch scratch;
  std::string file = scratch.write("visor.key", std::string(64, '1'));
  for (mode_t mode : {0640, 0604, 0660, 0610, 0601}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    auto read = read_key_file(file);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().status == VISOR_EPERM);
    CHECK(read.error().text ==
          file + ": others than its owner may use this key file; make it yours alone with `chmod 600 " +
              file + "`");
  }
  REQUIRE(::chmod(file.c_str(), 0400) == 0);
  CHECK(read_key_file(file).has_value());

  std::string junk = scratch.write("junk.key", std::string(100000, 'j'));
  REQUIRE(::chmod(junk.c_str(), 0600) == 0);
  CHECK(read_key_file(junk).error().text ==
        junk + ": expected a secret key, 64 hex digits; got 256 characters");
  CHECK(read_key_file(scratch.path().string()).error().text ==
        scratch.path().string() + ": a key file is a regular file, and this is not");
  std::string absent = scratch.file("absent.key");
  CHECK(read_key_file(absent).error().text ==
        absent + ": there is no such key file; make one with `visor keygen " + absent + "`");
  std::string pipe = scratch.file("pipe.key");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read_key_file(pipe).error().status == VISOR_EINVAL); /* and does not wait for a writer */
}

}  // namespace visor::kernel::native
