/* Two visor_streams joined back to back, with the manners of a bad network: pieces of any size, little room,
 * a halt, an end at any byte. */
#ifndef VISOR_TESTS_SUPPORT_MEMORY_PIPE_HPP
#define VISOR_TESTS_SUPPORT_MEMORY_PIPE_HPP
#include <algorithm>
#include <optional>
#include <visor/plugin.hpp>

namespace visor::test {

/* Shared by the ends of as many pipes as a test likes, and by the test. */
struct PipeManners {
  size_t piece = SIZE_MAX;     /* bytes of one data event */
  size_t room = 1u << 20;      /* written and not delivered, a direction, before a write meets VISOR_EAGAIN */
  bool halted = false;         /* nothing is delivered; after halting, call PipeEnd::pump() of both */
  size_t cut_after = SIZE_MAX; /* delivered bytes, all pipes together, until these pipes break */
  size_t delivered = 0;        /* bytes */
};

class PipeEnd final : public StreamProvider {
 public:
  PipeEnd(Host host, std::shared_ptr<PipeManners> manners)
      : StreamProvider(host), manners_(std::move(manners)) {}

  static std::pair<PipeEnd*, PipeEnd*> make(Host host, const std::shared_ptr<PipeManners>& manners) {
    auto* a = new PipeEnd(host, manners);
    auto* b = new PipeEnd(host, manners);
    a->other_ = b;
    b->other_ = a;
    return {a, b};
  }
  /* Between two that know each other's address. */
  static std::pair<PipeEnd*, PipeEnd*> make(Host host, const std::shared_ptr<PipeManners>& manners,
                                            const visor_addr& a, const visor_addr& b) {
    auto ends = make(host, manners);
    ends.first->peer_ = b;
    ends.second->peer_ = a;
    return ends;
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
  void on_close() override { let_go(); }
  const visor_addr* on_peer() override { return peer_ ? &*peer_ : nullptr; }
  std::string_view on_origin() override { return "memory"; }

  void let_go() {
    if (!other_) return;
    other_->other_ = nullptr;
    other_->closing_ = true;
    other_->pump();
    other_ = nullptr;
  }
  void step() {
    if (finished() || manners_->halted) return;
    const size_t left = manners_->cut_after - std::min(manners_->cut_after, manners_->delivered);
    if (left == 0) {
      let_go();
      return finish(VISOR_ECLOSED, "the pipe was cut");
    }
    if (!flowing()) return;
    // Each event is the last thing that is done here: who gets it may close this end.
    if (!arrived_.empty()) {
      size_t size = std::min({arrived_.size(), manners_->piece, left});
      manners_->delivered += size;
      Bytes piece(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(size));
      arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(size));
      pump();
      if (other_ && other_->wants_ready_ && arrived_.size() <= manners_->room / 2) other_->wake();
      return deliver(piece);
    }
    if (std::exchange(ending_, false)) {
      pump();
      return deliver_end();
    }
    if (closing_) finish(VISOR_ECLOSED, "the other end closed");
  }
  void wake() {
    wants_ready_ = false;
    tasks().post([this] { deliver_ready(); });
  }

  std::shared_ptr<PipeManners> manners_;
  std::optional<visor_addr> peer_;
  PipeEnd* other_ = nullptr; /* null: closed */
  Bytes arrived_;
  bool wants_ready_ = false, ending_ = false, closing_ = false, pumping_ = false;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_SUPPORT_MEMORY_PIPE_HPP
