/* One end of a simulated connection. */
#ifndef VISOR_KERNEL_SIM_ENDPOINT_HPP
#define VISOR_KERNEL_SIM_ENDPOINT_HPP
#include <deque>
#include <visor/stream.hpp>

#include "kernel/sim/network.hpp"

namespace visor::kernel::sim {

/* What two ends share.  An end that is gone is null. */
struct Link {
  Endpoint* ends[2] = {nullptr, nullptr};
};

/* A write counts against its sender until the other side has taken it, so that a reader that pauses is felt.
 */
class Endpoint final : public StreamProvider {
 public:
  /* Both ends, each reporting through its own machine's host. */
  static std::pair<Endpoint*, Endpoint*> connect(SimNetwork& network, Host host_a, const TcpAddress& a,
                                                 Host host_b, const TcpAddress& b);
  ~Endpoint() override;

  const std::string& machine() const { return own_.host; }
  const std::string& peer_machine() const { return peer_.host; }
  /* The connection breaks: both sides hear VISOR_ECLOSED. */
  void cut();

 protected:
  visor_status on_write(std::span<const visor_span> parts) override;
  void on_flow(bool flowing) override;
  void on_end() override;
  void on_close() override;
  std::string_view on_origin() override { return origin_; }

 private:
  static constexpr size_t kMaxQueuedBytes = 1u << 20;
  Endpoint(SimNetwork& network, Host host, std::shared_ptr<Link> link, int side, TcpAddress own,
           TcpAddress peer);

  Endpoint* other() const { return link_->ends[1 - side_]; }
  void send(Bytes piece); /* empty: the end */
  void arrive(Bytes piece);
  void drain();
  void taken(size_t size);

  SimNetwork& network_;
  std::shared_ptr<Link> link_;
  const int side_;
  const TcpAddress own_, peer_;
  const std::string origin_;
  std::deque<Bytes> inbox_;
  size_t queued_bytes_ = 0; /* written here, not taken there */
  uint64_t last_arrival_ns_ = 0;
  bool refused_ = false, ended_ = false, peer_ended_ = false;
};

}  // namespace visor::kernel::sim
#endif  // VISOR_KERNEL_SIM_ENDPOINT_HPP
