/* `export` and `import`: feeds to and from files (feed_file.hpp) in one folder, which the configuration
 * names; files are read and written where that may block. */
#ifndef VISOR_FEEDS_TRANSFERS_HPP
#define VISOR_FEEDS_TRANSFERS_HPP
#include "feed_file.hpp"
#include "service.hpp"

namespace visor::feeds {

class Transfers {
 public:
  static constexpr size_t kMaxTransfers = 4;

  /* folder: empty for none, then both commands say how to have one. */
  Transfers(Host host, Service& service, std::string folder, const FeedLimits& limits);
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;
  ~Transfers();

  /* The newest whole Root of a feed; answers with what the file has.  One of that name is replaced, once the
   * new one is whole. */
  void export_feed(Answer answer, const Readable& feed, std::string_view file);
  /* A feed is opened for it; our own is taken only while there is nothing of it here. */
  void import_feed(Answer answer, std::string_view file);
  void finish_all();

  size_t running() const { return running_.size(); }
  Host host() const { return host_; }

 private:
  struct Transfer {
    Answer answer;
    Task task;
  };
  Result<std::string> path_of(std::string_view file) const;
  Transfer* begin(Answer& answer);
  void end(Transfer& transfer, const Error& why);
  Task exporting(Transfer& transfer, std::shared_ptr<Store> store, FeedId id, std::string path);
  Task importing(Transfer& transfer, std::string path);

  Host host_;
  Service& service_;
  Tasks tasks_;
  const std::string folder_;
  const FeedLimits limits_;
  std::vector<std::unique_ptr<Transfer>> running_, leaving_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_TRANSFERS_HPP
