/* A TCP connection as a visor_stream. */
#ifndef VISOR_KERNEL_NATIVE_TCP_STREAM_HPP
#define VISOR_KERNEL_NATIVE_TCP_STREAM_HPP
#include <string>
#include <visor/stream.hpp>

#include "kernel/native/loop.hpp"

namespace visor::kernel::native {

class TcpStream;

/* libuv's part of a connection; outlives the stream until libuv has closed it, and frees itself then. */
struct TcpHandle {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  uv_shutdown_t shutdown;
  void* user = nullptr; /* an attempt to connect, then a TcpStream; null once nobody wants its events */

  static TcpHandle* make(UvLoop& loop);
  void close();
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
};

/* What the streams of one kernel share. */
struct TcpShared {
  explicit TcpShared(UvLoop& l) : loop(l) {}
  UvLoop& loop;
  std::vector<TcpStream*> streams;
  std::vector<TcpStream*> to_flush; /* at the end of this turn */
  uint64_t received_bytes = 0, sent_bytes = 0;
  std::shared_ptr<char> alive = std::make_shared<char>();
};

/* Small writes of one turn go out as one; a megabyte waits at most, then writes meet VISOR_EAGAIN. */
class TcpStream final : public StreamProvider {
 public:
  static constexpr size_t kMaxQueuedBytes = 1u << 20;

  TcpStream(Host host, TcpShared& shared, TcpHandle* connected);
  ~TcpStream() override;

  size_t queued_bytes() const { return out_.size() + writing_.size(); }
  void flush();

 protected:
  visor_status on_write(std::span<const visor_span> parts) override;
  void on_flow(bool flowing) override;
  void on_end() override;
  void on_close() override;
  std::string_view on_origin() override { return origin_; }

 private:
  void read(ssize_t size, const char* data);
  void written(int status);
  void ready_again();
  void fail(int error, const char* doing);
  void flush_later();
  void try_write(std::span<const visor_span> parts, size_t total, size_t& sent, int& error);
  void finish_if_both_ended();
  void release();

  TcpShared& shared_;
  TcpHandle* handle_; /* null once closed */
  std::string origin_;
  Bytes out_, writing_; /* waiting; given to libuv */
  bool refused_ = false, flush_due_ = false;
  bool ending_ = false, shut_ = false, peer_ended_ = false;
};

/* "127.0.0.1:80" of a socket's own or its peer's address. */
std::string address_text(const sockaddr_storage& address);

}  // namespace visor::kernel::native
#endif  // VISOR_KERNEL_NATIVE_TCP_STREAM_HPP
