#include "proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/codec/endian.hpp"

namespace visor::dmsg_server {
namespace {

constexpr std::string_view kTextMark = "PROXY ";
constexpr std::string_view kBinaryMark{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kMaxTextBytes = 107, kBinaryHeadBytes = 16;

using Read = Result<std::optional<ProxyHeader>>;

/* Are these the first bytes of `mark`, or `mark` and more? */
bool begins(std::string_view first, std::string_view mark) {
  size_t size = std::min(first.size(), mark.size());
  return first.substr(0, size) == mark.substr(0, size);
}

std::unexpected<Error> broken(const std::string& why) {
  return failure(VISOR_EPROTO, "a PROXY header is wrong: " + why);
}

/* The address as the kernel's sockets write it; empty if it is not one of that family. */
std::string with_port(int family, const void* address, uint16_t port) {
  char name[INET6_ADDRSTRLEN] = "";
  if (!inet_ntop(family, address, name, sizeof name)) return {};
  std::string host = family == AF_INET6 ? "[" + std::string(name) + "]" : std::string(name);
  return host + ":" + std::to_string(port);
}

/* --- version 1 ------------------------------------------------------------------------------ */

std::string_view take_word(std::string_view& line) {
  size_t size = std::min(line.find(' '), line.size());
  std::string_view word = line.substr(0, size);
  line.remove_prefix(std::min(size + 1, line.size()));
  return word;
}

std::optional<uint16_t> port_of(std::string_view word) {
  uint16_t port = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return port;
}

Read read_text(std::string_view first) {
  size_t end = first.substr(0, kMaxTextBytes).find("\r\n");
  if (end == std::string_view::npos) {
    if (first.size() < kMaxTextBytes) return std::nullopt;
    return broken("expected a line of at most 107 bytes");
  }
  ProxyHeader header{end + 2, {}};
  std::string_view line = first.substr(kTextMark.size(), end - kTextMark.size());
  std::string_view protocol = take_word(line);
  if (protocol == "UNKNOWN") return header;
  int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  if (protocol != "TCP4" && protocol != "TCP6") return broken("expected TCP4, TCP6 or UNKNOWN");
  std::string source(take_word(line)), destination(take_word(line));
  auto source_port = port_of(take_word(line)), destination_port = port_of(take_word(line));
  std::array<uint8_t, 16> from{}, to{};
  if (!line.empty() || !source_port || !destination_port ||
      inet_pton(family, source.c_str(), from.data()) != 1 ||
      inet_pton(family, destination.c_str(), to.data()) != 1) {
    return broken("expected two addresses of " + std::string(protocol) + " and two ports");
  }
  header.origin = with_port(family, from.data(), *source_port);
  return header;
}

/* --- version 2 ------------------------------------------------------------------------------ */

Read read_binary(ByteView first) {
  if (first.size() < kBinaryHeadBytes) return std::nullopt;
  uint8_t command = first[12], family = first[13];
  size_t size = codec::load_be<uint16_t>(first.data() + 14);
  if (command != 0x20 && command != 0x21) return broken("expected version 2 and the command LOCAL or PROXY");
  if (kBinaryHeadBytes + size > kMaxProxyHeaderBytes) {
    return broken("expected at most " + std::to_string(kMaxProxyHeaderBytes) + " bytes; it says " +
                  std::to_string(kBinaryHeadBytes + size));
  }
  if (first.size() < kBinaryHeadBytes + size) return std::nullopt;
  ProxyHeader header{kBinaryHeadBytes + size, {}};
  if (command == 0x20) return header;
  const uint8_t* body = first.data() + kBinaryHeadBytes;
  size_t needed = family == 0x11 ? 12 : family == 0x21 ? 36 : 0;
  if (size < needed) return broken("its addresses are cut short");
  if (family == 0x11) header.origin = with_port(AF_INET, body, codec::load_be<uint16_t>(body + 8));
  if (family == 0x21) header.origin = with_port(AF_INET6, body, codec::load_be<uint16_t>(body + 32));
  return header;
}

}  // namespace

Read read_proxy_header(ByteView first) {
  std::string_view words = text(first);
  if (begins(words, kBinaryMark)) {
    return words.size() < kBinaryMark.size() ? Read(std::nullopt) : read_binary(first);
  }
  if (begins(words, kTextMark)) {
    return words.size() < kTextMark.size() ? Read(std::nullopt) : read_text(words);
  }
  return ProxyHeader{};
}

}  // namespace visor::dmsg_server
