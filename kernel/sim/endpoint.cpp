#include "kernel/sim/endpoint.hpp"

#include <algorithm>

namespace visor::kernel::sim {

std::pair<Endpoint*, Endpoint*> Endpoint::connect(SimNetwork& network, Host host_a, const TcpAddress& a,
                                                  Host host_b, const TcpAddress& b) {
  auto link = std::make_shared<Link>();
  return {new Endpoint(network, host_a, link, 0, a, b), new Endpoint(network, host_b, link, 1, b, a)};
}

Endpoint::Endpoint(SimNetwork& network, Host host, std::shared_ptr<Link> link, int side, TcpAddress own,
                   TcpAddress peer)
    : StreamProvider(host),
      network_(network),
      link_(std::move(link)),
      side_(side),
      own_(std::move(own)),
      peer_(std::move(peer)),
      origin_(to_text(peer_)) {
  link_->ends[side_] = this;
  network_.endpoints_.push_back(this);
}

Endpoint::~Endpoint() {
  link_->ends[side_] = nullptr;
  std::erase(network_.endpoints_, this);
}

void Endpoint::cut() {
  for (Endpoint* end : link_->ends) {
    if (end) end->finish(VISOR_ECLOSED, "the connection to " + end->origin_ + " was lost");
  }
}

visor_status Endpoint::on_write(std::span<const visor_span> parts) {
  Bytes data;
  for (const visor_span& part : parts) {
    ByteView view = bytes(part);
    data.insert(data.end(), view.begin(), view.end());
  }
  if (queued_bytes_ > 0 && queued_bytes_ + data.size() > kMaxQueuedBytes) {
    refused_ = true;
    return host().fail(VISOR_EAGAIN, "the peer reads more slowly than this; go on when ready");
  }
  queued_bytes_ += data.size();
  size_t pieces =
      network_.options_.split && data.size() > 1 ? static_cast<size_t>(1 + network_.loop_.below(3)) : 1;
  for (; pieces > 1 && data.size() > 1; --pieces) {
    auto size = static_cast<ptrdiff_t>(1 + network_.loop_.below(data.size() - 1));
    send(Bytes(data.begin(), data.begin() + size));
    data.erase(data.begin(), data.begin() + size);
  }
  send(std::move(data));
  return VISOR_OK;
}

void Endpoint::send(Bytes piece) {
  SimLoop& loop = network_.loop_;
  uint64_t arrival_ns = std::max(last_arrival_ns_, loop.now_ns() + network_.latency_ms() * 1000000);
  last_arrival_ns_ = arrival_ns;
  uint64_t wait_ms = (arrival_ns - loop.now_ns() + 999999) / 1000000;
  loop.timer(wait_ms, 0, [link = link_, side = side_, piece = std::move(piece)]() mutable {
    Endpoint* to = link->ends[1 - side];
    Endpoint* from = link->ends[side];
    if (to && !to->finished()) return to->arrive(std::move(piece));
    if (from && !from->finished() && !piece.empty()) {
      from->finish(VISOR_ECLOSED, "the connection was reset by " + from->origin_);
    }
  });
}

void Endpoint::arrive(Bytes piece) {
  SimLoop& loop = network_.loop_;
  loop.note(loop.now_ns());
  loop.note(bytes(std::string_view(origin_)));
  loop.note(piece.size());
  loop.note(piece);
  if (network_.options_.cut_per_million > 0 && loop.below(1000000) < network_.options_.cut_per_million)
    return cut();
  inbox_.push_back(std::move(piece));
  drain();
}

void Endpoint::drain() {
  while (flowing() && !inbox_.empty()) {
    Bytes piece = std::move(inbox_.front());
    inbox_.pop_front();
    if (piece.empty()) {
      peer_ended_ = true;
      deliver_end();
      if (ended_) finish(VISOR_OK);
      continue;
    }
    network_.delivered_bytes_ += piece.size();
    if (Endpoint* sender = other()) {
      sender->tasks().post([sender, size = piece.size()] { sender->taken(size); });
    }
    deliver(piece);
  }
}

void Endpoint::taken(size_t size) {
  queued_bytes_ -= size;
  if (refused_ && queued_bytes_ <= kMaxQueuedBytes / 2) {
    refused_ = false;
    deliver_ready();
  }
}

void Endpoint::on_flow(bool flowing) {
  if (flowing && !inbox_.empty()) {
    tasks().post([this] { drain(); });
  }
}

void Endpoint::on_end() {
  ended_ = true;
  send({});
  if (peer_ended_) finish(VISOR_OK);
}

// What was written still arrives, then the end; a peer that goes on writing hears of a reset.
void Endpoint::on_close() {
  if (!ended_) send({});
}

}  // namespace visor::kernel::sim
