/* The handshake patterns in use, as data: one interpreter (handshake.hpp) runs them all. */
#ifndef VISOR_NOISE_PATTERN_HPP
#define VISOR_NOISE_PATTERN_HPP
#include <cstdint>
#include <span>
#include <string_view>

namespace visor::noise {

enum class Pattern : uint8_t {
  kXX, /* neither static key is known before: carriers of transports, feeds over TCP */
  kXK, /* the responder's is: dmsg client to server */
  kKK, /* both are: dmsg streams */
};

/* In a key agreement the first letter is the initiator's key, the second the responder's. */
enum class Token : uint8_t { kE, kS, kEE, kES, kSE, kSS };

using Message = std::span<const Token>;

struct PatternTable {
  std::string_view protocol_name;
  bool initiator_static_known;       /* pre-message "-> s" */
  bool responder_static_known;       /* pre-message "<- s" */
  std::span<const Message> messages; /* the initiator writes the first, then they alternate */
};

const PatternTable& table_of(Pattern pattern);

}  // namespace visor::noise
#endif  // VISOR_NOISE_PATTERN_HPP
