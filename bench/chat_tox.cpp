#include <tox/tox.h>

#include <array>
#include <chrono>

#include "bench/chat_peers.hpp"
#include "bench/machine.hpp"

namespace visor::bench {
namespace {

class ToxPair final : public bench::Tox {
 public:
  ToxPair() {
    Tox_Options* options = tox_options_new(nullptr);
    if (!options) give_up("toxcore has no memory for its options");
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    for (auto& side : sides_) {
      Tox_Err_New error{};
      side = tox_new(options, &error);
      if (!side) give_up("toxcore does not start: error " + std::to_string(static_cast<int>(error)));
    }
    tox_options_free(options);
    befriend(0, 1);
    befriend(1, 0);
    std::array<uint8_t, TOX_PUBLIC_KEY_SIZE> key{};
    tox_self_get_dht_id(sides_[0], key.data());
    Tox_Err_Bootstrap error{};
    if (!tox_bootstrap(sides_[1], "127.0.0.1", tox_self_get_udp_port(sides_[0], nullptr), key.data(),
                       &error)) {
      give_up("toxcore does not find itself: error " + std::to_string(static_cast<int>(error)));
    }
    tox_callback_friend_message(
        sides_[1], [](::Tox* tox, uint32_t from, Tox_Message_Type type, const uint8_t* text, size_t size,
                      void*) { tox_friend_send_message(tox, from, type, text, size, nullptr); });
    tox_callback_friend_message(sides_[0], [](::Tox*, uint32_t, Tox_Message_Type, const uint8_t*, size_t,
                                              void* self) { ++static_cast<ToxPair*>(self)->heard_; });
    const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (!connected()) {
      if (std::chrono::steady_clock::now() > patience) give_up("toxcore's two do not find each other");
      turn();
    }
  }
  ~ToxPair() override {
    for (::Tox* side : sides_) tox_kill(side);
  }

  void ask(const std::string& text) override {
    const size_t wanted = heard_ + 1;
    Tox_Err_Friend_Send_Message error{};
    tox_friend_send_message(sides_[0], 0, TOX_MESSAGE_TYPE_NORMAL,
                            reinterpret_cast<const uint8_t*>(text.data()), text.size(), &error);
    if (error != TOX_ERR_FRIEND_SEND_MESSAGE_OK) give_up("toxcore refuses a message");
    while (heard_ < wanted) turn();
  }

 private:
  void befriend(size_t who, size_t whom) {
    std::array<uint8_t, TOX_PUBLIC_KEY_SIZE> key{};
    tox_self_get_public_key(sides_[whom], key.data());
    tox_friend_add_norequest(sides_[who], key.data(), nullptr);
  }
  bool connected() const {
    return tox_friend_get_connection_status(sides_[0], 0, nullptr) != TOX_CONNECTION_NONE &&
           tox_friend_get_connection_status(sides_[1], 0, nullptr) != TOX_CONNECTION_NONE;
  }
  /* Without the pauses that it advises. */
  void turn() {
    for (::Tox* side : sides_) tox_iterate(side, this);
  }

  std::array<::Tox*, 2> sides_{};
  size_t heard_ = 0;
};

}  // namespace

std::unique_ptr<Tox> make_tox() {
  return std::make_unique<ToxPair>();
}

}  // namespace visor::bench
