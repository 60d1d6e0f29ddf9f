/* A group of ten whose network splits, whose machines crash and whose clocks jump: every message reaches
 * everybody once, in one order. */
#ifndef VISOR_TESTS_SIM_CHAT_SWARM_HPP
#define VISOR_TESTS_SIM_CHAT_SWARM_HPP
#include <filesystem>
#include <map>
#include <set>

#include "tests/conformance/telemetry_user.hpp"
#include "tests/support/jumpy_world.hpp"

namespace visor::test::chat {

/* A folder in memory, where to make something durable costs nothing: here processes crash, not machines. */
struct MemoryFolder {
  MemoryFolder() {
    std::string name =
        (std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path()) /
        std::filesystem::path("visor-swarm-XXXXXX");
    path = ::mkdtemp(name.data());
  }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

struct Plan {
  uint64_t seed = 1;
  size_t members = 10;
  size_t messages = 60;      /* by all together */
  size_t trouble_every = 12; /* messages */
};

class ChatSwarm {
 public:
  explicit ChatSwarm(const Plan& plan) : plan_(plan), world_(plan.seed) {
    for (size_t i = 0; i < plan.members; ++i) {
      auto& member = members_.emplace_back(std::make_unique<Member>(world_.make_clock()));
      member->folder = scratch_.path / std::to_string(i);
      std::filesystem::create_directories(member->folder);
      start(i);
    }
    gather();
  }

  /* Everything is said, while things go wrong; then the network is whole, and everybody has to have all of
   * it. */
  void run() {
    for (size_t i = 0; i < plan_.messages; ++i) {
      if (i % plan_.trouble_every == plan_.trouble_every - 1) trouble();
      say(i);
      world_.run_for(below(400));
    }
    heal();
    // Looked at now and then: to ask everybody after each event costs more than the events.
    constexpr uint64_t kLookMs = 500, kPatienceMs = 600'000;
    bool all = false;
    for (uint64_t waited_ms = 0; !all && waited_ms < kPatienceMs; waited_ms += kLookMs) {
      world_.run_for(kLookMs);
      all = std::ranges::all_of(members_, [&](const auto& m) { return heard_count(*m) >= plan_.messages; });
    }
    // What a clock that was ahead has dated is due at last; until then it stands where it arrived (section
    // 13).
    for (const auto& member : members_) member->clock.jump_ns(3'600'000'000'000);
    const std::vector<std::string> first = heard(0);
    std::set<std::string> once(first.begin(), first.end());
    INFO("crashes " << crashes << ", splits " << splits << ", jumps " << jumps << ", drops " << drops);
    for (size_t i = 0; i < members_.size(); ++i) {
      INFO("member " << i << " has " << heard(i).size() << " of " << plan_.messages << state(i));
      INFO("the founder" << (heard(i).size() == plan_.messages ? std::string() : told(0)));
      CHECK(heard(i) == first);
    }
    CHECK(all);
    CHECK(once.size() == plan_.messages);
    CHECK(first.size() == plan_.messages);
  }

  size_t crashes = 0, splits = 0, jumps = 0, drops = 0;

 private:
  struct Member {
    explicit Member(JumpyLoop& own) : clock(own) {}
    JumpyLoop& clock;
    Node* node = nullptr;
    std::filesystem::path folder;
  };

  uint64_t below(uint64_t limit) { return world_.sim().below(limit); }
  static std::string machine(size_t i) { return "10.0.2." + std::to_string(i + 1); }

