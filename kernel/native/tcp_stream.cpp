#include "kernel/native/tcp_stream.hpp"

#include <algorithm>

#include "kernel/address.hpp"
#include "kernel/native/uv_error.hpp"

namespace visor::kernel::native {
namespace {

constexpr size_t kWriteAtOnceBytes = 16384;  // more than this is not worth a copy to save a call
constexpr unsigned kKeepAliveSeconds = 60;

}  // namespace

TcpHandle* TcpHandle::make(UvLoop& loop) {
  auto* handle = new TcpHandle;
  uv_tcp_init(loop.uv(), &handle->tcp);
  handle->tcp.data = handle;
  return handle;
}

void TcpHandle::close() {
  user = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&tcp),
           [](uv_handle_t* h) { delete static_cast<TcpHandle*>(h->data); });
}

std::string address_text(const sockaddr_storage& address) {
  char name[INET6_ADDRSTRLEN] = "?";
  uint16_t port = 0;
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    uv_ip6_name(&v6, name, sizeof name);
    port = ntohs(v6.sin6_port);
  } else if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    uv_ip4_name(&v4, name, sizeof name);
    port = ntohs(v4.sin_port);
  }
  return to_text({name, port});
}

TcpStream::TcpStream(Host host, TcpShared& shared, TcpHandle* connected)
    : StreamProvider(host), shared_(shared), handle_(connected) {
  handle_->user = this;
  uv_tcp_nodelay(&handle_->tcp, 1);
  uv_tcp_keepalive(&handle_->tcp, 1, kKeepAliveSeconds);
  sockaddr_storage peer{};
  int size = sizeof peer;
  uv_tcp_getpeername(&handle_->tcp, reinterpret_cast<sockaddr*>(&peer), &size);
  origin_ = address_text(peer);
  shared_.streams.push_back(this);
}

TcpStream::~TcpStream() {
  release();
  std::erase(shared_.streams, this);
  std::erase(shared_.to_flush, this);
}

void TcpStream::release() {
  if (TcpHandle* handle = std::exchange(handle_, nullptr)) handle->close();
}

void TcpStream::fail(int error, const char* doing) {
  release();
  finish(status_of(error), std::string(doing) + " " + origin_ + ": " + uv_strerror(error));
}

// --- reading
// ------------------------------------------------------------------------------------------------------

void TcpStream::on_flow(bool flowing) {
  if (!handle_ || peer_ended_) return;
  if (!flowing) {
    uv_read_stop(handle_->stream());
    return;
  }
  auto allocate = [](uv_handle_t* h, size_t, uv_buf_t* buffer) {
    auto* stream = static_cast<TcpStream*>(static_cast<TcpHandle*>(h->data)->user);
    std::span<char> space = stream->shared_.loop.read_buffer();
    *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
  };
  auto got = [](uv_stream_t* s, ssize_t size, const uv_buf_t* buffer) {
    auto* stream = static_cast<TcpStream*>(static_cast<TcpHandle*>(s->data)->user);
    if (stream) stream->read(size, buffer->base);
  };
  if (int error = uv_read_start(handle_->stream(), allocate, got)) fail(error, "reading from");
}

void TcpStream::read(ssize_t size, const char* data) {
  if (size > 0) {
    shared_.received_bytes += static_cast<uint64_t>(size);
    deliver(bytes(std::string_view(data, static_cast<size_t>(size))));
  } else if (size == UV_EOF) {
    peer_ended_ = true;
    uv_read_stop(handle_->stream());
    deliver_end();
    finish_if_both_ended();
  } else if (size < 0) {
    fail(static_cast<int>(size), "reading from");
  }
}

// --- writing
// ------------------------------------------------------------------------------------------------------

