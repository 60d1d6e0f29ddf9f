/* Streams that are given up: ended, as peers expect (a reset is news to old ones), and closed when the other
 * side has ended too, or after a while. */
#ifndef VISOR_DMSG_CLIENT_FAREWELL_HPP
#define VISOR_DMSG_CLIENT_FAREWELL_HPP
#include <map>
#include <visor/stream.hpp>

namespace visor::dmsg_client {

class Farewell {
 public:
  explicit Farewell(Host host) : host_(host) {}

  void say(Stream stream) {
    if (!stream || streams_.size() >= kMaxStreams) return; /* closed by its destruction */
    uint64_t number = ++last_number_;
    Each& each = streams_[number];
    each.stream = std::move(stream);
    each.limit = Timer::once(host_, kLimitMs, [this, number] { streams_.erase(number); });
    each.stream.pause(false);
    each.stream.attach({.data = {}, .end = {}, .ready = {}, .closed = [this, number](const Error&) {
                          streams_.erase(number);
                        }});
    each.stream.end();
  }
  size_t size() const { return streams_.size(); }
  static constexpr size_t kMaxStreams = 1024;

 private:
  static constexpr uint64_t kLimitMs = 5000;
  struct Each {
    Stream stream;
    Timer limit;
  };
  Host host_;
  std::map<uint64_t, Each> streams_;
  uint64_t last_number_ = 0;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_FAREWELL_HPP
