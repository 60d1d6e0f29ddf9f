// Plugins in files: what the loader takes, and the sentence for each thing that it refuses.
#include <elf.h>

#include <cstring>

#include "kernel/native/loader.hpp"

#include <catch2/catch.hpp>

#include "tests/support/scratch.hpp"
#include "tests/unit/kernel/plugins.hpp"

namespace visor::kernel::native {
namespace {

std::string module(const std::string& name) {
  return std::string(VISOR_TEST_MODULES) + "/visor-" + name + ".so";
}

/* What is said of the file, without the file's own name before it. */
std::string refusal(const std::string& file) {
  Catalog catalog;
  auto loaded = load_plugin(catalog, file);
  CHECK(catalog.entries().empty());
  REQUIRE_FALSE(loaded.has_value());
  REQUIRE(loaded.error().text.starts_with(file + ": "));
  return loaded.error().text.substr(file.size() + 2);
}

}  // namespace

TEST_CASE("symbols are read without running a line of the file", "[kernel]") {
  ::unsetenv("VISOR_TEST_MODULE_RAN");
  CHECK(scan_plugin(module("good")).value() == std::vector<std::string>{"good"});
  CHECK(scan_plugin(module("misnamed")).value() == std::vector<std::string>{"other"});
  CHECK(scan_plugin(module("nothing")).value().empty());
  CHECK(
      refusal(module("misnamed")) ==
      "defines visor_plugin_other, expected visor_plugin_misnamed; file and plugin must have the same name");
  CHECK(refusal(module("nothing")) ==
        "exports no plugin; expected the symbol visor_plugin_nothing, which VISOR_PLUGIN() makes");
  CHECK(::getenv("VISOR_TEST_MODULE_RAN") == nullptr);
}

TEST_CASE("a plugin is loaded and stays", "[kernel]") {
  Catalog catalog;
  REQUIRE(load_plugin(catalog, module("good")).has_value());
  CHECK(::getenv("VISOR_TEST_MODULE_RAN") != nullptr);
  const Catalog::Entry* entry = catalog.find("good");
  REQUIRE(entry != nullptr);
  CHECK(entry->origin == module("good"));
  CHECK(std::string(entry->plugin->version) == "1.0.0");
  CHECK(load_plugin(catalog, module("good")).error().text ==
        module("good") + ": plugin good is already there, from " + module("good"));
  Catalog again;
  REQUIRE(load_plugin(again, module("good")).has_value());
  CHECK(again.find("good")->plugin == entry->plugin);
}

TEST_CASE("what a plugin says of itself is checked", "[kernel]") {
  CHECK(refusal(module("wrong_abi")) ==
        "built for generation 7 of the plugin ABI; this program serves 1: build the plugin against this "
        "program's SDK");
  CHECK(refusal(module("small")) == "its description has 16 bytes; expected at least " +
                                        std::to_string(sizeof(visor_plugin)) +
                                        ": begin it with VISOR_PLUGIN_HEAD");
  CHECK(refusal(module("two_names")) ==
        R"(its .name is "another"; expected "two_names", as in VISOR_PLUGIN(two_names))");
  CHECK(refusal(module("bad_row")) == "command 1 of plugin bad_row, one, is there twice");
  std::string unresolved = refusal(module("unresolved"));
  CHECK(unresolved.starts_with("cannot be loaded: "));
  CHECK(unresolved.find("nobody_defines_this") != std::string::npos);
}

TEST_CASE("files that are no shared objects are told apart", "[kernel]") {
  test::Scratch scratch;
  CHECK(refusal(scratch.file("visor-absent.so")) == "there is no such file");
  CHECK(refusal(scratch.path().string()) == "not a file");
  CHECK(refusal(scratch.write("visor-text.so", "int main() {}")) ==
        "not a shared object (it does not begin as an ELF file does)");
  CHECK(refusal(scratch.write("visor-empty.so", "")) ==
        "not a shared object (it does not begin as an ELF file does)");
  CHECK(refusal(scratch.write("visor-magic.so",
                              "\x7f"
                              "ELF"))
            .starts_with("its symbols cannot be read: "));

  std::string good = test::Scratch::read(module("good"));
  scratch.write("renamed.so", good);
  CHECK(refusal(scratch.file("renamed.so")) == "defines visor_plugin_good; name the file visor-good.so");
}

TEST_CASE(
    "a shared object cut off anywhere, or with a changed byte, is refused or loaded, never fatal to read",
    "[kernel]") {
  test::Scratch scratch;
  std::string good = test::Scratch::read(module("good"));
  REQUIRE(good.size() > 4096);
  for (size_t size = 0; size < good.size(); size += 1 + good.size() / 97) {
    auto names = scan_plugin(scratch.write("visor-cut.so", good.substr(0, size)));
    if (!names) CHECK_FALSE(names.error().text.empty());
  }
  for (size_t at = 0; at < 64; ++at) { /* the ELF header: offsets and counts of everything else */
    std::string changed = good;
    changed[at] = '\xff';
    auto names = scan_plugin(scratch.write("visor-changed.so", changed));
    if (!names) CHECK_FALSE(names.error().text.empty());
  }
}

TEST_CASE("nothing is allocated for tables that a file only claims to have", "[kernel]") {
  test::Scratch scratch;
  const std::string good = test::Scratch::read(module("good"));
  Elf64_Ehdr head;
  std::memcpy(&head, good.data(), sizeof head);
  REQUIRE(head.e_shnum > 5);
  size_t refused = 0;
  for (size_t section = 0; section < head.e_shnum; ++section) {
    for (size_t field : {offsetof(Elf64_Shdr, sh_offset), offsetof(Elf64_Shdr, sh_size)}) {
      std::string changed = good;
      changed.replace(head.e_shoff + section * sizeof(Elf64_Shdr) + field, 8,
                      "\xff\xff\xff\xff\xff\xff\xff\x7f");
      auto names = scan_plugin(scratch.write("visor-claims.so", changed));
      if (names) continue;
      CHECK(names.error().text.ends_with("is beyond the end of the file"));
      ++refused;
    }
  }
  CHECK(refused == 4);  // the dynamic symbols and their names
}

TEST_CASE("a folder gives what can be used, and remembers why the rest cannot", "[kernel]") {
  Catalog catalog;
  REQUIRE(load_directory(catalog, VISOR_TEST_MODULES).has_value());
  REQUIRE(catalog.entries().size() == 1);
  CHECK(catalog.entries()[0].plugin->name == std::string("good"));
  REQUIRE(catalog.refusals().size() == 7);
  CHECK(catalog.refusals()[0].name == "bad_row");
  CHECK(catalog.refusals()[6].name == "wrong_abi");
  CHECK(load_directory(catalog, "/no/such/folder")
            .error()
            .text.starts_with("/no/such/folder: no folder of plugins: "));

  test::SimWorld world(1);
  test::NodeOptions options;
  options.catalog = &catalog;
  auto started = world.make("a", R"({"plugins":[{"plugin":"wrong_abi"}]})", std::move(options)).start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().text.find("plugins[0].plugin: wrong_abi is no use: ") != std::string::npos);
}

TEST_CASE("the same plugin linked in and in a file is told", "[kernel]") {
  Catalog catalog;
  REQUIRE(load_plugin(catalog, module("good")).has_value());
  const visor_plugin* table[] = {catalog.find("good")->plugin, nullptr};
  catalog.add_bundle(table);
  REQUIRE(catalog.refusals().size() == 1);
  CHECK(catalog.refusals()[0].why == "bundled: plugin good is already there, from " + module("good"));
}

}  // namespace visor::kernel::native
