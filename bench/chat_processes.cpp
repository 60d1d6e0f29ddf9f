#include "bench/chat_processes.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "bench/bench.hpp"

namespace visor::bench {
namespace {

constexpr const char* kChat = "chat";
constexpr const char* kNetwork = "network";
constexpr const char* kStart = "start";

/* Lines of the parent's, which the loop is woken for. */
class Orders {
 public:
  explicit Orders(kernel::native::UvLoop& loop) : loop_(loop), reader_([this] { read(); }) {}
  ~Orders() { reader_.join(); }
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  bool over() const { return over_; }
  std::optional<std::string> next() {
    const std::lock_guard lock(mutex_);
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }

 private:
  void read() {
    std::string line;
    for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1;) {
      if (c != '\n') {
        line += c;
        continue;
      }
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::exchange(line, {}));
      loop_.post([] {});
    }
    over_ = true;
    loop_.post([] {});
  }

  kernel::native::UvLoop& loop_;
  std::mutex mutex_;
  std::deque<std::string> lines_;
  std::atomic<bool> over_ = false;
  std::thread reader_;
};

void answer(const char* line) {
  std::puts(line);
  std::fflush(stdout);
}

/* Each order is a number of messages. */
void obey(Town& town, const std::function<void(size_t count)>& order) {
  answer("done");  // what comes without an order
  Orders orders(town.loop());
  while (!orders.over()) {
    if (const std::optional<std::string> next = orders.next()) {
      order(std::stoull(*next));
      answer("done");
    } else {
      town.turn();
    }
  }
  town.stop();
}

void run_friend(const TownOptions& options, size_t visor, const std::string& group) {
  Friends friends(options, group);
  friends.first_message_of(visor);
  obey(friends.town, [&](size_t count) { visor == 0 ? friends.say_all(count) : friends.hear_all(count); });
}

/* The first has a stream to each of the others, and as many bytes go as a message has. */
void run_floor(const TownOptions& options, size_t visor) {
  Town town(options);
  auto work = [&](size_t count) { visor == 0 ? town.say_floor(count) : town.hear_floor(count); };
  bool begun = false;
  town.start_one(visor, [&] {
    begun = true;
    if (visor > 0) return town.listen_for_floor(visor, false);
    for (size_t i = 1; i < town.size(); ++i) town.dial_floor(i);
  });
  while (!begun || (visor == 0 && town.floor_streams() < town.size() - 1)) town.turn();
  work(1);
  obey(town, work);
}

void run_start(const std::filesystem::path& folder) {
  Town town({.visors = 1, .folder = folder});
  bool begun = false;
  town.start_one(0, [&] { begun = true; });
  while (!begun) town.turn();
  obey(town, [](size_t) {});
}

}  // namespace

int run_one_visor(const std::vector<std::string>& words) {
  const std::string &what = words.at(0), &folder = words.at(1);
  const size_t visor = std::stoull(words.at(2));
  const TownOptions options{.folder = folder, .chat = what == kChat, .remembered = true};
  if (what == kChat) run_friend(options, visor, words.at(3));
  if (what == kNetwork) run_floor(options, visor);
  if (what == kStart) run_start(std::filesystem::path(folder) / words.at(2));
  return 0;
}

Processes::Processes(size_t visors, What what) : visors_(visors), what_(what) {
  const TownOptions options{.visors = visors, .folder = folder_.path, .chat = what == What::kChat};
  if (what == What::kChat) {
    Friends friends(options);
    group_ = friends.group();
    friends.town.stop();
    friends.town.remember();
  } else if (what == What::kNetwork) {
    Town town(options);
    town.start();
    town.stop();
    town.remember();
  } else {
    for (size_t i = 0; i < visors; ++i) std::filesystem::create_directory(folder_.path / std::to_string(i));
  }
}

void Processes::start() {
  const char* what = what_ == What::kChat ? kChat : what_ == What::kNetwork ? kNetwork : kStart;
  for (size_t i = 0; i < visors_; ++i) {
    children_.push_back(std::make_unique<Child>(std::vector<std::string>{
        "/proc/self/exe", kOneVisor, what, folder_.path, std::to_string(i), group_}));
  }
  for (const auto& child : children_) child->hear();
}

double Processes::first_message_s() {
  const double taken = seconds([this] { start(); });
  children_.clear();
  return taken;
}

double Processes::burst_s(size_t count) {
  return seconds([&] {
    for (const auto& child : children_) child->say(std::to_string(count));
    for (const auto& child : children_) child->hear();
  });
}

}  // namespace visor::bench
