/* What a discovery answers besides entries: {"message":"...","code":404} (specification dmsg.md, 3.2). */
#ifndef VISOR_DMSG_ANSWER_HPP
#define VISOR_DMSG_ANSWER_HPP
#include <optional>
#include <visor/value.hpp>

namespace visor::dmsg {

inline constexpr std::string_view kSequenceError =
    "sequence field of new entry is not sequence of old entry + 1";

/* The text of such an answer; nothing when it is none. */
std::optional<std::string> message_of(std::string_view body);

/* The answer's body. */
std::string message_json(std::string_view message, int32_t status);

}  // namespace visor::dmsg
#endif  // VISOR_DMSG_ANSWER_HPP
