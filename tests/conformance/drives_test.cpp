// One script for every drive: what storage.h promises, checked against std::map.
#include "tests/conformance/drive_user.hpp"

namespace visor::test {
namespace {

void check_bounds(visor_kv* kv) {
  CHECK(put_one(kv, "", "") == VISOR_OK); /* the empty key and value are a key and a value */
  visor_span value{};
  CHECK(kv->api->get(kv, {}, &value) == VISOR_OK);
  CHECK(value.size == 0);
  CHECK(kv->api->get(kv, VISOR_TEXT("absent"), &value) == VISOR_ENOENT);

  const std::string longest(64u << 10, 'k'), large(16u << 20, 'v');
  CHECK(put_one(kv, longest, "x") == VISOR_OK);
  CHECK(put_one(kv, longest + "k", "x") == VISOR_EINVAL);
  CHECK(put_one(kv, "large", large) == VISOR_OK);
  REQUIRE(kv->api->get(kv, VISOR_TEXT("large"), &value) == VISOR_OK);
  CHECK(str(value) == large);

  /* A batch with one bad operation changes nothing. */
  visor_op bad[] = {{VISOR_PUT, 0, VISOR_TEXT("first"), VISOR_TEXT("1")}, {7, 0, VISOR_TEXT("second"), {}}};
  CHECK(kv->api->write(kv, bad, 2) == VISOR_EINVAL);
  CHECK(kv->api->get(kv, VISOR_TEXT("first"), &value) == VISOR_ENOENT);

  /* In a batch the last word counts, and what is missing may be deleted. */
  visor_op twice[] = {{VISOR_PUT, 0, VISOR_TEXT("k"), VISOR_TEXT("1")},
                      {VISOR_DELETE, 0, VISOR_TEXT("k"), {}},
                      {VISOR_PUT, 0, VISOR_TEXT("k"), VISOR_TEXT("2")},
                      {VISOR_DELETE, 0, VISOR_TEXT("never there"), {}}};
  CHECK(kv->api->write(kv, twice, 4) == VISOR_OK);
  REQUIRE(kv->api->get(kv, VISOR_TEXT("k"), &value) == VISOR_OK);
  CHECK(str(value) == "2");
}

void check_cursor(visor_kv* kv) {
  REQUIRE(put_one(kv, "b", "2") == VISOR_OK);
  REQUIRE(put_one(kv, "d", "4") == VISOR_OK);
  visor_cursor* raw = nullptr;
  REQUIRE(kv->api->cursor(kv, &raw) == VISOR_OK);
  Owned<visor_cursor> cursor(raw);
  CHECK(raw->api->step(raw, +1) == VISOR_ENOENT); /* nowhere yet */
  CHECK(raw->api->seek(raw, VISOR_TEXT("c"), VISOR_AT_OR_AFTER) == VISOR_OK);
  CHECK(str(raw->key) == "d");
  CHECK(raw->api->step(raw, +1) == VISOR_ENOENT);
  CHECK(raw->api->step(raw, -1) == VISOR_ENOENT); /* the end is left only by a seek */
  CHECK(raw->api->seek(raw, VISOR_TEXT("c"), VISOR_AT_OR_BEFORE) == VISOR_OK);
  CHECK(str(raw->key) == "b");
  CHECK(raw->api->step(raw, -1) == VISOR_ENOENT);
  CHECK(raw->api->seek(raw, VISOR_TEXT("a"), VISOR_AT_OR_BEFORE) == VISOR_ENOENT);
  CHECK(raw->api->seek(raw, VISOR_TEXT("e"), VISOR_AT_OR_AFTER) == VISOR_ENOENT);
  CHECK(raw->api->seek(raw, VISOR_TEXT("b"), 5) == VISOR_EINVAL);
  CHECK(raw->api->step(raw, 2) == VISOR_EINVAL);
}

void check_snapshot(visor_kv* kv) {
  REQUIRE(put_one(kv, "k", "before") == VISOR_OK);
  visor_kv* snapshot = nullptr;
  REQUIRE(kv->api->snapshot(kv, &snapshot) == VISOR_OK);
  REQUIRE(put_one(kv, "k", "after") == VISOR_OK);
  visor_span value{};
  REQUIRE(snapshot->api->get(snapshot, VISOR_TEXT("k"), &value) == VISOR_OK);
  CHECK(str(value) == "before");
  CHECK(put_one(snapshot, "k", "x") == VISOR_EPERM);
  /* Left open on purpose, with a cursor of its own: closing the map closes both. */
  visor_cursor* cursor = nullptr;
  REQUIRE(snapshot->api->cursor(snapshot, &cursor) == VISOR_OK);
  CHECK(cursor->api->seek(cursor, {}, VISOR_FIRST) == VISOR_OK);
}

}  // namespace

void check_drive(DriveUser drive) {
  {
    auto kv = drive.open("bounds");
    check_bounds(kv.get());
    CHECK(drive.sync(kv.get()).has_value());
    visor_span stats{};
    REQUIRE(kv->api->stats(kv.get(), &stats) == VISOR_OK);
    CHECK(str(stats).find("\"bytes\":") != std::string::npos);
  }
  check_cursor(drive.open("cursor").get());
  check_snapshot(drive.open("snapshot").get());

  {
    auto kv = drive.open("names/\xff are any bytes");
    REQUIRE(put_one(kv.get(), "k", "v") == VISOR_OK);
    auto twice = drive.try_open("names/\xff are any bytes");
    REQUIRE(!twice);
    CHECK(twice.error().status == VISOR_EEXIST);
    auto erased = drive.erase("names/\xff are any bytes");
    REQUIRE(!erased);
    CHECK(erased.error().status == VISOR_EEXIST);
    visor_span value{};
    auto another = drive.open("another");
    CHECK(another->api->get(another.get(), VISOR_TEXT("k"), &value) == VISOR_ENOENT); /* maps share nothing */
  }
  {
    visor_span value{};
    auto again = drive.open("names/\xff are any bytes");
    CHECK(again->api->get(again.get(), VISOR_TEXT("k"), &value) ==
          VISOR_OK); /* closing keeps what is there */
  }
  CHECK(drive.erase("names/\xff are any bytes").has_value());
  CHECK(drive.erase("never there").has_value());
  {
    visor_span value{};
    auto again = drive.open("names/\xff are any bytes");
    CHECK(again->api->get(again.get(), VISOR_TEXT("k"), &value) == VISOR_ENOENT);
  }
  CHECK(drive.try_open("").error().status == VISOR_EINVAL);
  CHECK(drive.try_open(std::string(201, 'n')).error().status == VISOR_EINVAL);

  Model model;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    auto kv = drive.open("model"); /* reopened each time: it goes on with what was there */
    check_equal(kv.get(), model);
    follow_model(kv.get(), model, seed, 150);
  }
}

