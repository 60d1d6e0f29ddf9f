#include "bench/dmsg_attack.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <functional>

#include "bench/machine.hpp"
#include "lib/codec/endian.hpp"
#include "lib/codec/length_prefixed.hpp"
#include "lib/dmsg/stream_objects.hpp"
#include "lib/noise/handshake.hpp"
#include "lib/noise/sealed.hpp"

namespace visor::bench {

const std::vector<std::string> kAttacks = {"slow", "overrun", "flood", "replay", "forged"};

namespace {

constexpr size_t kSlowConnections = 1000;
constexpr int kMomentMs = 3;
constexpr long kPauseNs = 10'000'000; /* between attempts of each address: a hundred a second */

void pause() {
  timespec time{0, kPauseNs};
  nanosleep(&time, nullptr);
}

void fill_random(std::span<uint8_t> out) {
  if (getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) give_up("no randomness");
}

/* The parent closes our input when it has seen enough. */
bool over() {
  pollfd input{0, POLLIN, 0};
  return ::poll(&input, 1, 0) == 1;
}

struct Target {
  visor_key key{};
  sockaddr_in address{}, from{};
};

/* A blocking connection that waits a second at most; each call says whether it is still there. */
class Connection {
 public:
  explicit Connection(const Target& target) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int on = 1;
    timeval second{1, 0};
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
    auto address = [](const sockaddr_in& of) { return reinterpret_cast<const sockaddr*>(&of); };
    if (::bind(fd_, address(target.from), sizeof target.from) != 0 ||
        ::connect(fd_, address(target.address), sizeof target.address) != 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool send(ByteView data) {
    while (!data.empty()) {
      ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data = data.subspan(static_cast<size_t>(sent));
    }
    return true;
  }
  bool receive(std::span<uint8_t> data) {
    return ::recv(fd_, data.data(), data.size(), MSG_WAITALL) == static_cast<ssize_t>(data.size());
  }
  /* Is it still there after a moment?  A relay that does not want us says so at once: no key is wasted on it.
   */
  bool wanted() const {
    pollfd answer{fd_, POLLIN, 0};
    return fd_ >= 0 && ::poll(&answer, 1, kMomentMs) == 0;
  }
  /* Reads away what has come; false: the relay has closed. */
  bool drain() {
    char away[65536];
    ssize_t size;
    while ((size = ::recv(fd_, away, sizeof away, MSG_DONTWAIT)) > 0) continue;
    return size < 0 && (errno == EAGAIN || errno == EINTR);
  }

 private:
  int fd_;
};

/* A session of ours, and its streams by hand. */
class Session {
 public:
  explicit Session(const Target& target) : connection_(target) {
    if (!connection_.wanted()) return;
    own_ = *crypto::random_key_pair(fill_random);
    auto handshake = noise::Handshake::start(
        {.pattern = noise::Pattern::kXK,
         .role = noise::Role::kInitiator,
         .local_static = own_.key,
         .remote_static = target.key,
         .agree = [this](const visor_key& key) { return crypto::ecdh(key, own_.secret); },
         .random = fill_random});
    if (!handshake || !connection_.send(noise::frame_message(*handshake->write_message()))) return;
    uint8_t size[2];
    if (!connection_.receive(size)) return;
    Bytes answer(codec::load_be<uint16_t>(size));
    if (!connection_.receive(answer) || !handshake->read_message(answer)) return;
    if (!connection_.send(noise::frame_message(*handshake->write_message()))) return;
    auto keys = handshake->finish();
    if (keys) sealer_.emplace(std::move(keys->send));
  }
  explicit operator bool() const { return sealer_.has_value(); }

