/* A network in memory for tests of nodes: authenticated streams between keys, cut into pieces, cut off at any
 * byte. */
#ifndef VISOR_TESTS_UNIT_FEEDS_MEMORY_NET_HPP
#define VISOR_TESTS_UNIT_FEEDS_MEMORY_NET_HPP
#include <map>

#include "tests/support/memory_pipe.hpp"

namespace visor::test {

/* What all streams of a network share. */
struct Wire {
  struct Listens {
    void (*fn)(void* ctx, visor_stream*);
    void* ctx;
  };
  std::map<std::pair<visor_key, uint16_t>, Listens> listeners;
  /* Of all its streams: pieces like those of a network, one a turn. */
  std::shared_ptr<PipeManners> manners =
      std::make_shared<PipeManners>(PipeManners{.piece = 1400, .room = 256u << 10});
  bool down = false;  // dialing fails
  size_t dials = 0;
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
    auto [here, there] = PipeEnd::make(host(), wire_->manners, visor_addr{key_, 0}, to);
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