TEST_CASE("storage_memory follows the drives' script", "[drive]") {
  SimWorld world(1);
  Node& node = world.add("alpha", R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})");
  check_drive(DriveUser(world, node));
}

TEST_CASE("many short views beside a long one do not pile up versions", "[drive]") {
  SimWorld world(1);
  Node& node = world.add("alpha", R"({"plugins":[{"plugin":"storage_memory","as":"disk"}]})");
  DriveUser drive(world, node);
  auto kv = drive.open();
  REQUIRE(put_one(kv.get(), "k", "first") == VISOR_OK);
  visor_kv* oldest = nullptr;
  REQUIRE(kv->api->snapshot(kv.get(), &oldest) == VISOR_OK);
  for (int i = 0; i < 2000; ++i) {
    std::string key = "k" + std::to_string(i % 50);
    visor_cursor* cursor = nullptr;
    REQUIRE(kv->api->cursor(kv.get(), &cursor) == VISOR_OK);
    REQUIRE(put_one(kv.get(), key, std::string(100, 'v')) == VISOR_OK);
    cursor->api->close(cursor);
  }
  visor_span value{};
  REQUIRE(oldest->api->get(oldest, VISOR_TEXT("k"), &value) == VISOR_OK);
  CHECK(str(value) == "first");
  CHECK(oldest->api->get(oldest, VISOR_TEXT("k1"), &value) == VISOR_ENOENT);
  visor_span stats{};
  REQUIRE(kv->api->stats(kv.get(), &stats) == VISOR_OK);
  auto at = str(stats).find("\"kept_versions\":");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoi(str(stats).substr(at + 16)) < 300);
}

}  // namespace visor::test
