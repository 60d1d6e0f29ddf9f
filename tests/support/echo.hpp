/* Who listens on a port of a network and sends back what comes. */
#ifndef VISOR_TESTS_SUPPORT_ECHO_HPP
#define VISOR_TESTS_SUPPORT_ECHO_HPP
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <visor/plugin.hpp>

namespace visor::test {

/* Never holds more than one refused piece a stream. */
class Echo {
 public:
  Echo(Host host, visor_net* net, uint16_t port) : host_(host) {
    auto listening = listener_.listen(host_, net, port, [this](visor_stream* raw) { take(raw); });
    INFO((listening ? "" : listening.error().text));
    REQUIRE(listening.has_value());
  }
  size_t open() const { return streams_.size(); }
  size_t accepted() const { return peers.size(); }
  std::vector<visor_addr> peers;

 private:
  struct Each {
    Stream stream;
    Bytes held;
    bool ending = false;
  };
  void take(visor_stream* raw) {
    peers.push_back(*raw->api->peer(raw));
    uint64_t number = peers.size();
    auto* each = (streams_[number] = std::make_unique<Each>()).get();
    each->stream = Stream(host_, raw);
    each->stream.attach({.data =
                             [each](ByteView data) {
                               if (each->stream.write(data) != VISOR_EAGAIN) return;
                               each->held.assign(data.begin(), data.end());
                               each->stream.pause(true);
                             },
                         .end =
                             [each] {
                               each->ending = true;
                               if (each->held.empty()) each->stream.end();
                             },
                         .ready =
                             [each] {
                               if (each->held.empty() || each->stream.write(each->held) != VISOR_OK) return;
                               each->held.clear();
                               each->stream.pause(false);
                               if (each->ending) each->stream.end();
                             },
                         .closed = [this, number](const Error&) { streams_.erase(number); }});
  }
  Host host_;
  std::map<uint64_t, std::unique_ptr<Each>> streams_;
  Listener listener_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_ECHO_HPP
