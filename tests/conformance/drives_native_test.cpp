// Drives on disk: the same script, reopening, and SIGKILL at any moment.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/conformance/drive_user.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test {
namespace {

namespace fs = std::filesystem;

std::string disk_in(const Scratch& folder) {
  return R"({"plugins":[{"plugin":"storage_leveldb","as":"disk","config":{"path":")" +
         folder.path().string() + "\"}}]}";
}

// Batch n puts n under 20 keys and syncs; the number of each synced batch goes to the pipe.
[[noreturn]] void write_until_killed(const Scratch& folder, int pipe) {
  {
    SimWorld world(1);
    Node& node = world.add("alpha", disk_in(folder));
    DriveUser drive(world, node);
    auto kv = drive.open_map();
    for (uint32_t n = 1;; ++n) {
      std::string number = std::to_string(n), filler(n % 3000, 'f');
      std::vector<std::string> keys;
      for (int i = 0; i < 20; ++i) keys.push_back("key" + std::to_string(i));
      std::vector<visor_op> ops;
      for (auto& key : keys)
        ops.push_back({VISOR_PUT, 0, to_span(std::string_view(key)), to_span(std::string_view(number))});
      ops.push_back({VISOR_PUT, 0, VISOR_TEXT("filler"), to_span(std::string_view(filler))});
      if (kv->api->write(kv.get(), ops.data(), ops.size()) != VISOR_OK) ::_exit(2);
      if (n % 4 == 0) {
        if (!drive.sync(kv.get())) ::_exit(3);
        if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(4);
      }
    }
  }
}

// The number that all keys of the last whole batch hold; fails if a batch is there in part.
uint32_t last_batch(const Scratch& folder) {
  SimWorld world(1);
  Node& node = world.add("alpha", disk_in(folder));
  DriveUser drive(world, node);
  auto kv = drive.open_map();
  std::set<std::string> numbers;
  int keys = 0;
  REQUIRE(scan(kv.get(), bytes(std::string_view("key")), [&](ByteView, ByteView value) {
            numbers.insert(std::string(text(value)));
            ++keys;
            return true;
          }) == VISOR_OK);
  if (keys == 0) return 0;
  CHECK(keys == 20);
  REQUIRE(numbers.size() == 1);
  return static_cast<uint32_t>(std::stoul(*numbers.begin()));
}

}  // namespace

TEST_CASE("storage_leveldb follows the drives' script", "[drive]") {
  Scratch folder;
  SimWorld world(1);
  Node& node = world.add("alpha", disk_in(folder));
  check_drive(world, node);
}

TEST_CASE("storage_leveldb keeps everything across restarts", "[drive]") {
  Scratch folder;
  Model model;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SimWorld world(seed);
    Node& node = world.add("alpha", disk_in(folder));
    DriveUser drive(world, node);
    auto kv = drive.open_map();
    REQUIRE(check::expect_equal(drive, kv.get(), model));
    REQUIRE(check::follow_model(drive, kv.get(), model, seed, 100));
  }
}

TEST_CASE("after kill -9 everything synced is there and every batch is whole", "[drive]") {
  Scratch folder;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(folder, ends[1]);
    }
    ::close(ends[1]);
    uint32_t synced = 0;
    for (int i = 0; i <= 3 * round; ++i) REQUIRE(::read(ends[0], &synced, sizeof synced) == sizeof synced);
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    for (uint32_t more = 0; ::read(ends[0], &more, sizeof more) == sizeof more;) synced = more;
    ::close(ends[0]);
    CHECK(last_batch(folder) >= synced);
  }
}

TEST_CASE("storage_leveldb names the folder that it cannot use, and deletes nothing", "[drive]") {
  Scratch folder;
  SimWorld world(1);

  SECTION("another program has it open") {
    Node& first = world.add("first", disk_in(folder));
    DriveUser user(world, first);
    auto kv = user.open_map();
    Node& second = world.add("second", disk_in(folder));
    auto refused = DriveUser(world, second).try_open("map");
    REQUIRE(!refused);
    CHECK(refused.error().status == VISOR_EEXIST);
    CHECK(refused.error().text.find(folder.path().string()) != std::string::npos);
  }
  SECTION("a file of the map is damaged") {
    {
      Node& node = world.add("first", disk_in(folder));
      DriveUser user(world, node);
      auto kv = user.open_map();
      REQUIRE(put_one(kv.get(), "k", "v") == VISOR_OK);
      kv.reset();
      world.remove(node);
    }
    std::ofstream(folder.path() / "map" / "CURRENT") << "garbage\n";
    Node& node = world.add("second", disk_in(folder));
    auto refused = DriveUser(world, node).try_open("map");
    REQUIRE(!refused);
    CHECK(refused.error().text.find((folder.path() / "map").string()) != std::string::npos);
    CHECK(fs::exists(folder.path() / "map" / "CURRENT"));
  }
  SECTION("a file is where the folder should be") {
    std::ofstream(folder.path() / "map") << "not a folder";
    Node& node = world.add("first", disk_in(folder));
    auto refused = DriveUser(world, node).try_open("map");
    REQUIRE(!refused);
    CHECK(refused.error().text.find((folder.path() / "map").string()) != std::string::npos);
  }
}

}  // namespace visor::test
