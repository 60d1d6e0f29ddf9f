/* Transports to visors that a service directory lists, made without being asked for; and addresses of visors
 * that somebody names by their key alone. */
#ifndef VISOR_TRANSPORTS_AUTOMATIC_HPP
#define VISOR_TRANSPORTS_AUTOMATIC_HPP
#include "lib/services/directory.hpp"
#include "manager.hpp"

namespace visor::transports {

/* Keeps `count` transports of its own up, each to another visor.  Which ones is left to chance, so that not
 * everybody goes to the same; who cannot be reached is left alone for longer and longer. */
class Automatic {
 public:
  static constexpr size_t kListed = 64;      /* visors that the directory is asked for at once */
  static constexpr size_t kMaxAvoided = 256; /* that could not be reached, and are remembered */
  static constexpr size_t kTriesPerPlace =
      4; /* visors dialled in one pass for each transport that is missing */

  struct Counters {
    uint64_t passes = 0, listed = 0; /* questions asked; visors that the answers had */
    uint64_t dialed = 0, made = 0, failed = 0;
    std::string problem; /* of the directory; empty: the latest answer was good */
  };

  /* The directory and the manager must outlive it. */
  Automatic(Host host, Manager& manager, services::Directory& directory, const visor_key& own, size_t count)
      : host_(host), manager_(manager), directory_(directory), own_(own), count_(count) {}
  Automatic(const Automatic&) = delete;
  Automatic& operator=(const Automatic&) = delete;
  ~Automatic() { stop(); }

  void start();
  void stop();
  /* The manager's list has changed; from the loop. */
  void changed();

  /* An address of that visor for transports of that type; VISOR_ENOENT when none is listed. */
  Carrier::Dial resolve(const visor_key& key, std::string_view type,
                        std::function<void(Result<std::string>)> done);

  size_t count() const { return count_; }
  /* Those that serve; those under way. */
  size_t serving() const;
  size_t dialing() const { return attempts_.size(); }
  size_t avoided() const { return avoided_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Attempt {
    std::vector<services::Address> addresses;
    size_t next = 0;     /* address */
    uint64_t number = 0; /* for the manager's cancel() */
  };
  struct Avoided {
    uint64_t failures = 0, until_ms = 0;
  };
  /* Where a pass has got to. */
  enum class Page { kFromAnywhere, kFromTheBeginning };

  uint64_t interval_ms() const { return manager_.config().interval_ms; }
  uint64_t soon_ms() const { return interval_ms() * 2 / 15; } /* 8 s of a minute */
  bool enough() const { return serving() + attempts_.size() >= count_; }
  void wait(uint64_t ms);
  void pass();
  void ask(Page page);
  void listed(Page page, Result<std::vector<services::Service>> services);
  void use(std::vector<services::Service> services);
  bool wanted(const services::Service& service) const;
  void dial_more();
  /* False: none of its addresses that are left can even be tried. */
  bool dial_next(const visor_key& key);
  void answered(const visor_key& key, bool made);
  void avoid(const visor_key& key);
  uint64_t random(uint64_t below) const;

  Host host_;
  Manager& manager_;
  services::Directory& directory_;
  const visor_key own_;
  const size_t count_;
  Counters counters_;
  std::vector<services::Service> candidates_; /* of this pass, the next one last */
  std::map<visor_key, Attempt> attempts_;
  std::map<visor_key, Avoided> avoided_;
  size_t tries_left_ = 0;
  uint64_t failures_in_row_ = 0; /* of questions */
  uint64_t due_ms_ = 0;          /* of the next pass */
  bool stopped_ = false;
  http::Call asking_;
  Timer timer_;
};

}  // namespace visor::transports
#endif  // VISOR_TRANSPORTS_AUTOMATIC_HPP