  static void append_frame(Bytes& wire, uint8_t type, uint16_t flags, uint32_t stream, uint32_t length) {
    wire.push_back(0);
    wire.push_back(type);
    codec::append_be<uint16_t>(wire, flags);
    codec::append_be<uint32_t>(wire, stream);
    codec::append_be<uint32_t>(wire, length);
  }
  /* A new stream whose first bytes these are. */
  bool open(ByteView first) {
    Bytes wire;
    append_frame(wire, 0, 1, next_, static_cast<uint32_t>(first.size()));
    next_ += 2;
    codec::append(wire, first);
    return send(wire);
  }
  bool send(ByteView wire) { return connection_.send(wire) && connection_.drain(); }
  Bytes request() {
    dmsg::StreamRequest made;
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    made.timestamp_ns = int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
    made.source = {own_.key, 49153};
    made.destination = {own_.key, 80}; /* ourselves: the relay does all its work */
    made.noise_message = Bytes(49, 0x11);
    return *dmsg::sign_object(
        made, [this](const crypto::Hash& hash) { return crypto::sign_recoverable(hash, own_.secret); });
  }
  Bytes sealed(ByteView object) {
    Bytes wire;
    codec::append_prefix(wire, codec::Prefix::kU16, object.size() + noise::kSealBytes);
    (void)sealer_->seal(object, wire);
    return wire;
  }

 private:
  Connection connection_;
  crypto::KeyPair own_;
  std::optional<noise::Sealer> sealer_;
  uint32_t next_ = 1;
};

/* --- attacks: each is done once, until the relay ends it ------------------------------------- */

void overrun(Session& session) {
  Bytes wire;
  Session::append_frame(wire, 0, 1, 1, 300'000);
  while (session.send(wire) && !over()) pause();
}

void flood(Session& session) {
  for (uint32_t id = 1; !over();) {
    Bytes wire;
    for (int i = 0; i < 4096; ++i, id += 2) Session::append_frame(wire, 1, 1, id, 0);
    if (!session.send(wire)) return;
  }
}

void replay(Session& session) {
  const Bytes wire = session.sealed(session.request());
  while (session.open(wire) && !over()) continue;
}

void forged(Session& session) {
  Bytes object = session.request();
  object[10] ^= 1;
  while (session.open(session.sealed(object)) && !over()) continue;
}

void slow(const Target& target) {
  std::vector<Connection> held;
  auto make = [&](size_t which) {
    Connection connection(target);
    if (which % 2 == 0) (void)connection.send(Bytes{0x00, 0x31, 0x02}); /* a handshake's beginning */
    return connection;
  };
  held.reserve(kSlowConnections);
  for (size_t i = 0; i < kSlowConnections; ++i) held.push_back(make(i));
  std::printf("begun\n");
  std::fflush(stdout);
  for (size_t i = 0; !over(); i = (i + 1) % held.size()) {
    if (held[i].fd() >= 0 && held[i].drain()) continue;
    held[i] = make(i);
    pause();
  }
}

/* Not at the expense of those whom the relay serves, as far as the machine can help it: its attackers would
 * be elsewhere. */
void step_back() {
  if (sched_getscheduler(0) == SCHED_OTHER) {
    (void)setpriority(PRIO_PROCESS, 0, 19);
  } else {
    sched_param lowest{1};
    (void)sched_setscheduler(0, SCHED_RR, &lowest);
  }
}

}  // namespace

void run_attack(const std::vector<std::string>& words) {
  Target target;
  target.key = *key_from_hex(words[1]);
  const size_t colon = words[2].rfind(':');
  target.address.sin_family = target.from.sin_family = AF_INET;
  target.address.sin_port = htons(static_cast<uint16_t>(std::stoi(words[2].substr(colon + 1))));
  inet_pton(AF_INET, "127.0.0.1", &target.address.sin_addr);
  inet_pton(AF_INET, words[3].c_str(), &target.from.sin_addr);
  rlimit files{4096, 4096};
  setrlimit(RLIMIT_NOFILE, &files);
  step_back();
  if (words[0] == "slow") return slow(target);
  const std::function<void(Session&)> attack = words[0] == "overrun"  ? overrun
                                               : words[0] == "flood"  ? flood
                                               : words[0] == "replay" ? replay
                                                                      : forged;
  bool begun = false;
  while (!over()) {
    if (Session session(target); session) {
      if (!std::exchange(begun, true)) {
        std::printf("begun\n");
        std::fflush(stdout);
      }
      attack(session);
    }
    pause();
  }
}

}  // namespace visor::bench
