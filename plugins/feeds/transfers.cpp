#include "transfers.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "report.hpp"

namespace visor::feeds {
namespace {

namespace json = boost::json;

constexpr size_t kChunkBytes = 1u << 20;

/* One file, used where it may block; what went wrong is kept, since nothing is thrown here. */
struct File {
  ~File() {
    if (file) std::fclose(file);
    if (!unfinished.empty()) std::remove(unfinished.c_str());
  }
  void open(const std::string& path, const char* how) {
    file = std::fopen(path.c_str(), how);
    if (!file) return fail("opened");
    if (*how == 'w') unfinished = path;
  }
  void write(ByteView bytes) {
    if (file && std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) fail("written");
  }
  void read(size_t size) {
    data.resize(file ? size : 0);
    if (!file) return;
    data.resize(std::fread(data.data(), 1, size, file));
    if (std::ferror(file)) fail("read");
  }
  /* What was written gets its name. */
  void finish(const std::string& from, const std::string& to) {
    if (!file || !error.empty()) return;
    const bool closed = std::fclose(std::exchange(file, nullptr)) == 0;
    if (!closed || std::rename(from.c_str(), to.c_str()) != 0) return fail("written");
    unfinished.clear();
  }
  void fail(const char* what) { error = std::string("it cannot be ") + what + ": " + std::strerror(errno); }

