/* Services that are signed by keys of the test. */
#ifndef VISOR_TESTS_UNIT_SERVICE_DISCOVERY_SIGNED_SERVICES_HPP
#define VISOR_TESTS_UNIT_SERVICE_DISCOVERY_SIGNED_SERVICES_HPP
#include <catch2/catch.hpp>

#include "lib/services/service.hpp"
#include "tests/unit/key_pair.hpp"

namespace visor::test {

inline constexpr int64_t kServicesNowMs = 1'790'000'000'000;

inline void sign_again(services::Service& service, uint8_t number) {
  auto pair = key_pair(number);
  REQUIRE(services::sign(
      service, [&](const crypto::Hash& hash) { return crypto::sign_recoverable(hash, pair.secret); }));
}

inline services::Service signed_service(uint8_t number, std::string type = "visor", std::string id = {},
                                        int64_t at_ms = kServicesNowMs) {
  services::Service service;
  service.name = {std::move(type), key_pair(number).key, 44, std::move(id)};
  service.timestamp_ms = at_ms;
  sign_again(service, number);
  return service;
}

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_SERVICE_DISCOVERY_SIGNED_SERVICES_HPP
