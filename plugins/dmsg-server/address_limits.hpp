/* What one address may have of a relay: places, and how often it may ask. */
#ifndef VISOR_DMSG_SERVER_ADDRESS_LIMITS_HPP
#define VISOR_DMSG_SERVER_ADDRESS_LIMITS_HPP
#include <map>
#include <memory>
#include <string>

namespace visor::dmsg_server {

/* So many at once, and so many a second for ever. */
struct Rate {
  uint64_t burst = 0, per_s = 0;
};

/* Fills up with time, is emptied by use. */
class Bucket {
 public:
  /* Takes one; false: there is none left for now. */
  bool take(const Rate& rate, uint64_t now_ms);
  bool empty(const Rate& rate, uint64_t now_ms) const {
    return level(rate, now_ms) + 1000 > rate.burst * 1000;
  }
  /* Takes so many, whether there are any: what is missing must come back first, at most as many as a burst.
   */
  void spend(uint64_t count, const Rate& rate, uint64_t now_ms);
  /* As good as one that was never used? */
  bool full(const Rate& rate, uint64_t now_ms) const { return level(rate, now_ms) == 0; }

 private:
  /* Thousandths that have been taken and have not come back. */
  uint64_t level(const Rate& rate, uint64_t now_ms) const;
  uint64_t taken_ = 0, at_ms_ = 0;
};

struct AddressBounds {
  size_t sessions = 0;   /* at once, those whose handshake is under way included */
  size_t handshakes = 0; /* under way at once */
  Rate rate{};           /* of handshakes */
  Rate requests{};       /* of streams, all sessions together */
};

class AddressLimits {
 public:
  explicit AddressLimits(AddressBounds bounds) : bounds_(bounds) {}
  AddressLimits(const AddressLimits&) = delete;
  AddressLimits& operator=(const AddressLimits&) = delete;

  /* A connection's place among those of its address, given back when it goes; it may outlive the limits. */
  class Place {
   public:
    Place() = default;
    Place(Place&&) noexcept = default;
    Place& operator=(Place&& other) noexcept;
    ~Place() { leave(); }
    explicit operator bool() const { return entry_ != nullptr; }
    /* The handshake is over; what remains is a session. */
    void settle();
    /* May it ask for one more stream now? */
    bool ask(const Rate& requests, uint64_t now_ms) {
      return !entry_ || entry_->requests.take(requests, now_ms);
    }
    /* What it did costs the address so many handshakes. */
    void fine(uint64_t handshakes, const Rate& rate, uint64_t now_ms) {
      if (entry_) entry_->bucket.spend(handshakes, rate, now_ms);
    }

   private:
    friend class AddressLimits;
    struct Entry {
      size_t sessions = 0, handshakes = 0;
      Bucket bucket, requests; /* of handshakes; of streams */
    };
    explicit Place(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
    void leave();
    std::shared_ptr<Entry> entry_;
    bool settled_ = false;
  };

  /* Would enter() give a place?  Costs nothing. */
  bool welcomes(const std::string& address, uint64_t now_ms) const;
  /* For one more connection; none: the address has as many as it may, or comes too often. */
  Place enter(const std::string& address, uint64_t now_ms);
  /* Forgets addresses of which nothing is left to know; now and then. */
  void tidy(uint64_t now_ms);
  size_t size() const { return entries_.size(); }
  static constexpr size_t kMaxAddresses = 65536;

 private:
  AddressBounds bounds_;
  std::map<std::string, std::shared_ptr<Place::Entry>> entries_;
};

}  // namespace visor::dmsg_server
#endif  // VISOR_DMSG_SERVER_ADDRESS_LIMITS_HPP
