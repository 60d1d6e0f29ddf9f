/* The ports of this client: those that somebody listens on, and those that dialled streams come from. */
#ifndef VISOR_DMSG_CLIENT_PORTS_HPP
#define VISOR_DMSG_CLIENT_PORTS_HPP
#include <bitset>
#include <memory>
#include <optional>
#include <visor/value.hpp>

namespace visor::dmsg_client {

class Ports : public std::enable_shared_from_this<Ports> {
 public:
  static constexpr uint16_t kFirstEphemeral = 49152;

  bool taken(uint16_t port) const { return taken_[port]; }
  void take(uint16_t port) { taken_[port] = true; }
  void release(uint16_t port) { taken_[port] = false; }

  /* A port of its own for a dialled stream, free again when nobody holds it any more. They count up, so that
   * one is not used again soon. */
  struct Lease {
    uint16_t port = 0;
    std::shared_ptr<Ports> ports;
    Lease(uint16_t p, std::shared_ptr<Ports> of) : port(p), ports(std::move(of)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      ports->release(port);
      --ports->leased_;
    }
  };
  /* Null: all are in use. */
  std::shared_ptr<Lease> lease() {
    for (unsigned tries = 0; tries < kEphemeral; ++tries) {
      last_ = last_ == 65535 ? kFirstEphemeral : static_cast<uint16_t>(last_ + 1);
      if (taken(last_)) continue;
      take(last_);
      ++leased_;
      return std::make_shared<Lease>(last_, shared_from_this());
    }
    return nullptr;
  }

  static constexpr size_t kEphemeral = 65536 - kFirstEphemeral;
  size_t leased() const { return leased_; }

 private:
  std::bitset<65536> taken_;
  uint16_t last_ = kFirstEphemeral;
  size_t leased_ = 0;
};

}  // namespace visor::dmsg_client
#endif  // VISOR_DMSG_CLIENT_PORTS_HPP
