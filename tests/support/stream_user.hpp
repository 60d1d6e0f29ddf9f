/* Somebody who uses a stream and remembers everything that happened on it. */
#ifndef VISOR_TESTS_SUPPORT_STREAM_USER_HPP
#define VISOR_TESTS_SUPPORT_STREAM_USER_HPP
#include <optional>
#include <visor/plugin.hpp>

namespace visor::test {

class StreamUser {
 public:
  StreamUser(Host host, visor_stream* raw, bool paused = false) : stream(host, raw) {
    if (paused) stream.pause(true);
    stream.attach({.data =
                       [this](ByteView bytes) {
                         data.insert(data.end(), bytes.begin(), bytes.end());
                         pieces.push_back(bytes.size());
                         if (on_data) on_data();
                       },
                   .end = [this] { ended = true; },
                   .ready =
                       [this] {
                         ++readies;
                         if (on_ready) on_ready();
                       },
                   .closed = [this](const Error& error) { closed = error; }});
  }
  StreamUser(const StreamUser&) = delete;
  StreamUser& operator=(const StreamUser&) = delete;

  std::string text() const { return std::string(visor::text(ByteView(data))); }
  visor_status write(std::string_view words) { return stream.write(bytes(words)); }

  Bytes data;
  std::vector<size_t> pieces; /* sizes of the data events */
  bool ended = false;
  int readies = 0;
  std::optional<Error> closed;
  std::function<void()> on_data, on_ready;
  Stream stream; /* last: nothing happens on it once the rest is gone */
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_STREAM_USER_HPP
