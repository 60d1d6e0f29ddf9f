#include "network.hpp"

#include <algorithm>

#include "lib/crypto/secp256k1.hpp"

namespace visor::dmsg_client {

Network::Network(Host host, visor_identity* identity, Carrier carrier, const Config& config)
    : NetProvider(host),
      config_(config),
      farewell_(host),
      sessions_(host, std::move(carrier), identity, config_,
                {.changed = [this] { changed_(); },
                 .accept = [this](const SessionPointer& session,
                                  visor_stream* stream) { accept(session, stream); }}),
      parts_{{host, identity, &farewell_, config_.limits.setup_ms}, sessions_, nullptr, config_.limits},
      listeners_(host) {}

Network::~Network() {
  stop();
}

void Network::use(dmsg::Directory& directory) {
  entries_ = std::make_unique<Entries>(host(), directory);
  parts_.entries = entries_.get();
}

void Network::start(std::function<void()> changed) {
  changed_ = std::move(changed);
  running_ = true;
  sessions_.start();
}

void Network::stop() {
  running_ = false;
  waiting_.clear();
  dials_.clear();
  accepting_.clear();
  for (auto& [number, done] : done_) {
    done.later(Error{VISOR_ECANCELED, "the relay network's client stops"});
  }
  done_.clear();
  sessions_.stop();
}

/* --- dialling ------------------------------------------------------------------------------- */

visor_status Network::dial(const visor_addr* to, visor_done raw) {
  auto begun = begin_dial(*to, true, {});
  if (!begun) return host().fail(begun.error());
  done_.emplace(*begun, Done(host(), raw));
  return VISOR_OK;
}

Result<uint64_t> Network::begin_dial(const visor_addr& to, bool lookup, Dial::Finished finished) {
  if (!running_) return failure(VISOR_ECLOSED, "the relay network's client is not running");
  if (to.port == 0) return failure(VISOR_EINVAL, "a port of dmsg is 1 to 65535; got 0");
  if (!crypto::valid_public_key(to.key)) return failure(VISOR_EINVAL, "not a public key: " + to_hex(to.key));
  if (dials_.size() >= config_.limits.dials) {
    return failure(VISOR_EAGAIN,
                   std::to_string(dials_.size()) + " dials are under way, the limit; try later");
  }
  auto port = ports_->lease();
  if (!port) return failure(VISOR_ENOSPC, "every port for dialled streams is in use");
  uint64_t number = ++last_number_;
  Dialing& dialing = dials_[number];
  dialing.dial =
      std::make_unique<Dial>(parts_, to, std::move(port), lookup,
                             [this, number, finished = std::move(finished)](Result<visor_stream*> stream) {
                               dialed(number, std::move(stream), finished);
                             });
  dialing.urgent = !lookup;
  if (dialing.urgent) {
    dialing.begun = true;
    dialing.dial->begin();
  } else {
    waiting_.push_back(number);
    begin_waiting();
  }
  return number;
}

void Network::begin_waiting() {
  while (active_ < config_.limits.setups && !waiting_.empty()) {
    auto at = dials_.find(waiting_.front());
    waiting_.pop_front();
    if (at == dials_.end()) continue; /* canceled */
    at->second.begun = true;
    ++active_;
    at->second.dial->begin();
  }
}

void Network::dialed(uint64_t number, Result<visor_stream*> stream, const Dial::Finished& finished_by) {
  Dial::Finished finished = finished_by; /* it lives in the dial, which ends here */
  ++(stream ? counters_.dialed : counters_.failed);
  forget_dial(number);
  if (finished) return finished(std::move(stream));
  auto node = done_.extract(number);
  if (!node) return;
  if (!stream) return node.mapped().complete(stream.error());
  node.mapped().complete(VISOR_OK, *stream);
}

void Network::forget_dial(uint64_t number) {
  auto node = dials_.extract(number);
  if (!node) return;
  if (!node.mapped().begun) std::erase(waiting_, number);
  if (node.mapped().begun && !node.mapped().urgent) --active_;
  begin_waiting();
}

void Network::cancel(void* done_ctx) {
  auto at = std::ranges::find_if(done_, [done_ctx](const auto& row) { return row.second.is(done_ctx); });
  if (at == done_.end()) return;
  Done done = std::move(at->second);
  forget_dial(at->first);
  done_.erase(at);
  done.later(Error{VISOR_ECANCELED, "the dial was canceled"});
}

/* --- accepting ------------------------------------------------------------------------------ */

visor_status Network::listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                             visor_handle** handle) {
  if (port == 0) return host().fail(VISOR_EINVAL, "a port of dmsg is 1 to 65535; got 0");
  if (ports_->taken(port)) {
    return host().fail(VISOR_EEXIST, "port " + std::to_string(port) + " of dmsg is taken already");
  }
  ports_->take(port);
  listening_.emplace(port, Listening{fn, ctx});
  *handle = listeners_.add(
      port,
      [this, port] {
        listening_.erase(port);
        ports_->release(port);
      },
      "dmsg:" + std::to_string(port));
  return VISOR_OK;
}

void Network::accept(const SessionPointer& session, visor_stream* stream) {
  if (!running_ || accepting_.size() >= config_.limits.accepting) {
    ++counters_.refused;
    return farewell_.say(Stream(host(), stream));
  }
  uint64_t number = ++last_number_;
  accepting_.emplace(
      number,
      std::make_unique<AcceptSetup>(
          parts_.setup, session, stream,
          AcceptSetup::Events{
              .listening = [this](uint16_t port) { return listening_.contains(port); },
              .finished = [this, number](Result<visor_stream*> result,
                                         uint16_t port) { accepted(number, std::move(result), port); }}));
}

void Network::accepted(uint64_t number, Result<visor_stream*> stream, uint16_t port) {
  accepting_.erase(number);
  if (!stream) {
    ++(stream.error().status == VISOR_ENOENT ? counters_.unheard : counters_.malformed);
    return host().debug("dmsg: a peer's stream was not taken: " + stream.error().text);
  }
  ++counters_.accepted;
  auto at = listening_.find(port);
  if (at == listening_.end()) return (*stream)->api->close(*stream);
  at->second.fn(at->second.ctx, *stream);
}

}  // namespace visor::dmsg_client