visor_status TcpStream::on_write(std::span<const visor_span> parts) {
  if (!handle_) return host().fail(VISOR_ECLOSED, "the connection to " + origin_ + " is closed");
  size_t total = 0, sent = 0;
  for (const visor_span& part : parts) total += part.size;
  if (queued_bytes() > 0 && queued_bytes() + total > kMaxQueuedBytes) {
    refused_ = true;
    return host().fail(VISOR_EAGAIN, origin_ + " reads more slowly than this; go on when ready");
  }
  if (queued_bytes() == 0 && total >= kWriteAtOnceBytes) {
    int error = 0;
    try_write(parts, total, sent, error);
    if (error) {
      fail(error, "writing to");
      return host().fail(status_of(error), "writing to " + origin_ + ": " + uv_strerror(error));
    }
  }
  for (const visor_span& part : parts) {
    size_t skip = std::min(sent, part.size);
    sent -= skip;
    ByteView rest = bytes(part).subspan(skip);
    out_.insert(out_.end(), rest.begin(), rest.end());
  }
  if (!out_.empty()) flush_later();
  return VISOR_OK;
}

void TcpStream::try_write(std::span<const visor_span> parts, size_t total, size_t& sent, int& error) {
  std::vector<uv_buf_t> buffers;
  for (const visor_span& part : parts) {
    auto* data = const_cast<char*>(static_cast<const char*>(part.data)); /* libuv only reads it */
    if (part.size > 0) buffers.push_back(uv_buf_init(data, static_cast<unsigned>(part.size)));
  }
  int result =
      total > 0 ? uv_try_write(handle_->stream(), buffers.data(), static_cast<unsigned>(buffers.size())) : 0;
  sent = result > 0 ? static_cast<size_t>(result) : 0;
  error = result < 0 && result != UV_EAGAIN ? result : 0;
  shared_.sent_bytes += sent;
}

void TcpStream::flush_later() {
  if (std::exchange(flush_due_, true)) return;
  shared_.to_flush.push_back(this);
  if (shared_.to_flush.size() > 1) return;
  shared_.loop.at_turn_end([&shared = shared_, alive = std::weak_ptr(shared_.alive)] {
    if (alive.expired()) return;
    for (TcpStream* stream : std::exchange(shared.to_flush, {})) stream->flush();
  });
}

void TcpStream::flush() {
  flush_due_ = false;
  if (!handle_ || !writing_.empty()) return;
  if (!out_.empty()) {
    visor_span all = to_span(ByteView(out_));
    size_t sent = 0;
    int error = 0;
    try_write({&all, 1}, all.size, sent, error);
    if (error) return fail(error, "writing to");
    if (sent < out_.size()) {
      out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(sent));
      writing_.swap(out_);
      uv_buf_t buffer =
          uv_buf_init(reinterpret_cast<char*>(writing_.data()), static_cast<unsigned>(writing_.size()));
      auto done = [](uv_write_t* request, int status) {
        auto* stream = static_cast<TcpStream*>(static_cast<TcpHandle*>(request->handle->data)->user);
        if (stream) stream->written(status);
      };
      error = uv_write(&handle_->write, handle_->stream(), &buffer, 1, done);
      if (error) fail(error, "writing to");
      return;
    }
    out_.clear();
    // All of it went at once, so that nothing will be written() any more.
    if (refused_) tasks().post([this] { ready_again(); });
  }
  if (ending_ && !shut_) {
    auto done = [](uv_shutdown_t* request, int status) {
      auto* stream = static_cast<TcpStream*>(static_cast<TcpHandle*>(request->handle->data)->user);
      if (!stream) return;
      if (status != 0) return stream->fail(status, "ending the connection to");
      stream->shut_ = true;
      stream->finish_if_both_ended();
    };
    if (int error = uv_shutdown(&handle_->shutdown, handle_->stream(), done))
      fail(error, "ending the connection to");
  }
}

void TcpStream::written(int status) {
  if (status != 0) return fail(status, "writing to");
  shared_.sent_bytes += writing_.size();
  writing_.clear();
  flush();
  ready_again();
}

void TcpStream::ready_again() {
  if (!refused_ || queued_bytes() > kMaxQueuedBytes / 2) return;
  refused_ = false;
  deliver_ready();
}

void TcpStream::on_end() {
  ending_ = true;
  flush_later();
}

// What the socket takes at once still goes out: an answer and a close in one turn is what servers do.
void TcpStream::on_close() {
  ending_ = false;
  flush();
  release();
}

void TcpStream::finish_if_both_ended() {
  if (!shut_ || !peer_ended_) return;
  release();
  finish(VISOR_OK);
}

}  // namespace visor::kernel::native
