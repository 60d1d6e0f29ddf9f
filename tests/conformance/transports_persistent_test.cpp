// Peers that are named in the configuration: dialled until they are there.
#include "tests/conformance/transports_user.hpp"

namespace visor::test::transports {

TEST_CASE("persistent peers are dialled at the start and whenever they are not there", "[transports]") {
  SimWorld world(13);
  NodeOptions known;
  known.secret = std::array<uint8_t, 32>{9, 9, 9};
  std::string key;
  {
    Node& once = visor(world, "10.0.0.2", kListening, known);
    key = to_hex(once.key());
    world.remove(once);
  }
  Node& a = visor(world, "10.0.0.1",
                  R"("peers":[{"pk":")" + key + R"(","type":"stcpr","address":"tcp://10.0.0.2:7000"}])");
  world.run_for(30000);
  CHECK(serving(a).empty());
  CHECK(a.logged("it is tried again"));
  auto told = std::ranges::count_if(
      a.log(), [](const auto& record) { return record.text.find("it is tried again") != std::string::npos; });
  CHECK(told == 1);  // not once each time

  Node& b = visor(world, "10.0.0.2", kListening, known);
  REQUIRE(world.run_until([&] { return serving(a).size() == 1; }, 11000));
  world.run_for(20000);
  world.remove(b);
  REQUIRE(world.run_until([&] { return serving(a).empty(); }, 1000));
  visor(world, "10.0.0.2", kListening, known);
  REQUIRE(world.run_until([&] { return serving(a).size() == 1; }, 11000));

  // Removed by hand, it stays away.
  std::string id = codec::to_uuid(serving(a)[0].id);
  REQUIRE(a.call("transports", "remove", R"({"id":")" + id + "\"}").has_value());
  world.run_for(30000);
  CHECK(serving(a).empty());
  auto again = a.call("transports", "remove", R"({"id":")" + id + "\"}");
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().status == VISOR_ENOENT);
}

TEST_CASE("a persistent peer that is lost is dialled again at once, but not over and over", "[transports]") {
  SimWorld world(15);
  Node& b = visor(world, "10.0.0.2");
  Node& a = visor(
      world, "10.0.0.1",
      R"("peers":[{"pk":")" + to_hex(b.key()) + R"(","type":"stcpr","address":"tcp://10.0.0.2:7000"}])");
  REQUIRE(world.run_until([&] { return serving(a).size() == 1 && serving(b).size() == 1; }, 3000));
  std::string id = codec::to_uuid(serving(b)[0].id);
  auto lose = [&] {
    auto removed = b.call("transports", "remove", R"({"id":")" + id + "\"}");
    REQUIRE(removed.has_value());
    REQUIRE(world.run_until([&] { return serving(a).empty(); }, 1000));
  };
  world.run_for(20000);
  lose();
  REQUIRE(world.run_until([&] { return serving(a).size() == 1 && serving(b).size() == 1; }, 500));
  lose();
  world.run_for(5000);
  CHECK(serving(a).empty());
  REQUIRE(world.run_until([&] { return serving(a).size() == 1; }, 6000));
}

// A hub whose visors all come at one time, on a busy machine, takes its time for each: who gives up after
// three seconds and begins anew costs it another handshake, and gets nowhere.
TEST_CASE("a persistent peer that takes long to answer is given longer with each dial", "[transports]") {
  SimWorld world(14, fixed_latency(900));  // some seven times there or back until it is settled
  Node& slow = visor(world, "10.0.0.2");
  Node& a = visor(
      world, "10.0.0.1",
      R"("peers":[{"pk":")" + to_hex(slow.key()) + R"(","type":"stcpr","address":"tcp://10.0.0.2:7000"}])");
  REQUIRE(world.run_until([&] { return serving(a).size() == 1 && serving(slow).size() == 1; }, 60000));
  CHECK(a.logged("it is tried again"));
  world.run_for(60000);
  CHECK(serving(a).size() == 1);
}

}  // namespace visor::test::transports
