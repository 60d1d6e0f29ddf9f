/* A line: one stream to a peer on which chat frames go both ways, whoever opened it. */
#ifndef VISOR_CHAT_LINE_HPP
#define VISOR_CHAT_LINE_HPP
#include <visor/plugin.hpp>

#include "lib/codec/length_prefixed.hpp"

namespace visor::chat {

class Line {
 public:
  /* A write that the stream does not take within it ends the line: what was sent of it cannot be known. */
  static constexpr uint64_t kWriteMs = 5000;
  static constexpr size_t kMaxQueuedBytes = 512u << 10;

  struct Events {
    std::function<void(std::string_view payload)> payload; /* lent for the call */
    /* The queue has room again after VISOR_EAGAIN. */
    std::function<void()> ready;
    std::function<void(const Error&)> closed; /* always last; may destroy the line */
  };

  /* The stream must be authenticated. */
  Line(Host host, visor_stream* stream, std::string network, Events events);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  const visor_key& peer() const { return peer_; }
  const std::string& network() const { return network_; }
  uint64_t opened_ms() const { return opened_ms_; }
  uint64_t used_ms() const { return used_ms_; }
  size_t queued_bytes() const { return queue_.size(); }

  /* VISOR_EAGAIN: the queue is full; VISOR_EINVAL: it is not a frame; VISOR_ECLOSED. */
  visor_status send(std::string_view payload);
  /* Now, as when the peer has proved to be gone; `closed` does not run. */
  void close();

 private:
  void received(ByteView data);
  void flush();
  void fail(const Error& error);

  Host host_;
  Tasks tasks_;
  const std::string network_;
  visor_key peer_{};
  Events events_;
  codec::LengthPrefixedReader reader_;
  Bytes queue_;
  bool blocked_ = false, flushing_ = false, refused_ = false;
  uint64_t opened_ms_, used_ms_;
  Timer deadline_;
  Stream stream_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace visor::chat
#endif  // VISOR_CHAT_LINE_HPP
