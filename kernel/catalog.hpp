/* The plugins that a process can start, wherever they came from: linked in, or found in files
 * (native/loader.hpp). */
#ifndef VISOR_KERNEL_CATALOG_HPP
#define VISOR_KERNEL_CATALOG_HPP
#include <visor/command.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <visor/value.hpp>

namespace visor::kernel {

/* Row i of a plugin's commands; rows of a later release are longer than what is read of them. */
inline const visor_command& command_row(const visor_plugin& plugin, size_t i) {
  return *reinterpret_cast<const visor_command*>(reinterpret_cast<const std::byte*>(plugin.commands) +
                                                 i * plugin.command_size);
}

/* Filled once at the start of a program, then shared by all its kernels. */
class Catalog {
 public:
  struct Entry {
    const visor_plugin* plugin;
    std::string origin; /* "bundled", or the file */
  };
  /* What was found and is no use: named when a configuration asks for the plugin. */
  struct Refusal {
    std::string name; /* of the plugin, as far as it is known */
    std::string why;
  };

  /* Checks what a plugin says of itself: generation of the ABI, name, rows of commands.  VISOR_EINVAL says
   * which rule it breaks, VISOR_EEXIST that the name is taken.  symbol: the name in VISOR_PLUGIN(), which
   * must be the plugin's; empty where nobody knows it. */
  Result<void> add(const visor_plugin* plugin, std::string origin, std::string_view symbol = {});
  /* The table of visor/bundle.h; what add() refuses is kept among the refusals. */
  void add_bundle(const visor_plugin* const* table);
  void refuse(std::string name, std::string why);

  const Entry* find(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; } /* by name */
  const std::vector<Refusal>& refusals() const { return refusals_; }

 private:
  std::vector<Entry> entries_;
  std::vector<Refusal> refusals_;
};

}  // namespace visor::kernel
#endif  // VISOR_KERNEL_CATALOG_HPP
