#include "bench/feeds_floor.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <unordered_map>
#include <vector>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "lib/crypto/secp256k1.hpp"

namespace visor::bench {
namespace {

constexpr size_t kLeafBytes = 13 + 200;  // path and value

crypto::KeyPair key_pair() {
  crypto::KeyPair pair;
  pair.secret.data()[31] = 7;
  pair.key = *crypto::public_key_of(pair.secret);
  return pair;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  bool send(ByteView data) {
    while (!data.empty()) {
      const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data = data.subspan(static_cast<size_t>(sent));
    }
    return true;
  }
  bool receive(std::span<uint8_t> data) {
    while (!data.empty()) {
      const ssize_t got = ::recv(fd_, data.data(), data.size(), 0);
      if (got <= 0) return false;
      data = data.subspan(static_cast<size_t>(got));
    }
    return true;
  }

 private:
  int fd_;
};

struct Signed {
  crypto::Hash hash;
  crypto::Signature signature;
};

/* All leaves, then the hash of their hashes and its signature. */
void send_all(Socket& socket, ByteView leaves, const crypto::KeyPair& pair) {
  constexpr size_t kAtATime = 300 * kLeafBytes;
  crypto::Sha256 all;
  for (size_t at = 0; at < leaves.size(); at += kAtATime) {
    const ByteView part = leaves.subspan(at, std::min(kAtATime, leaves.size() - at));
    for (size_t i = 0; i < part.size(); i += kLeafBytes) {
      const crypto::Hash hash = crypto::sha256(part.subspan(i, kLeafBytes));
      all.update(hash);
    }
    if (!socket.send(part)) return;
  }
  const crypto::Hash hash = all.finish();
  socket.send(crypto::sign_recoverable(hash, pair.secret)->bytes);
}

void receive_all(Socket& socket, size_t leaves, const visor_key& key) {
  constexpr size_t kAtATime = 300;
  std::vector<uint8_t> buffer(kAtATime * kLeafBytes);
  std::vector<Bytes> kept;
  crypto::Sha256 all;
  for (size_t left = leaves; left > 0;) {
    const size_t now = std::min(left, kAtATime);
    if (!socket.receive(std::span(buffer).first(now * kLeafBytes))) give_up("the floor's child has gone");
    for (size_t i = 0; i < now; ++i) {
      const crypto::Hash hash = crypto::sha256(ByteView(buffer).subspan(i * kLeafBytes, kLeafBytes));
      all.update(hash);
    }
    left -= now;
  }
  crypto::Signature signature;
  if (!socket.receive(signature.bytes) || !crypto::verify(key, signature, all.finish()))
    give_up("it is not verified");
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int connect_to(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("nobody listens");
  return fd;
}

}  // namespace

Floor::Floor(const std::string& program, size_t leaves)
    : leaves_(leaves), child_({program, "floor", std::to_string(leaves)}), port_(child_.hear()) {}

Floor::~Floor() {
  Socket socket(connect_to(static_cast<uint16_t>(std::stoul(port_))));
  const uint8_t quit = 'q';
  socket.send({&quit, 1});
}

/* The first byte of a connection says what is wanted: all, or one leaf for each further byte. */
void Floor::serve(size_t leaves) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 8) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    give_up("nothing can listen");
  }
  Bytes all(leaves * kLeafBytes, 7);
  const crypto::KeyPair pair = key_pair();
  std::cout << ntohs(address.sin_port) << std::endl;
  while (true) {
    Socket socket(accept(listener, nullptr, nullptr));
    uint8_t wanted = 0;
    while (socket.receive({&wanted, 1})) {
      if (wanted == 'q') return;
      if (wanted == 'a') {
        send_all(socket, all, pair);
      } else {
        Bytes message(8 + kLeafBytes + 65);
        const uint64_t now_ns = monotonic_ns();
        std::memcpy(message.data(), &now_ns, 8);
        const crypto::Hash hash = crypto::sha256(ByteView(message).first(8 + kLeafBytes));
        std::ranges::copy(crypto::sign_recoverable(hash, pair.secret)->bytes, message.end() - 65);
        socket.send(message);
      }
    }
  }
}

double Floor::replicate_ms() {
  static const visor_key key = key_pair().key;
  return 1000 * seconds([&] {
           Socket socket(connect_to(static_cast<uint16_t>(std::stoul(port_))));
           const uint8_t all = 'a';
           socket.send({&all, 1});
           receive_all(socket, leaves_, key);
         });
}

double Floor::update_us() {
  constexpr size_t kUpdates = 200;
  const visor_key key = key_pair().key;
  Socket socket(connect_to(static_cast<uint16_t>(std::stoul(port_))));
  std::vector<double> took;
  Bytes message(8 + kLeafBytes + 65);
  for (size_t i = 0; i < kUpdates; ++i) {
    const uint8_t one = 'u';
    socket.send({&one, 1});
    if (!socket.receive(message)) give_up("the floor's child has gone");
    crypto::Signature signature;
    std::copy(message.end() - 65, message.end(), signature.bytes.begin());
    if (!crypto::verify(key, signature, crypto::sha256(ByteView(message).first(8 + kLeafBytes)))) {
      give_up("it is not verified");
    }
    uint64_t then_ns = 0;
    std::memcpy(&then_ns, message.data(), 8);
    took.push_back(static_cast<double>(monotonic_ns() - then_ns) / 1000);
  }
  std::ranges::nth_element(took, took.begin() + kUpdates / 2);
  return took[kUpdates / 2];
}

void floor_build(std::span<const visor_op> ops) {
  struct ByHash {
    size_t operator()(const crypto::Hash& hash) const {
      size_t out = 0;
      std::memcpy(&out, hash.bytes.data(), sizeof out);
      return out;
    }
  };
  std::unordered_map<crypto::Hash, Bytes, ByHash> map;
  crypto::Sha256 all;
  for (const visor_op& op : ops) {
    const ByteView value = bytes(op.value);
    const crypto::Hash hash = crypto::sha256({bytes(op.key), value});
    all.update(hash);
    map.emplace(hash, Bytes(value.begin(), value.end()));
  }
  if (!crypto::sign_recoverable(all.finish(), key_pair().secret)) give_up("nothing is signed");
}

}  // namespace visor::bench
