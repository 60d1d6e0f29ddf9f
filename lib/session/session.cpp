#include "lib/session/session.hpp"

#include "lib/session/impl.hpp"

namespace visor::session {

Session::Session(Host host, visor_identity* identity, visor_stream* carrier, Options options, Events events)
    : impl_(std::make_shared<Impl>(host, identity, carrier, std::move(options), std::move(events))) {
  impl_->start();
}

Session::~Session() {
  impl_->drop();
}

Result<visor_stream*> Session::open(uint16_t port) {
  return impl_->open(port);
}

Result<Bytes> Session::seal(ByteView object) {
  return impl_->seal(object);
}

Result<Bytes> Session::open_sealed(ByteView sealed) {
  return impl_->open_sealed(sealed);
}

const visor_key* Session::peer() const {
  return impl_->peer();
}

void Session::shutdown() {
  impl_->shutdown();
}

Counters Session::counters() const {
  return impl_->counters();
}

size_t Session::held_bytes() const {
  return impl_->held_bytes();
}

}  // namespace visor::session
