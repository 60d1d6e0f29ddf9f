#include "bench/dmsg_floor.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "bench/bench.hpp"
#include "bench/machine.hpp"

namespace visor::bench {
namespace {

sockaddr_in local(uint16_t port) {
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", port, &address);
  return address;
}

/* --- children ------------------------------------------------------------------------------- */

/* One connection; each buffer is its write's until that is done, and nothing is read meanwhile. */
struct Connection {
  uv_tcp_t tcp{};
  uv_write_t write{};
  uv_connect_t connect{};
  Connection* to = nullptr; /* where what is read goes */
  char buffer[65536];
  char mode = 0;
  uint64_t received = 0, sink_bytes = 0;
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
};

Connection& of(void* handle) {
  return *static_cast<Connection*>(static_cast<uv_handle_t*>(handle)->data);
}

void start_reading(Connection& connection);

void send(Connection& from, Connection& to, const char* data, size_t size) {
  uv_buf_t part = uv_buf_init(const_cast<char*>(data), static_cast<unsigned>(size));
  int sent = uv_try_write(to.stream(), &part, 1);
  if (sent == static_cast<int>(size)) return;
  if (sent > 0) part = uv_buf_init(part.base + sent, static_cast<unsigned>(size - static_cast<size_t>(sent)));
  uv_read_stop(from.stream());
  from.write.data = &from;
  uv_write(&from.write, to.stream(), &part, 1, [](uv_write_t* request, int status) {
    if (status == 0) start_reading(*static_cast<Connection*>(request->data));
  });
}

void close(Connection* connection) {
  if (!connection || uv_is_closing(reinterpret_cast<uv_handle_t*>(&connection->tcp))) return;
  Connection* to = std::exchange(connection->to, nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&connection->tcp), [](uv_handle_t* handle) { delete &of(handle); });
  if (to == connection) return;
  if (to) to->to = nullptr;
  close(to);
}

void take(Connection& connection, size_t size) {
  const char* data = connection.buffer;
  if (connection.to && connection.to != &connection) return send(connection, *connection.to, data, size);
  if (connection.mode == 0) {
    connection.mode = *data++;
    if (--size == 0) return;
  }
  if (connection.mode == 'e') return send(connection, connection, data, size);
  connection.received += size;
  if (connection.received >= connection.sink_bytes) send(connection, connection, "!", 1);
}

void start_reading(Connection& connection) {
  uv_read_start(
      connection.stream(),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        *buffer = uv_buf_init(of(handle).buffer, sizeof of(handle).buffer);
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
        Connection& self = of(stream);
        if (size < 0) return close(&self);
        take(self, static_cast<size_t>(size));
      });
}

Connection* make(uv_loop_t* loop) {
  auto* made = new Connection;
  uv_tcp_init(loop, &made->tcp);
  made->tcp.data = made;
  return made;
}

/* Serves until the parent closes our input. */
void serve(std::function<void(Connection&)> accepted) {
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  listener.data = &accepted;
  sockaddr_in address = local(0);
  uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0);
  int listening = uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, [](uv_stream_t* stream, int) {
    Connection* connection = make(stream->loop);
    uv_accept(stream, connection->stream());
    uv_tcp_nodelay(&connection->tcp, 1);
    (*static_cast<std::function<void(Connection&)>*>(stream->data))(*connection);
  });
  int size = sizeof address;
  uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size);
  if (listening != 0) give_up("the floor cannot listen");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  uv_pipe_t input;
  uv_pipe_init(loop, &input, 0);
  uv_pipe_open(&input, 0);
  static char ignored[64];
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&input),
      [](uv_handle_t*, size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(ignored, sizeof ignored); },
      [](uv_stream_t* stream, ssize_t got, const uv_buf_t*) {
        if (got < 0) uv_stop(stream->loop);
      });
  uv_run(loop, UV_RUN_DEFAULT);
  _exit(0);
}

/* --- this process --------------------------------------------------------------------------- */

/* A blocking connection: the least that a user of it can spend. */
class Socket {
 public:
  explicit Socket(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = local(port);
    int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      give_up("no connection");
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  void send(const char* data, size_t size) {
    while (size > 0) {
      ssize_t sent = ::send(fd_, data, size, MSG_NOSIGNAL);
      if (sent <= 0) give_up("the floor's connection broke");
      data += sent;
      size -= static_cast<size_t>(sent);
    }
  }
  void receive(char* data, size_t size) {
    if (::recv(fd_, data, size, MSG_WAITALL) != static_cast<ssize_t>(size))
      give_up("the floor's connection broke");
  }

 private:
  int fd_;
};

}  // namespace

void run_plain_relay(uint16_t to) {
  serve([to](Connection& from) {
    Connection* onward = make(from.tcp.loop);
    from.to = onward;
    onward->to = &from;
    sockaddr_in address = local(to);
    uv_tcp_nodelay(&onward->tcp, 1);
    uv_tcp_connect(&onward->connect, &onward->tcp, reinterpret_cast<const sockaddr*>(&address),
                   [](uv_connect_t* request, int status) {
                     Connection& self = of(request->handle);
                     if (status != 0) return close(&self);
                     start_reading(self);
                     if (self.to) start_reading(*self.to);
                   });
  });
}

void run_plain_end(uint64_t sink_bytes) {
  serve([sink_bytes](Connection& connection) {
    connection.to = &connection;
    connection.sink_bytes = sink_bytes;
    start_reading(connection);
  });
}

double plain_setup_ms(uint16_t port, int count) {
  std::vector<double> each;
  each.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    each.push_back(1000 * seconds([port] {
                     Socket socket(port);
                     char answer = 0;
                     socket.send("e?", 2);
                     socket.receive(&answer, 1);
                   }));
  }
  std::ranges::nth_element(each, each.begin() + count / 2);
  return each[static_cast<size_t>(count / 2)];
}

double plain_echo_s(uint16_t port, int count, size_t size) {
  Socket socket(port);
  socket.send("e", 1);
  std::vector<char> words(size, 'x');
  return count / seconds([&] {
           for (int i = 0; i < count; ++i) {
             socket.send(words.data(), size);
             socket.receive(words.data(), size);
           }
         });
}

double plain_stream_mb_s(uint16_t port, uint64_t total, size_t block) {
  Socket socket(port);
  std::vector<char> data(block, 'x');
  double took = seconds([&] {
    socket.send("s", 1);
    for (uint64_t sent = 0; sent < total; sent += block) socket.send(data.data(), block);
    char done = 0;
    socket.receive(&done, 1);
  });
  return static_cast<double>(total) / 1e6 / took;
}

}  // namespace visor::bench
