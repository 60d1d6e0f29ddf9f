#include "check/native/strict.hpp"

#include <cstddef>

namespace visor::check {
namespace {

/* Functions of an interface's first release; the table begins with size and caps. */
size_t first_functions(std::string_view id) {
  auto functions = [](size_t size) { return (size - 2 * sizeof(uint32_t)) / sizeof(void (*)()); };
  if (id == VISOR_DRIVE_1) return functions(sizeof(visor_drive_api));
  if (id == VISOR_NET_1) return functions(sizeof(visor_net_api));
  if (id == VISOR_SOCKETS_1) return functions(sizeof(visor_sockets_api));
  if (id == VISOR_FETCH_1) return functions(sizeof(visor_fetch_api));
  if (id == VISOR_TRANSPORTS_1) return functions(sizeof(visor_transports_api));
  if (id == VISOR_HTTP_1) return functions(sizeof(visor_http_api));
  if (id == VISOR_FEEDS_1) return functions(sizeof(visor_feeds_api));
  if (id == VISOR_IDENTITY_1) return functions(sizeof(visor_identity_api));
  return 0;
}

}  // namespace

std::string table_fault(std::string_view id, const void* object) {
  size_t functions = first_functions(id);
  if (functions == 0) return {}; /* an interface of somebody else's */
  const auto* table = *static_cast<const std::byte* const*>(object);
  if (!table) return "the object offered as " + std::string(id) + " has no table";
  uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  constexpr size_t kHead = 2 * sizeof(uint32_t);
  size_t wanted = kHead + functions * sizeof(void (*)());
  if (size < wanted) {
    return "the table of " + std::string(id) + " says that it has " + std::to_string(size) +
           " bytes; expected " + std::to_string(wanted);
  }
  for (size_t i = 0; i < functions; ++i) {
    void* function = nullptr;
    std::memcpy(&function, table + kHead + i * sizeof function, sizeof function);
    if (!function)
      return "function " + std::to_string(i + 1) + " of the table of " + std::string(id) + " is missing";
  }
  return {};
}

void* stand_in(const Side& side, std::string_view id, void* object) {
  if (id == VISOR_DRIVE_1) return strict_drive(side, static_cast<visor_drive*>(object));
  if (id == VISOR_NET_1) return strict_net(side, static_cast<visor_net*>(object));
  if (id == VISOR_SOCKETS_1) return strict_sockets(side, static_cast<visor_sockets*>(object));
  return object;
}

std::map<const Holding*, std::pair<const Party*, std::string>>& Holding::all() {
  static auto* held = new std::map<const Holding*, std::pair<const Party*, std::string>>;
  return *held;
}

Holding::Holding(const Side& side, std::string what) {
  if (!side.subject_uses() || !side.user) return;
  all().emplace(this, std::pair{side.user, std::move(what)});
  held_ = true;
}

void Holding::release() {
  if (std::exchange(held_, false)) all().erase(this);
}

std::vector<std::string> Holding::held_by(const Party& party) {
  std::vector<std::string> out;
  for (const auto& [holding, row] : all()) {
    if (row.first == &party) out.push_back(row.second);
  }
  return out;
}

}  // namespace visor::check