  void start(size_t i) {
    std::string peers;
    for (size_t k = 0; k < i; ++k) {
      peers += (peers.empty() ? "" : ",") + std::string(R"({"type":"stcpr","pk":")") + keys_.at(k) +
               R"(","address":"tcp://)" + machine(k) + R"(:7000"})";
    }
    auto list = base_plugins(peers, "storage_leveldb");
    Member& member = *members_[i];
    list.front() = plugin("storage_leveldb", R"({"path":")" + member.folder.string() + "\"}", "disk");
    list.push_back(
        plugin("chat", R"({"drive":"disk","networks":["skynet"],"groups":{"feed_messages":100000}})"));
    world_.next_on(member.clock);
    NodeOptions options = with_secret(static_cast<uint8_t>(i + 1));
    options.log_level = VISOR_ERROR;
    member.node = &world_.add(machine(i), plugins_config(list), std::move(options));
    if (keys_.size() == i) keys_.push_back(to_hex(member.node->key()));
  }

  std::string call(size_t i, const std::string& command, const std::string& args) {
    auto said = members_[i]->node->call("chat", command, args);
    INFO(command << " " << args << ": " << (said ? std::string() : said.error().text));
    REQUIRE(said.has_value());
    return *said;
  }

  void gather() {
    std::string others;
    for (size_t i = 1; i < keys_.size(); ++i) others += (i > 1 ? ",\"" : "\"") + keys_[i] + "\"";
    const json::value made =
        parse_json(call(0, "group_create", R"({"name":"swarm","members":[)" + others + "]}"));
    group_ = std::string(made.at("id").get_string());
    for (size_t i = 1; i < keys_.size(); ++i) {
      call(i, "group_join", R"({"invite":")" + std::string(made.at("invite").get_string()) + "\"}");
    }
    REQUIRE(world_.run_until(
        [&] {
          return std::ranges::all_of(members_, [&](const auto& member) {
            auto shown = member->node->call("chat", "group_show", R"({"group":")" + group_ + "\"}");
            return shown && parse_json(*shown).at("members") == members_.size();
          });
        },
        60'000));
  }

  void say(size_t number) {
    size_t who = below(members_.size());
    while (!members_[who]->node) who = (who + 1) % members_.size();
    call(who, "group_send", R"({"group":")" + group_ + R"(","text":"m)" + std::to_string(number) + "\"}");
  }

  void trouble() {
    const size_t who = below(members_.size());
    switch (below(5)) {
      case 0:
        return crash(who);
      case 1:
        return split();
      case 2:
        // As far as a clock that nobody looks after goes; decisions are refused 5 minutes ahead.
        ++jumps;
        return members_[who]->clock.jump_ns((static_cast<int64_t>(below(240)) - 120) * 1'000'000'000);
      case 3:
        ++drops;
        return world_.network().drop(machine(who));
      default:
        return rest(who);
    }
  }

  using Listing = std::map<std::filesystem::path, uintmax_t>;
  static Listing listing(const std::filesystem::path& folder) {
    Listing files;
    std::error_code gone;  // while it is looked at
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file(gone)) files[entry.path()] = entry.file_size(gone);
    }
    return files;
  }
  /* A database merges its files on a thread of its own, and no moment's folder may be half one and half the
   * other.  Nothing is written meanwhile, so that this comes to an end. */
  static void copy_as_of_now(const std::filesystem::path& from, const std::filesystem::path& to) {
    Listing before;
    std::error_code gone;
    do {
      before = listing(from);
      std::filesystem::remove_all(to);
      std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, gone);
    } while (gone == std::errc::no_such_file_or_directory || listing(from) != before);
    INFO(gone.message());
    REQUIRE_FALSE(gone);
  }

  /* What its drive holds now is what it has when it is back, as after kill -9. */
  void crash(size_t i) {
    Member& member = *members_[i];
    if (!member.node) return;
    ++crashes;
    const std::filesystem::path as_it_is = member.folder.string() + ".crashed";
    copy_as_of_now(member.folder, as_it_is);
    world_.remove(*member.node);
    member.node = nullptr;
    std::filesystem::remove_all(member.folder);
    std::filesystem::rename(as_it_is, member.folder);
    back_[i] = world_.sim().now_ns() + below(10'000) * 1'000'000;
    return_those_due();
  }

  /* Stopped in order, and back later. */
  void rest(size_t i) {
    Member& member = *members_[i];
    if (!member.node) return;
    world_.remove(*member.node);
    member.node = nullptr;
    back_[i] = world_.sim().now_ns() + below(20'000) * 1'000'000;
    return_those_due();
  }

  /* At least half of them are there at any time. */
  void return_those_due() {
    for (auto at = back_.begin(); at != back_.end();) {
      const bool due = at->second <= world_.sim().now_ns() || back_.size() > members_.size() / 2;
      if (due) start(at->first);
      at = due ? back_.erase(at) : std::next(at);
    }
  }

  void split() {
    ++splits;
    heal_network();
    const uint64_t side = below((1u << members_.size()) - 2) + 1;
    for (size_t a = 0; a < members_.size(); ++a) {
      for (size_t b = a + 1; b < members_.size(); ++b) {
        if (((side >> a) & 1) != ((side >> b) & 1)) world_.network().cut(machine(a), machine(b));
      }
    }
  }

  void heal_network() {
    for (size_t a = 0; a < members_.size(); ++a) {
      for (size_t b = a + 1; b < members_.size(); ++b) world_.network().heal(machine(a), machine(b));
    }
  }

  void heal() {
    heal_network();
    for (const auto& [i, due] : std::exchange(back_, {})) start(i);
  }

  /* What a member that lacks something says of itself. */
  std::string state(size_t i) { return heard(i).size() == plan_.messages ? std::string() : told(i); }

  std::string told(size_t i) {
    std::string out;
    const std::pair<const char*, const char*> asked[] = {
        {"chat", "status"}, {"feeds", "list"}, {"feeds", "peers"}};
    for (const auto& [instance, command] : asked) {
      auto said = members_[i]->node->call(instance, command);
      out += std::string("\n") + instance + " " + command + ": " + (said ? *said : said.error().text);
    }
    return out;
  }

  size_t heard_count(Member& member) {
    auto shown = member.node->call("chat", "group_show", R"({"group":")" + group_ + "\"}");
    return shown ? parse_json(*shown).at("messages").to_number<size_t>() : 0;
  }

  std::vector<std::string> heard(size_t i) {
    std::vector<std::string> out;
    const json::value rows =
        parse_json(call(i, "group_messages", R"({"limit":10000,"group":")" + group_ + "\"}"));
    for (const json::value& row : rows.get_array()) out.emplace_back(row.at("text").get_string());
    return out;
  }

  Plan plan_;
  MemoryFolder scratch_;
  JumpyWorld world_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::string> keys_;
  std::map<size_t, uint64_t> back_; /* who is away, and until when, ns of the loop */
  std::string group_;
};

}  // namespace visor::test::chat
#endif  // VISOR_TESTS_SIM_CHAT_SWARM_HPP
