// What a peer may send to a multiplexer: bytes cut anywhere, with users that read, write, pause and close.
#include "lib/yamux/multiplexer.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/memory_host.hpp"

namespace {

using namespace visor;

struct Users {
  Host host;
  std::vector<std::unique_ptr<Stream>> streams{};
  uint8_t habits = 0; /* bits: writes back, pauses, closes at once, ends at once */
  void take(visor_stream* raw) {
    Stream& stream = *streams.emplace_back(std::make_unique<Stream>(host, raw));
    stream.attach({.data =
                       [this, &stream](ByteView data) {
                         if (habits & 1) (void)stream.write(data.first(std::min<size_t>(data.size(), 1000)));
                         if (habits & 2) stream.pause(true);
                       },
                   .end = [&stream] { stream.end(); },
                   .ready = {},
                   .closed = {}});
    if (habits & 4) stream.close();
    if (habits & 8) stream.end();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  test::MemoryHost memory;
  const size_t piece = 1 + data[0];
  Users users{memory.host()};
  users.habits = data[1] & 15;
  yamux::Limits limits{.streams = 20,
                       .unacknowledged_in = 10,
                       .unacknowledged_out = 10,
                       .stream_queue_bytes = 4096,
                       .queued_bytes = 16384,
                       .unread_bytes = 300000,
                       .control_bytes = 1024};
  bool failed = false;
  size_t sent = 0;
  yamux::Multiplexer mux(
      memory.host(),
      {.client = (data[1] & 16) != 0, .limits = limits, .timeouts = {}, .head_bytes = size_t(data[1] >> 6)},
      [&](std::span<const visor_span> parts) {
        for (const visor_span& part : parts) sent += part.size;
        return (data[1] & 32) == 0;
      },
      {.accept = [&](visor_stream* stream) { users.take(stream); },
       .failed =
           [&](const Error& error) {
             test::must(!failed && !error.text.empty(), "a session fails once, with a sentence");
             failed = true;
           }});
  for (int i = 0; i < 2; ++i) {
    if (auto opened = mux.open()) users.take(*opened);
  }
  ByteView rest(data + 2, size - 2);
  while (!rest.empty()) {
    ByteView cut = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(cut.size());
    mux.receive(cut);
    if (rest.size() % 3 == 0) memory.run();
    if (rest.size() % 7 == 0) mux.writable();
    yamux::Counters now = mux.counters();
    test::must(now.streams <= limits.streams, "streams are bounded");
    test::must(now.unread_bytes <= limits.unread_bytes, "what is not read is bounded");
    test::must(now.control_bytes <= limits.control_bytes + 64, "answers are bounded");
    test::must(now.unread_bytes + now.queued_bytes == mux.held_bytes(), "both counts are the same");
  }
  memory.advance_ms(100000);
  mux.close({VISOR_OK, "over"});
  memory.run();
  return 0;
}
