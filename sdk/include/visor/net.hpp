/* visor/net.hpp - bases for providers of identity, sockets, networks, transports and fetch.  Header-only;
 * part of visor/plugin.hpp.  What each function promises is in net.h. */
#ifndef VISOR_NET_HPP
#define VISOR_NET_HPP
#include "host.hpp"
#include "net.h"

namespace visor {

class IdentityProvider : public Object<visor_identity> {
 public:
  virtual const visor_key* key() = 0;
  virtual visor_status sign(const uint8_t digest[32], uint8_t signature[65]) = 0;
  virtual visor_status agree(const visor_key* peer, uint8_t secret[32]) = 0;

 protected:
  explicit IdentityProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_identity_api kApi;
};
inline constexpr visor_identity_api IdentityProvider::kApi = {
    sizeof(visor_identity_api), 0, thunk_any<&IdentityProvider::key>, thunk_any<&IdentityProvider::sign>,
    thunk_any<&IdentityProvider::agree>};

/* caps: VISOR_SOCKETS_*; the table is the object's own because they differ from host to host. */
class SocketsProvider : public Object<visor_sockets> {
 public:
  virtual visor_status connect(visor_span url, visor_done done) = 0;
  virtual visor_status listen(visor_span url, void (*fn)(void* ctx, visor_stream*), void* ctx,
                              visor_handle** handle) = 0;
  virtual void cancel(void* done_ctx) = 0;

 protected:
  SocketsProvider(Host host, uint32_t caps)
      : Object(host, &table_),
        table_{sizeof(visor_sockets_api), caps, thunk<&SocketsProvider::connect>,
               thunk<&SocketsProvider::listen>, thunk<&SocketsProvider::cancel>} {}

 private:
  visor_sockets_api table_;
};

class FetchProvider : public Object<visor_fetch> {
 public:
  virtual visor_status send(const visor_request* request, visor_done done) = 0;
  virtual void cancel(void* done_ctx) = 0;

 protected:
  explicit FetchProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_fetch_api kApi;
};
inline constexpr visor_fetch_api FetchProvider::kApi = {
    sizeof(visor_fetch_api), 0, thunk<&FetchProvider::send>, thunk<&FetchProvider::cancel>};

class NetProvider : public Object<visor_net> {
 public:
  virtual visor_status dial(const visor_addr* to, visor_done done) = 0;
  virtual visor_status listen(uint16_t port, void (*fn)(void* ctx, visor_stream*), void* ctx,
                              visor_handle** handle) = 0;
  virtual void cancel(void* done_ctx) = 0;

 protected:
  explicit NetProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_net_api kApi;
};
inline constexpr visor_net_api NetProvider::kApi = {sizeof(visor_net_api), 0, thunk<&NetProvider::dial>,
                                                    thunk<&NetProvider::listen>, thunk<&NetProvider::cancel>};

class TransportsProvider : public Object<visor_transports> {
 public:
  virtual void each(void (*fn)(void* ctx, const visor_transport*), void* ctx) = 0;
  virtual visor_status watch(void (*changed)(void* ctx), void* ctx, visor_handle** handle) = 0;
  virtual visor_status save(const visor_key* remote, visor_span type, visor_span address, visor_span label,
                            visor_done done) = 0;
  virtual void cancel(void* done_ctx) = 0;
  virtual visor_status remove(const uint8_t id[16]) = 0;

 protected:
  explicit TransportsProvider(Host host) : Object(host, &kApi) {}

 private:
  static const visor_transports_api kApi;
};
inline constexpr visor_transports_api TransportsProvider::kApi = {
    sizeof(visor_transports_api),      0,
    thunk<&TransportsProvider::each>,  thunk<&TransportsProvider::watch>,
    thunk<&TransportsProvider::save>,  thunk<&TransportsProvider::cancel>,
    thunk<&TransportsProvider::remove>};

/* The user's side of a listener: fn owns each stream that it is handed. */
class Listener {
 public:
  using Accept = std::function<void(visor_stream*)>;
  Listener() = default;

  Result<void> listen(Host host, visor_net* net, uint16_t port, Accept accept) {
    return open(host, std::move(accept), [&](auto fn, void* ctx, visor_handle** handle) {
      return net->api->listen(net, port, fn, ctx, handle);
    });
  }
  /* url as for visor_sockets_api.listen, "tcp://127.0.0.1:0". */
  Result<void> listen(Host host, visor_sockets* sockets, std::string_view url, Accept accept) {
    return open(host, std::move(accept), [&](auto fn, void* ctx, visor_handle** handle) {
      return sockets->api->listen(sockets, to_span(url), fn, ctx, handle);
    });
  }
  explicit operator bool() const { return handle_ != nullptr; }
  /* What was bound, "tcp://127.0.0.1:40123". */
  std::string_view address() const {
    return handle_ ? text(handle_->api->address(handle_.get())) : std::string_view{};
  }
  void close() { handle_.reset(); }

 private:
  template <class Open>
  Result<void> open(Host host, Accept accept, Open&& open) {
    close();
    accept_ = std::make_unique<Accept>(std::move(accept));
    visor_handle* handle = nullptr;
    auto accepted = [](void* ctx, visor_stream* stream) { (*static_cast<Accept*>(ctx))(stream); };
    visor_status status = open(+accepted, accept_.get(), &handle);
    if (status != VISOR_OK) return std::unexpected(host.error(status));
    handle_.reset(handle);
    return {};
  }
  std::unique_ptr<Accept> accept_;
  Owned<visor_handle> handle_;
};

}  // namespace visor
#endif  // VISOR_NET_HPP
