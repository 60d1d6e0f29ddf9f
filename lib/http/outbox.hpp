/* What waits to be written to a stream: gathered, so that one turn of the loop is one write. */
#ifndef VISOR_HTTP_OUTBOX_HPP
#define VISOR_HTTP_OUTBOX_HPP
#include <deque>
#include <memory>
#include <visor/stream.hpp>

namespace visor::http {

class Outbox {
 public:
  /* The stream must outlive the outbox or be replaced; it may not be attached by the outbox, so its owner
   * calls flush() when it reports `ready`. */
  explicit Outbox(Stream& stream) : stream_(stream) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void append(std::string_view text);
  void append(std::span<const visor_span> parts);
  /* Shared, not copied: a file that many clients fetch is in memory once. */
  void append(std::shared_ptr<const std::string> text);

  /* Writes as much as the stream takes.  VISOR_EAGAIN: the rest after `ready`; other errors are the stream's.
   */
  visor_status flush();
  /* Bytes that the stream has not taken. */
  size_t queued() const { return queued_; }
  /* Did the stream refuse the last write? */
  bool blocked() const { return blocked_; }
  uint64_t written() const { return written_; }
  /* What the stream has not taken, for another outbox. */
  std::string take();

 private:
  struct Segment {
    std::string owned;
    std::shared_ptr<const std::string> shared;
    size_t at = 0;
    std::string_view rest() const { return std::string_view(shared ? *shared : owned).substr(at); }
  };
  std::string& tail();
  void consume(size_t size);

  Stream& stream_;
  std::deque<Segment> segments_;
  size_t queued_ = 0;
  uint64_t written_ = 0;
  bool blocked_ = false;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_OUTBOX_HPP
