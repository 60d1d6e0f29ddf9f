/* Bytes in order, in one piece: appended at the end, taken from the front. */
#ifndef VISOR_YAMUX_BYTE_QUEUE_HPP
#define VISOR_YAMUX_BYTE_QUEUE_HPP
#include <visor/value.hpp>

namespace visor::yamux {

class ByteQueue {
 public:
  size_t size() const { return bytes_.size() - head_; }
  bool empty() const { return size() == 0; }
  /* All of it; valid until the next append, trim or clear. */
  ByteView view() const { return ByteView(bytes_).subspan(head_); }

  void append(ByteView data) {
    /* Moving what is left to the front costs no more than what was taken since. */
    if (head_ > 0 && (head_ >= size() || bytes_.size() + data.size() > bytes_.capacity())) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(head_));
      head_ = 0;
    }
    bytes_.insert(bytes_.end(), data.begin(), data.end());
  }
  /* The bytes stay where they are, for who still holds a view. */
  void consume(size_t size) { head_ += size; }
  /* Gives the memory back once nothing is left, so that thousands of idle streams cost little. */
  void trim() {
    if (empty()) clear();
  }
  void clear() {
    bytes_ = {};
    head_ = 0;
  }

 private:
  Bytes bytes_;
  size_t head_ = 0; /* bytes at the front that are taken already */
};

}  // namespace visor::yamux
#endif  // VISOR_YAMUX_BYTE_QUEUE_HPP
