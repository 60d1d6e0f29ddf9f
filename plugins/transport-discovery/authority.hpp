/* Who signs a request (specification telemetry.md, 4): SW-Public is the key, SW-Nonce the number that this
 * service expects of it next, SW-Sig a signature over SHA-256(body | the nonce's decimal text).
 *
 * The first nonce of a key that is not remembered is the time in milliseconds, so that what was signed before
 * a restart, or before the key was forgotten, is never good again. */
#ifndef VISOR_TRANSPORT_DISCOVERY_AUTHORITY_HPP
#define VISOR_TRANSPORT_DISCOVERY_AUTHORITY_HPP
#include <list>
#include <map>

#include "answer.hpp"

namespace visor::transport_discovery {

struct AuthorityCounters {
  uint64_t accepted = 0, refused = 0, limited = 0;
};

class Authority {
 public:
  static constexpr size_t kMaxKeys = 65'536; /* whose nonces are remembered */
  static constexpr int64_t kRequestsPerMinute = 30, kBurst = 10;

  /* What the next signed request of this key must carry. */
  uint64_t next_nonce(const visor_key& key, Moment now);
  /* The key that has signed the request, whose nonce is then used up; or the answer that refuses it. */
  std::expected<visor_key, Answer> check(const ApiRequest& request, Moment now);

  size_t keys() const { return known_.size(); }
  const AuthorityCounters& counters() const { return counters_; }

 private:
  struct Known {
    uint64_t nonce = 0;
    int64_t credit = 0;     /* thousandths of a request */
    int64_t counted_ms = 0; /* monotonic */
    std::list<visor_key>::iterator used;
  };
  Known& known(const visor_key& key, Moment now);
  static bool take_credit(Known& known, Moment now);

  std::map<visor_key, Known> known_;
  std::list<visor_key> used_; /* the latest first */
  AuthorityCounters counters_;
};

/* {"error":{"message":"...","code":401}} */
Answer refusal(int32_t status, std::string_view text);

}  // namespace visor::transport_discovery
#endif  // VISOR_TRANSPORT_DISCOVERY_AUTHORITY_HPP
