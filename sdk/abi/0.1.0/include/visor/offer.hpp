/* visor/offer.hpp - interfaces by their type: finding a provider, and offering an object for as long as it is
 * there. Header-only; part of visor/plugin.hpp. */
#ifndef VISOR_OFFER_HPP
#define VISOR_OFFER_HPP
#include "host.hpp"
#include "visor.h"

namespace visor {

/* The id of the interface whose objects are of type T. */
template <class T>
inline constexpr const char* kInterface = nullptr;
template <>
inline constexpr const char* kInterface<visor_commands> = VISOR_COMMANDS_1;
template <>
inline constexpr const char* kInterface<visor_drive> = VISOR_DRIVE_1;
template <>
inline constexpr const char* kInterface<visor_identity> = VISOR_IDENTITY_1;
template <>
inline constexpr const char* kInterface<visor_sockets> = VISOR_SOCKETS_1;
template <>
inline constexpr const char* kInterface<visor_fetch> = VISOR_FETCH_1;
template <>
inline constexpr const char* kInterface<visor_net> = VISOR_NET_1;
template <>
inline constexpr const char* kInterface<visor_transports> = VISOR_TRANSPORTS_1;
template <>
inline constexpr const char* kInterface<visor_feeds> = VISOR_FEEDS_1;
template <>
inline constexpr const char* kInterface<visor_http> = VISOR_HTTP_1;

/* The provider of that name, or the first one of all; VISOR_ENOENT says what is missing. */
template <class T>
Result<T*> find(Host host, const std::string& name = {}) {
  static_assert(kInterface<T> != nullptr, "T is an object of the ABI that is offered, such as visor_drive");
  if (T* found = host.find<T>(kInterface<T>, name.empty() ? nullptr : name.c_str())) return found;
  return failure(VISOR_ENOENT, std::string("nobody offers ") + kInterface<T> +
                                   (name.empty() ? "" : " as '" + name + "'") +
                                   "; configure a plugin that does, and start it first");
}

/* What an instance offers; withdrawn when it goes.  The object outlives it. */
template <class T>
class Offer {
 public:
  Offer() = default;
  Offer(const Offer&) = delete;
  Offer& operator=(const Offer&) = delete;
  ~Offer() { withdraw(); }

  /* Under a name, or under the instance's own; VISOR_EEXIST if somebody has it. */
  Result<void> open(Host host, T* object, const std::string& name = {}) {
    static_assert(kInterface<T> != nullptr, "T is an object of the ABI that is offered, such as visor_drive");
    withdraw();
    auto offered = host.offer(kInterface<T>, name.empty() ? nullptr : name.c_str(), object);
    if (offered) {
      host_ = host.raw();
      object_ = object;
    }
    return offered;
  }
  void withdraw() {
    if (T* object = std::exchange(object_, nullptr)) Host(host_).withdraw(object);
  }

 private:
  visor_host* host_ = nullptr;
  T* object_ = nullptr;
};

}  // namespace visor
#endif  // VISOR_OFFER_HPP
