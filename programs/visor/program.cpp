#include "program.hpp"

#include <fmt/core.h>

#include <filesystem>

#include "kernel/native/key_file.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "table.hpp"

#include <sodium.h>

namespace visor::programs {

namespace fs = std::filesystem;

std::string beside_program(std::initializer_list<const char*> folders) {
  std::error_code failed;
  fs::path program = fs::read_symlink("/proc/self/exe", failed);
  for (const char* folder : folders) {
    fs::path candidate = (program.parent_path() / folder).lexically_normal();
    if (!failed && fs::is_directory(candidate)) return candidate.string();
  }
  return {};
}

Result<crypto::SecretKey> read_or_make_key(const std::string& file) {
  auto key = kernel::native::read_key_file(file);
  if (key || key.error().status != VISOR_ENOENT) return key;
  std::error_code failed;
  if (fs::path folder = fs::path(file).parent_path(); !folder.empty()) fs::create_directories(folder, failed);
  if (failed) return failure(VISOR_EIO, "cannot make the folder of " + file + ": " + failed.message());
  auto pair =
      crypto::random_key_pair([](std::span<uint8_t> out) { randombytes_buf(out.data(), out.size()); });
  if (!pair) return std::unexpected(pair.error());
  if (auto written = kernel::native::write_key_file(file, pair->secret); !written) {
    return std::unexpected(written.error());
  }
  fmt::print(stderr, "a new identity, {}, is in {}\n", to_hex(pair->key), file);
  return kernel::native::read_key_file(file);
}

int report(const Error& error) {
  fmt::print(stderr, "visor: {}\n", visible(error.text));
  return kFailed;
}

}  // namespace visor::programs
