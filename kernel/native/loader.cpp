#include "kernel/native/loader.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <filesystem>

#include "kernel/native/elf_symbols.hpp"

namespace visor::kernel::native {
namespace {

namespace fs = std::filesystem;
namespace dll = boost::dll;

constexpr std::string_view kFilePrefix = "visor-", kFileSuffix = ".so", kSymbolPrefix = "visor_plugin_";

std::string plugin_name(const fs::path& file) {
  std::string name = file.filename().string();
  if (!name.starts_with(kFilePrefix) || !name.ends_with(kFileSuffix)) return "";
  return name.substr(kFilePrefix.size(), name.size() - kFilePrefix.size() - kFileSuffix.size());
}

std::string symbols(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    out.append(kSymbolPrefix).append(name);
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> scan_plugin(const std::string& file) {
  auto names = exported_symbols(file, kSymbolPrefix);
  if (!names) return failure(names.error().status, file + ": " + names.error().text);
  for (std::string& name : *names) name.erase(0, kSymbolPrefix.size());
  return names;
}

Result<void> load_plugin(Catalog& catalog, const std::string& file) {
  auto names = scan_plugin(file);
  if (!names) return std::unexpected(names.error());
  std::string name = plugin_name(file);
  if (names->empty()) {
    return failure(VISOR_EINVAL, file + ": exports no plugin; expected the symbol " +
                                     symbols({name.empty() ? "<name>" : name}) +
                                     ", which VISOR_PLUGIN() makes");
  }
  if (name.empty()) {
    return failure(VISOR_EINVAL, file + ": defines " + symbols(*names) + "; name the file " +
                                     std::string(kFilePrefix) + names->front() + std::string(kFileSuffix));
  }
  if (std::ranges::find(*names, name) == names->end()) {
    return failure(VISOR_EINVAL, file + ": defines " + symbols(*names) + ", expected " + symbols({name}) +
                                     "; file and plugin must have the same name");
  }
  try {
    // The last flag keeps the code when the handle goes: what a plugin leaves to the end of its threads, or
    // of the process, is still called then.
    auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local |
                static_cast<dll::load_mode::type>(RTLD_NODELETE);
    dll::shared_library library(fs::absolute(file), mode);
    return catalog.add(&library.get<const visor_plugin>(std::string(kSymbolPrefix) + name), file, name);
  } catch (const std::exception& e) {
    return failure(VISOR_EIO, file + ": cannot be loaded: " + e.what());
  }
}

Result<void> load_directory(Catalog& catalog, const std::string& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) return failure(VISOR_ENOENT, directory + ": no folder of plugins: " + error.message());
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : entries) {
    if (!plugin_name(entry.path()).empty()) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  for (const std::string& file : files) {
    if (auto loaded = load_plugin(catalog, file); !loaded)
      catalog.refuse(plugin_name(file), loaded.error().text);
  }
  return {};
}

}  // namespace visor::kernel::native
