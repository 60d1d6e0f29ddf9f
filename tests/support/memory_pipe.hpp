/* Two visor_streams joined back to back, with the manners of a bad network: pieces of any size, little room,
 * a halt. */
#ifndef VISOR_TESTS_SUPPORT_MEMORY_PIPE_HPP
#define VISOR_TESTS_SUPPORT_MEMORY_PIPE_HPP
#include <algorithm>
#include <visor/plugin.hpp>

namespace visor::test {

/* Shared by both ends and by the test. */
struct PipeManners {
  size_t piece = SIZE_MAX; /* bytes of one data event */
  size_t room = 1u << 20;  /* written and not delivered, a direction, before a write meets VISOR_EAGAIN */
  bool halted = false;     /* nothing is delivered; after halting, call PipeEnd::pump() of both */
};

class PipeEnd final : public StreamProvider {
 public:
  PipeEnd(Host host, std::shared_ptr<const PipeManners> manners)
      : StreamProvider(host), manners_(std::move(manners)) {}

  static std::pair<PipeEnd*, PipeEnd*> make(Host host, std::shared_ptr<const PipeManners> manners) {
    auto* a = new PipeEnd(host, manners);
    auto* b = new PipeEnd(host, manners);
    a->other_ = b;
    b->other_ = a;
    return {a, b};
  }

  /* Delivers what has come, one piece a turn. */
  void pump() {
    if (std::exchange(pumping_, true)) return;
    tasks().post([this] {
      pumping_ = false;
      step();
    });
  }
  /* Everything that was ever written into this end. */
  Bytes written;
  size_t refused = 0; /* writes that met VISOR_EAGAIN */

 private:
  visor_status on_write(std::span<const visor_span> parts) override {
    size_t size = 0;
    for (const visor_span& part : parts) size += part.size;
    if (other_ && !other_->arrived_.empty() && other_->arrived_.size() + size > manners_->room) {
      ++refused;
      wants_ready_ = true;
      return host().fail(VISOR_EAGAIN, "the pipe is full");
    }
    for (const visor_span& part : parts) {
      ByteView data = bytes(part);
      written.insert(written.end(), data.begin(), data.end());
      if (other_) other_->arrived_.insert(other_->arrived_.end(), data.begin(), data.end());
    }
    if (other_) other_->pump();
    return VISOR_OK;
  }
  void on_flow(bool) override { pump(); }
  void on_end() override {
    if (!other_) return;
    other_->ending_ = true;
    other_->pump();
  }
  void on_close() override {
    if (!other_) return;
    other_->other_ = nullptr;
    other_->closing_ = true;
    other_->pump();
    other_ = nullptr;
  }

  void step() {
    if (!flowing() || manners_->halted) return;
    if (!arrived_.empty()) {
      size_t size = std::min(arrived_.size(), manners_->piece);
      Bytes piece(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(size));
      arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(size));
      deliver(piece);
      if (other_ && other_->wants_ready_ && arrived_.size() <= manners_->room / 2) other_->wake();
      return pump();
    }
    if (std::exchange(ending_, false)) {
      deliver_end();
      return pump();
    }
    if (closing_) finish(VISOR_ECLOSED, "the other end closed");
  }
  void wake() {
    wants_ready_ = false;
    tasks().post([this] { deliver_ready(); });
  }

  std::shared_ptr<const PipeManners> manners_;
  PipeEnd* other_ = nullptr; /* null: closed */
  Bytes arrived_;
  bool wants_ready_ = false, ending_ = false, closing_ = false, pumping_ = false;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_MEMORY_PIPE_HPP
