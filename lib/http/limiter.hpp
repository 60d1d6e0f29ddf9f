/* How often one asker may ask: a bucket of requests that fills steadily, for each. */
#ifndef VISOR_HTTP_LIMITER_HPP
#define VISOR_HTTP_LIMITER_HPP
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace visor::http {

class Limiter {
 public:
  /* So many buckets are kept; when more ask at once, those without share one. */
  static constexpr size_t kMaxBuckets = 65536;

  /* per_s 0: no limit. */
  Limiter(uint64_t per_s, uint64_t burst) : per_s_(per_s), burst_(burst) {}

  /* Takes one request out of the asker's bucket; false when it is empty. */
  bool take(std::string_view asker, uint64_t now_ms);
  /* Forgets full buckets. */
  void sweep(uint64_t now_ms);

  uint64_t per_s() const { return per_s_; }
  uint64_t burst() const { return burst_; }
  size_t buckets() const { return buckets_.size(); }
  uint64_t refused() const { return refused_; }

 private:
  struct Bucket {
    uint64_t thousandths = 0; /* of requests that are left */
    uint64_t at_ms = 0;
  };
  void fill(Bucket& bucket, uint64_t now_ms) const;

  uint64_t per_s_, burst_, refused_ = 0;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace visor::http
#endif  // VISOR_HTTP_LIMITER_HPP
