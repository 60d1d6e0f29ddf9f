/* Multiplexers without a carrier: one whose frames the test reads and writes by hand, and two that talk to
 * each other. */
#ifndef VISOR_TESTS_UNIT_YAMUX_FIXTURE_HPP
#define VISOR_TESTS_UNIT_YAMUX_FIXTURE_HPP
#include "lib/codec/endian.hpp"
#include "lib/yamux/multiplexer.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/stream_user.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::test {

using yamux::Header;
using yamux::Type;

inline Bytes frame(Header header, ByteView body = {}) {
  auto head = yamux::encode(header);
  Bytes out(head.begin(), head.end());
  codec::append(out, body);
  return out;
}
inline Bytes data_frame(uint32_t stream, ByteView body, uint16_t flags = 0) {
  return frame({Type::Data, flags, stream, static_cast<uint32_t>(body.size())}, body);
}
inline Bytes update_frame(uint32_t stream, uint16_t flags, uint32_t delta = 0) {
  return frame({Type::WindowUpdate, flags, stream, delta});
}

/* The headers of well-formed output. */
inline std::vector<Header> headers(ByteView wire) {
  std::vector<Header> out;
  while (!wire.empty()) {
    REQUIRE(wire.size() >= yamux::kHeaderSize);
    auto header = yamux::decode(wire.first<yamux::kHeaderSize>());
    REQUIRE(header);
    size_t size = yamux::kHeaderSize + (header->type == Type::Data ? header->length : 0);
    REQUIRE(wire.size() >= size);
    out.push_back(*header);
    wire = wire.subspan(size);
  }
  return out;
}

inline std::string to_text(const Header& h) {
  static constexpr std::string_view kNames[] = {"data", "window", "ping", "away"};
  return std::string(kNames[static_cast<int>(h.type)]) + " " + std::to_string(h.flags) + " " +
         std::to_string(h.stream) + " " + std::to_string(h.length);
}
/* "window 1 1 0, data 0 1 5": type, flags, stream, length. */
inline std::string to_text(ByteView wire) {
  std::string out;
  for (const Header& header : headers(wire)) out += (out.empty() ? "" : ", ") + to_text(header);
  return out;
}

inline yamux::Options no_timeouts(yamux::Options options = {}) {
  options.timeouts = {.ping_interval_ms = 0, .ping_answer_ms = 0, .syn_ms = 0, .fin_ms = 0};
  return options;
}

/* One multiplexer with what it sent, accepted and failed with. */
class Side {
 public:
  Side(MemoryHost& memory, yamux::Options options)
      : host(memory.host()),
        mux(std::make_unique<yamux::Multiplexer>(
            host, std::move(options), [this](std::span<const visor_span> parts) { return take(parts); },
            yamux::Multiplexer::Events{.accept = [this](visor_stream* raw) { accepted(raw); },
                                       .failed =
                                           [this](const Error& error) {
                                             failed = error;
                                             if (on_failed) on_failed();
                                           },
                                       .idle = [this] { ++idles; }})) {}
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  StreamUser& open() {
    auto stream = mux->open();
    REQUIRE(stream);
    return *users.emplace_back(std::make_unique<StreamUser>(host, *stream));
  }
  /* What was sent since the last call. */
  Bytes taken() { return std::exchange(sent, {}); }

  Host host;
  Bytes sent;
  size_t writes = 0; /* calls of the sink */
  bool blocked = false;
  bool pause_accepted = false;
  int idles = 0;
  std::optional<Error> failed;
  std::function<void()> on_failed;
  std::function<void(visor_stream*)> on_accept; /* instead of a StreamUser */
  std::vector<std::unique_ptr<StreamUser>> users;
  std::unique_ptr<yamux::Multiplexer> mux;

 private:
  bool take(std::span<const visor_span> parts) {
    ++writes;
    for (const visor_span& part : parts) codec::append(sent, bytes(part));
    return !blocked;
  }
  void accepted(visor_stream* raw) {
    if (on_accept) return on_accept(raw);
    users.push_back(std::make_unique<StreamUser>(host, raw, pause_accepted));
  }
};

/* A client and a server with a wire between them that carries `piece` bytes at a time. */
class Pair {
 public:
  explicit Pair(yamux::Options options = no_timeouts(), size_t piece = SIZE_MAX)
      : client(memory, with_role(options, true)), server(memory, with_role(options, false)), piece_(piece) {}

  /* Until nothing moves any more. */
  void run() {
    for (;;) {
      memory.run();
      if (client.sent.empty() && server.sent.empty()) return;
      carry(client, server);
      carry(server, client);
    }
  }

  MemoryHost memory;
  Side client, server;

 private:
  static yamux::Options with_role(yamux::Options options, bool client) {
    options.client = client;
    return options;
  }
  void carry(Side& from, Side& to) {
    Bytes wire = from.taken();
    for (size_t at = 0; at < wire.size() && to.mux; at += piece_) {
      to.mux->receive(ByteView(wire).subspan(at, std::min(piece_, wire.size() - at)));
      if (piece_ == SIZE_MAX) break;
    }
  }
  size_t piece_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_YAMUX_FIXTURE_HPP
