// A server that a WebSocket is opened to, and whatever it answers: the first byte is the size of the pieces,
// the second chooses whether a sound answer stands before the input, and whether the server ends.
#include "lib/http/dial.hpp"
#include "lib/http/websocket_handshake.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"

namespace {

using namespace visor;

/* Connects to nobody but this. */
class Sockets final : public SocketsProvider {
 public:
  Sockets(Host host, visor_stream* stream)
      : SocketsProvider(host, VISOR_SOCKETS_TCP), stream_(stream), tasks_(host) {}
  visor_status connect(visor_span, visor_done raw) override {
    auto done = std::make_shared<Done>(host(), raw);
    tasks_.post([this, done] { done->complete(VISOR_OK, stream_); });
    return VISOR_OK;
  }
  visor_status listen(visor_span, void (*)(void*, visor_stream*), void*, visor_handle**) override {
    return VISOR_ENOSYS;
  }
  void cancel(void*) override {}

 private:
  visor_stream* stream_;
  Tasks tasks_;
};

std::string sound_answer(std::string_view request) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  size_t at = request.find(kName);
  test::must(at != std::string_view::npos, "a client sends a key");
  std::string_view key = request.substr(at + kName.size(), 24);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         http::websocket_accept(key) + "\r\n\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  constexpr uint64_t kTimeoutMs = 1000;
  test::MemoryHost memory;
  Host host = memory.host();
  auto manners = std::make_shared<test::PipeManners>();
  manners->piece = 1 + data[0];
  const bool sound = (data[1] & 1) != 0, ends = (data[1] & 2) != 0;
  std::string_view said = test::as_text(data + 2, size - 2);
  auto [ours, theirs] = test::PipeEnd::make(host, manners);
  test::StreamUser server(host, theirs);
  bool answered = false;
  server.on_data = [&] {
    if (answered || server.text().find("\r\n\r\n") == std::string::npos) return;
    answered = true;
    if (sound) server.write(sound_answer(server.text()));
    if (!said.empty()) server.write(said);
    if (ends) server.stream.end();
  };
  Sockets sockets(host, ours);
  std::optional<Result<visor_stream*>> opened;
  std::unique_ptr<test::StreamUser> client;
  auto dial = http::dial_websocket(host, &sockets, "ws://10.0.0.1:8081/dmsg", kTimeoutMs,
                                   [&](Result<visor_stream*> stream) {
                                     opened = stream;
                                     if (stream) client = std::make_unique<test::StreamUser>(host, *stream);
                                   });
  memory.advance_ms(kTimeoutMs + 1);
  test::must(opened.has_value(), "each dial ends in time");
  test::must(!sound || opened->has_value(), "a sound answer is one");
  if (client) test::must(client->data.size() <= said.size(), "no more comes out than went in");
  dial.reset();
  client.reset();
  memory.advance_ms(120'000);
  return 0;
}
