/* Members of the JSON that groups exchange (specification chat.md, section 1): read as lenient as others
 * write it. */
#ifndef VISOR_CHAT_GROUP_TEXT_HPP
#define VISOR_CHAT_GROUP_TEXT_HPP
#include <boost/json.hpp>
#include <optional>

#include "lib/codec/uuid.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::chat {

/* Names are matched whatever the case of their letters; null if there is no such member. */
const boost::json::value* member(const boost::json::object& object, std::string_view name);
std::string_view text_member(const boost::json::object& object, std::string_view name);

/* 66 hex digits; all zeros, "" and absence are the zero key.  Nothing for anything else. */
std::optional<visor_key> key_member(const boost::json::object& object, std::string_view name);
/* The same without asking whether it is a point of the curve, for who compares it with keys that are. */
std::optional<visor_key> digits_member(const boost::json::object& object, std::string_view name);
/* The same as key_member() of a list; a list with anything else in it is nothing. */
std::optional<std::vector<visor_key>> keys_member(const boost::json::object& object, std::string_view name);
/* 130 hex digits; absence and zeros are no signature.  Nothing for anything else. */
std::optional<crypto::Signature> signature_member(const boost::json::object& object, std::string_view name);
/* RFC 3339 with nanoseconds; absence and the year 1 are 0. */
std::optional<int64_t> time_member(const boost::json::object& object, std::string_view name);
/* Base64; absence is empty. */
std::optional<Bytes> bytes_member(const boost::json::object& object, std::string_view name);

/* "0001-01-01T00:00:00Z" for 0. */
std::string time_of_ns(int64_t unix_ns);

}  // namespace visor::chat
#endif  // VISOR_CHAT_GROUP_TEXT_HPP
