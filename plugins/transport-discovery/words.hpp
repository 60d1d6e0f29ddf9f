/* The few words that transports carry - types and labels - kept once each.  A liar cannot fill it: there is
 * room for kMaxWords, the known ones first. */
#ifndef VISOR_TRANSPORT_DISCOVERY_WORDS_HPP
#define VISOR_TRANSPORT_DISCOVERY_WORDS_HPP
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::transport_discovery {

class Words {
 public:
  static constexpr size_t kMaxWords = 64;

  explicit Words(std::initializer_list<std::string_view> known) { words_.assign(known.begin(), known.end()); }

  /* Its number, new or not; nothing when there is no room for a new one. */
  std::optional<uint8_t> intern(std::string_view word) {
    if (std::optional<uint8_t> number = find(word)) return number;
    if (words_.size() == kMaxWords) return std::nullopt;
    words_.emplace_back(word);
    return static_cast<uint8_t>(words_.size() - 1);
  }
  std::optional<uint8_t> find(std::string_view word) const {
    auto at = std::ranges::find(words_, word);
    if (at == words_.end()) return std::nullopt;
    return static_cast<uint8_t>(at - words_.begin());
  }
  const std::string& at(uint8_t number) const { return words_[number]; }
  size_t size() const { return words_.size(); }

 private:
  std::vector<std::string> words_;
};

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_WORDS_HPP
