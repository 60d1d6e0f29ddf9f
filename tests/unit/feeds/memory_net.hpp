/* A network in memory for tests of nodes: authenticated streams between keys, cut into pieces, cut off at any
 * byte. */
#ifndef VISOR_TESTS_UNIT_FEEDS_MEMORY_NET_HPP
#define VISOR_TESTS_UNIT_FEEDS_MEMORY_NET_HPP
#include <algorithm>
#include <map>
#include <visor/plugin.hpp>

namespace visor::test {

/* What all streams of a network share. */
struct Wire {
  struct Listens {
    void (*fn)(void* ctx, visor_stream*);
    void* ctx;
  };
  std::map<std::pair<visor_key, uint16_t>, Listens> listeners;
  size_t piece = 1400;            // bytes of one delivery, one a turn
  size_t room = 256u << 10;       // in flight, then VISOR_EAGAIN
  int64_t cut_after = INT64_MAX;  // bytes until all streams break
  bool down = false;              // dialing fails
  size_t dials = 0, bytes = 0;
};

class WireStream final : public StreamProvider {
 public:
  static std::pair<WireStream*, WireStream*> make(Host host, std::shared_ptr<Wire> wire, const visor_addr& a,
                                                  const visor_addr& b) {
    auto* one = new WireStream(host, wire, b);
    auto* two = new WireStream(host, wire, a);
    one->other_ = two;
    two->other_ = one;
    return {one, two};
  }

 private:
  WireStream(Host host, std::shared_ptr<Wire> wire, const visor_addr& peer)
      : StreamProvider(host), wire_(std::move(wire)), peer_(peer) {}

  visor_status on_write(std::span<const visor_span> parts) override {
    size_t size = 0;
    for (const visor_span& part : parts) size += part.size;
    if (!other_) return VISOR_OK;  // lost
    if (!other_->arrived_.empty() && other_->arrived_.size() + size > wire_->room) {
      wants_ready_ = true;
      return host().fail(VISOR_EAGAIN, "the wire is full");
    }
    for (const visor_span& part : parts) {
      ByteView data = bytes(part);
      other_->arrived_.insert(other_->arrived_.end(), data.begin(), data.end());
    }
    other_->pump();
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
  const visor_addr* on_peer() override { return &peer_; }
  std::string_view on_origin() override { return "memory"; }

  void pump() {
    if (std::exchange(pumping_, true)) return;
    tasks().post([this] {
      pumping_ = false;
      step();
    });
  }
  void step() {
    if (finished()) return;
    if (wire_->cut_after <= 0) {
      if (other_) {
        other_->other_ = nullptr;
        other_->closing_ = true;
        other_->pump();
        other_ = nullptr;
      }
      return finish(VISOR_ECLOSED, "the wire was cut");
    }
    if (!flowing()) return;
    if (!arrived_.empty()) {
      size_t size = std::min(arrived_.size(), wire_->piece);
      size = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(size), wire_->cut_after));
      wire_->cut_after -= static_cast<int64_t>(size);
      wire_->bytes += size;
      Bytes piece(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(size));
      arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(size));
      pump();
      if (other_ && other_->wants_ready_ && arrived_.size() <= wire_->room / 2) other_->wake();
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

  std::shared_ptr<Wire> wire_;
  visor_addr peer_;
  WireStream* other_ = nullptr;
  Bytes arrived_;
  bool wants_ready_ = false, ending_ = false, closing_ = false, pumping_ = false;
};

class MemoryNet final : public NetProvider {
 public:
  MemoryNet(Host host, std::shared_ptr<Wire> wire, const visor_key& key)
      : NetProvider(host), wire_(std::move(wire)), key_(key), listening_(host) {}
  ~MemoryNet() override {
    std::erase_if(wire_->listeners, [&](const auto& entry) { return entry.first.first == key_; });
  }

  /* A stream to a listener, or null. */
  visor_stream* connect(const visor_addr& to) {
    auto found = wire_->listeners.find({to.key, to.port});
    ++wire_->dials;
    if (found == wire_->listeners.end() || wire_->down) return nullptr;
    auto [here, there] = WireStream::make(host(), wire_, {key_, 0}, to);
    visor::post(host(), [wire = wire_, to, stream = there] {
      auto at = wire->listeners.find({to.key, to.port});
      if (at == wire->listeners.end()) return stream->api->close(stream);
      at->second.fn(at->second.ctx, stream);
    });
    return here;
  }

 private:
  visor_status dial(const visor_addr* to, visor_done done) override {
    visor_stream* stream = connect(*to);
    if (stream) {
      Done(host(), done).later(VISOR_OK, stream);
    } else {
      Done(host(), done).later(Error{VISOR_ECLOSED, "nobody listens there"});
    }
    return VISOR_OK;
  }
  visor_status listen(uint16_t port, void (*fn)(void*, visor_stream*), void* ctx,
                      visor_handle** handle) override {
    if (!wire_->listeners.emplace(std::pair(key_, port), Wire::Listens{fn, ctx}).second) {
      return host().fail(VISOR_EEXIST, "the port is taken");
    }
    *handle = listening_.add(0, [this, port] { wire_->listeners.erase({key_, port}); });
    return VISOR_OK;
  }
  void cancel(void*) override {}

  std::shared_ptr<Wire> wire_;
  visor_key key_;
  Registrations<int> listening_;
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_FEEDS_MEMORY_NET_HPP
