// A client of the HTTP server that asks for a WebSocket, and whatever it sends then: the first byte is the
// size of the pieces, the second chooses whether a sound upgrade stands before the input.
#include "lib/http/server.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/memory_pipe.hpp"
#include "tests/support/stream_user.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visor;
  if (size < 2) return 0;
  test::MemoryHost memory;
  auto manners = std::make_shared<test::PipeManners>();
  manners->piece = 1 + data[0];
  std::vector<std::unique_ptr<test::StreamUser>> sockets;
  size_t delivered = 0;
  {
    http::Server server(memory.host(), {}, [&](http::Exchange& exchange) {
      if (visor_stream* stream = exchange.upgrade()) {
        sockets.push_back(std::make_unique<test::StreamUser>(memory.host(), stream));
      }
    });
    auto [ours, theirs] = test::PipeEnd::make(memory.host(), manners);
    std::string input;
    if (data[1] & 1) {
      input =
          "GET /dmsg HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    }
    input += test::as_text(data + 2, size - 2);
    server.accept(ours, (data[1] & 2) ? input.substr(0, input.size() / 2) : std::string());
    test::StreamUser client(memory.host(), theirs);
    client.write((data[1] & 2) ? std::string_view(input).substr(input.size() / 2) : std::string_view(input));
    memory.run();
    for (const auto& socket : sockets) delivered += socket->data.size();
    test::must(delivered <= size, "no more comes out than went in");
    client.stream.end();
    memory.advance_ms(120000);
    test::must(server.counters().open_connections == 0, "a client that has left is forgotten");
  }
  sockets.clear();
  memory.run();
  return 0;
}