  std::FILE* file = nullptr;
  std::string unfinished;
  Bytes data;
  std::string error;
};

/* Each is made before it is waited for: g++ 12 destroys what a lambda inside of co_await holds twice. */
using Job = std::function<void()>;

Job open_job(std::shared_ptr<File> file, std::string path, const char* how) {
  return [file, path, how] { file->open(path, how); };
}
Job write_job(std::shared_ptr<File> file, Bytes data) {
  return [file, data = std::move(data)] { file->write(data); };
}
Job read_job(std::shared_ptr<File> file) {
  return [file] { file->read(kChunkBytes); };
}
Job finish_job(std::shared_ptr<File> file, std::string from, std::string to) {
  return [file, from, to] { file->finish(from, to); };
}

Error of_file(const std::string& path, const std::string& why) {
  return {VISOR_EIO, "the file " + path + ": " + why};
}

}  // namespace

Transfers::Transfers(Host host, Service& service, std::string folder, const FeedLimits& limits)
    : host_(host), service_(service), tasks_(host), folder_(std::move(folder)), limits_(limits) {}

Transfers::~Transfers() = default;

void Transfers::finish_all() {
  running_.clear();
  leaving_.clear();
}

/* A name of a file in the folder, not a way out of it. */
Result<std::string> Transfers::path_of(std::string_view file) const {
  if (folder_.empty()) {
    return failure(
        VISOR_ENOSYS,
        "feeds are written to and read from no folder here; name one in the configuration of feeds, "
        "as \"folder\": \"backup\"");
  }
  if (file.empty() || file.starts_with('.') || file.find_first_of("/\\") != std::string_view::npos ||
      file.find('\0') != std::string_view::npos) {
    return failure(VISOR_EINVAL, "a file is named without its folder, and does not begin with '.'; got '" +
                                     printable(file) + "'");
  }
  return folder_ + "/" + std::string(file);
}

Transfers::Transfer* Transfers::begin(Answer& answer) {
  if (running_.size() >= kMaxTransfers) {
    answer.finish(Error{VISOR_EAGAIN, std::to_string(kMaxTransfers) +
                                          " feeds are being written or read already; try again later"});
    return nullptr;
  }
  Transfer& transfer = *running_.emplace_back(std::make_unique<Transfer>());
  transfer.answer = std::move(answer);
  transfer.answer.on_canceled([this, &transfer] { end(transfer, {VISOR_ECANCELED, "the caller left"}); });
  return &transfer;
}

/* Goes on the next turn, since its task may be what calls. */
void Transfers::end(Transfer& transfer, const Error& why) {
  if (why.status == VISOR_OK) {
    transfer.answer.finish();
  } else {
    transfer.answer.finish(why);
  }
  auto found = std::ranges::find(running_, &transfer, &std::unique_ptr<Transfer>::get);
  if (found == running_.end()) return;
  leaving_.push_back(std::move(*found));
  running_.erase(found);
  if (leaving_.size() == 1) {
    tasks_.post([this] { auto gone = std::exchange(leaving_, {}); });
  }
}

void Transfers::export_feed(Answer answer, const Readable& feed, std::string_view file) {
  Result<std::string> path = path_of(file);
  if (!path) return answer.finish(path.error());
  if (feed.id.branches) {
    return answer.finish(Error{
        VISOR_ENOENT, "only branches of this feed are followed here; who exports it follows all of it"});
  }
  Transfer* transfer = begin(answer);
  if (transfer) transfer->task = exporting(*transfer, feed.store, feed.id, std::move(*path));
}

Task Transfers::exporting(Transfer& transfer, std::shared_ptr<Store> store, FeedId id, std::string path) {
  auto file = std::make_shared<File>();
  Result<SignedRoot> root = store->load(id);
  const std::string part = path + ".part";
  Job job = open_job(file, part, "wb");
  Result<void> done = co_await work(host_, job);
  if (!root) co_return end(transfer, root.error());
  RootStream stream(store, id, *root, 0, KnownRoot{}, std::nullopt);
  size_t bytes = 0;
  Bytes chunk = feed_file_head(id);
  for (bool last = false; done && !last && file->error.empty();) {
    while (!stream.done() && chunk.size() < kChunkBytes) append_feed_file_message(chunk, stream.next());
    if (stream.gave_up()) {
      co_return end(transfer, {VISOR_ENOSYS,
                               "the tree of this feed is formed in a way that cannot be told by "
                               "its leaves"});
    }
    last = stream.done();
    bytes += chunk.size();
    job = write_job(file, std::exchange(chunk, {}));
    done = co_await work(host_, job);
  }
  job = finish_job(file, part, path);
  if (done) done = co_await work(host_, job);
  if (!done) co_return end(transfer, done.error());
  if (!file->error.empty()) co_return end(transfer, of_file(path, file->error));
  transfer.answer.say(json::serialize(json::object{{"owner", to_hex(id.feed)},
                                                   {"port", id.port},
                                                   {"seq", root->root.seq},
                                                   {"root", to_hex(root->hash)},
                                                   {"file", path},
                                                   {"bytes", bytes}}));
  end(transfer, {VISOR_OK, {}});
}

void Transfers::import_feed(Answer answer, std::string_view file) {
  Result<std::string> path = path_of(file);
  if (!path) return answer.finish(path.error());
  Transfer* transfer = begin(answer);
  if (transfer) transfer->task = importing(*transfer, std::move(*path));
}

Task Transfers::importing(Transfer& transfer, std::string path) {
  auto file = std::make_shared<File>();
  Job job = open_job(file, path, "rb");
  Result<void> done = co_await work(host_, job);
  job = read_job(file);
  if (done) done = co_await work(host_, job);
  auto wrong = [&]() -> std::optional<Error> {
    if (!done) return done.error();
    if (!file->error.empty()) return of_file(path, file->error);
    return std::nullopt;
  };
  if (auto why = wrong()) co_return end(transfer, *why);
  Bytes held = std::move(file->data);
  Result<FeedId> id = read_feed_file_head(held);
  if (!id) co_return end(transfer, of_file(path, id.error().text));

  auto* feeds = static_cast<visor_feeds*>(&service_);
  visor_feed_options options{.size = sizeof(visor_feed_options),
                             .flags = 0,
                             .owner = &id->feed,
                             .network = {},
                             .port = id->port,
                             .batch_ms = 1000,
                             .drive = {}};
  std::function<visor_status(visor_done)> open = [feeds, &options](visor_done d) {
    return feeds->api->open(feeds, &options, d);
  };
  std::function<void(void*)> cancel = [feeds](void* ctx) { feeds->api->cancel(feeds, ctx); };
  Result<Owned<visor_feed>> opened = co_await call<visor_feed>(host_, open, cancel);
  if (!opened) co_return end(transfer, opened.error());
  Feed* feed = service_.find(*id);
  if (!feed) co_return end(transfer, {VISOR_EINTERNAL, "the feed that was opened is not there"});

  FeedImport import(*feed->store(), *id, limits_);
  ByteView rest = ByteView(held).subspan(kFeedFileHeadBytes);
  while (true) {
    Result<std::optional<ByteView>> message = take_feed_file_message(rest);
    while (message && *message && done) {
      done = import.take(**message);
      if (done) message = take_feed_file_message(rest);
    }
    if (done && !message) done = std::unexpected(message.error());
    if (!done) co_return end(transfer, done.error());
    if (import.whole() && rest.empty()) break;
    Bytes begun(rest.begin(), rest.end());
    done = co_await work(host_, job);
    if (auto why = wrong()) co_return end(transfer, *why);
    if (file->data.empty()) {
      co_return end(transfer,
                    of_file(path, import.whole() ? "something follows the feed" : "it ends too early"));
    }
    held = std::move(begun);
    held.insert(held.end(), file->data.begin(), file->data.end());
    rest = held;
  }
  if (done = feed->import(import); !done) co_return end(transfer, done.error());
  transfer.answer.say(json::serialize(json::object{{"owner", to_hex(id->feed)},
                                                   {"port", id->port},
                                                   {"seq", import.root().root.seq},
                                                   {"root", to_hex(import.root().hash)},
                                                   {"leaves", import.leaves()}}));
  end(transfer, {VISOR_OK, {}});
}

}  // namespace visor::feeds
