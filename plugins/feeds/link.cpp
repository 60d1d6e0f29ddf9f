#include "link.hpp"

#include <algorithm>

namespace visor::feeds {

Link::Link(Host host, Owner& owner, const visor_addr& peer, const LinkOptions& options)
    : host_(host), tasks_(host), owner_(owner), peer_(peer), options_(options), announced_(host) {}

void Link::want(const std::string& network) {
  ++wants_[network];
  if (!up_ && !dialing()) tasks_.post([this] { dial(); });
}

void Link::unwant(const std::string& network) {
  auto at = wants_.find(network);
  if (at != wants_.end() && --at->second == 0) wants_.erase(at);
  if (!wants_.empty()) return;
  retry_.cancel();
  limit_.cancel();
  dial_ = {};
}

visor_handle* Link::announce(State state, void* ctx, std::function<void()> closed) {
  visor_handle* handle = announced_.add({state, ctx}, std::move(closed));
  if (up_) tell({VISOR_OK, ""});
  return handle;
}

/* Tells on a later turn, those who still listen then. */
void Link::tell(const Error& state) {
  tasks_.post([this, state] {
    announced_.each([&](const Told& told) {
      if (!told.state) return;
      told.state(told.ctx, state.status == VISOR_OK ? VISOR_OK : host_.fail(state));
    });
  });
}

void Link::up() {
  handed_over_ = false;
  limit_.cancel();
  retry_.cancel();
  dial_ = {};
  if (up_) return;
  up_ = true;
  up_since_ms_ = host_.now_ms();
  last_error_.clear();
  tell({VISOR_OK, ""});
}

void Link::down(const Error& why) {
  handed_over_ = false;
  const bool was_up = std::exchange(up_, false);
  if (was_up && host_.now_ms() - up_since_ms_ >= options_.stable_ms) failures_ = 0;
  failed(why);
}

void Link::failed(const Error& why) {
  dial_ = {};
  limit_.cancel();
  last_error_ = why.text;
  tell(why);
  retry();
}

void Link::retry() {
  if (wants_.empty() || up_) return;
  uint64_t after_ms = options_.first_retry_ms << std::min(failures_, 20u);
  after_ms = std::min(after_ms, options_.max_retry_ms);
  ++failures_;
  // Peers that lost each other at one time do not come back at one time.
  uint8_t noise = 0;
  host_.random({&noise, 1});
  retry_ = Timer::once(host_, after_ms * 3 / 4 + after_ms * noise / 512, [this] { dial(); });
}

void Link::dial() {
  if (up_ || dialing() || wants_.empty()) return;
  // With every failure the next of the networks that are here.
  std::vector<std::string> here;
  for (const auto& [name, wants] : wants_) {
    if (owner_.network(name)) here.push_back(name);
  }
  if (here.empty()) {
    return failed(
        {VISOR_ENOENT, "there is no network '" + wants_.begin()->first + "'; it is dialed when it comes"});
  }
  dialing_on_ = here[failures_ % here.size()];
  visor_net* net = owner_.network(dialing_on_);
  limit_ = Timer::once(host_, options_.dial_ms, [this] {
    failed({VISOR_ETIMEDOUT,
            "dialing on '" + dialing_on_ + "' took longer than " + std::to_string(options_.dial_ms) + " ms"});
  });
  const visor_status status = dial_.start([&](visor_done done) { return net->api->dial(net, &peer_, done); },
                                          [this](visor_status result, visor_stream* stream) {
                                            limit_.cancel();
                                            if (result != VISOR_OK) return failed(host_.error(result));
                                            handed_over_ = true;
                                            owner_.dialed(dialing_on_, stream);
                                          },
                                          [net](void* ctx) { net->api->cancel(net, ctx); });
  if (status != VISOR_OK) failed(host_.error(status));
}

void Link::network_changed(const std::string& name, bool here) {
  if (!here) {
    if (dial_.pending() && dialing_on_ == name)
      failed({VISOR_ECLOSED, "the network '" + name + "' has gone"});
    return;
  }
  if (!wants_.contains(name) || up_ || dialing()) return;
  retry_.cancel();
  tasks_.post([this] { dial(); });
}

}  // namespace visor::feeds
