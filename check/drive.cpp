#include "check/drive.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "check/drive_model.hpp"

namespace visor::check {

Result<visor_kv*> DriveUser::try_open(std::string_view name) {
  return await<visor_kv>(waiter_,
                         [&](visor_done done) { return drive_->api->open(drive_, to_span(name), done); });
}

Owned<visor_kv> DriveUser::open(std::string_view name) {
  auto kv = try_open(name);
  if (!found.expect(kv.has_value(), [&] { return "open: " + kv.error().text; })) return nullptr;
  found.expect(*kv != nullptr, "open: completed with VISOR_OK and no map");
  return Owned<visor_kv>(*kv);
}

Result<void> DriveUser::erase(std::string_view name) {
  auto done =
      await<void>(waiter_, [&](visor_done d) { return drive_->api->erase(drive_, to_span(name), d); });
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<void> DriveUser::sync(visor_kv* kv) {
  auto done = await<void>(waiter_, [&](visor_done d) { return kv->api->sync(kv, d); });
  if (!done) return std::unexpected(done.error());
  return {};
}

visor_status put_one(visor_kv* kv, std::string_view key, std::string_view value) {
  visor_op op = put(key, bytes(value));
  return kv->api->write(kv, &op, 1);
}

Result<std::string> get_one(Host host, visor_kv* kv, std::string_view key) {
  visor_span value{};
  visor_status status = kv->api->get(kv, to_span(key), &value);
  if (status == VISOR_ENOENT) return failure(VISOR_ENOENT, "no such key");
  if (status != VISOR_OK) return std::unexpected(host.error(status));
  return std::string(text(value));
}

namespace {

void expect_value(DriveUser& drive, visor_kv* kv, std::string_view key, std::string_view wanted,
                  std::string_view when) {
  auto got = get_one(drive.host(), kv, key);
  drive.found.expect(got && *got == wanted, [&] {
    return std::string(when) + ": expected the value to be there" +
           (got ? ", got another one" : ": " + got.error().text);
  });
}

void expect_absent(DriveUser& drive, visor_kv* kv, std::string_view key, std::string_view when) {
  visor_span value{};
  drive.found.expect_status(drive.host(), kv->api->get(kv, to_span(key), &value), VISOR_ENOENT, when);
}

void expect_put(DriveUser& drive, visor_kv* kv, std::string_view key, std::string_view value,
                visor_status wanted, std::string_view what) {
  drive.found.expect_status(drive.host(), put_one(kv, key, value), wanted, what);
}

void names(DriveUser& drive, uint64_t) {
  constexpr std::string_view kName = "names/\xff are any bytes, ../ too";
  auto refused = [&](const Result<void>& got, visor_status wanted, std::string_view call) {
    drive.found.expect(!got && got.error().status == wanted, [&] {
      return std::string(call) + ": expected " + status_name(wanted) + ", got " +
             status_name(got ? VISOR_OK : got.error().status);
    });
  };
  auto refused_open = [&](std::string_view name, visor_status wanted, std::string_view call) {
    auto kv = drive.try_open(name);
    if (kv) Owned<visor_kv>(*kv).reset();
    refused(kv ? Result<void>() : std::unexpected(kv.error()), wanted, call);
  };
  {
    auto kv = drive.open(kName);
    if (!kv) return;
    expect_put(drive, kv.get(), "k", "v", VISOR_OK, "write");
    refused_open(kName, VISOR_EEXIST, "open of a map that is open");
    refused(drive.erase(kName), VISOR_EEXIST, "erase of a map that is open");
    auto another = drive.open("names, another");
    if (another) expect_absent(drive, another.get(), "k", "a key that another map has");
  }
  if (auto again = drive.open(kName))
    expect_value(drive, again.get(), "k", "v", "a map closed and opened again");
  auto erased = drive.erase(kName);
  drive.found.expect(erased.has_value(), [&] { return "erase: " + erased.error().text; });
  erased = drive.erase("names, never there");
  drive.found.expect(erased.has_value(),
                     [&] { return "erase of a map that never was: " + erased.error().text; });
  if (auto again = drive.open(kName))
    expect_absent(drive, again.get(), "k", "a key of a map that was erased");
  refused_open("", VISOR_EINVAL, "open of a name without bytes");
  refused_open(std::string(201, 'n'), VISOR_EINVAL, "open of a name of 201 bytes");
  if (drive.open(std::string(200, 'n'))) (void)drive.erase(std::string(200, 'n'));
}

void sizes(DriveUser& drive, uint64_t) {
  auto kv = drive.open("sizes");
  if (!kv) return;
  expect_put(drive, kv.get(), "", "", VISOR_OK, "write of an empty value under the empty key");
  expect_value(drive, kv.get(), "", "", "the empty key and value are a key and a value");
  expect_absent(drive, kv.get(), "absent", "get of a key that was never there");
  const std::string longest(64u << 10, 'k');
  expect_put(drive, kv.get(), longest, "x", VISOR_OK, "write of a key of 64 KiB");
  expect_value(drive, kv.get(), longest, "x", "a key of 64 KiB");
  expect_put(drive, kv.get(), longest + "k", "x", VISOR_EINVAL, "write of a key above 64 KiB");
  for (size_t mib : {1u, 16u}) {
    std::string large(mib << 20, static_cast<char>('a' + mib));
    expect_put(drive, kv.get(), "large", large, VISOR_OK,
               "write of a value of " + std::to_string(mib) + " MiB");
    expect_value(drive, kv.get(), "large", large, "a value of " + std::to_string(mib) + " MiB");
  }
  std::string too_large((64u << 20) + 1, 'v');
  expect_put(drive, kv.get(), "too large", too_large, VISOR_EINVAL, "write of a value above 64 MiB");
  expect_absent(drive, kv.get(), "too large", "a value that was refused");
}

void batches(DriveUser& drive, uint64_t) {
  auto kv = drive.open("batches");
  if (!kv) return;
  auto write = [&](std::span<const visor_op> ops, visor_status wanted, std::string_view what) {
    drive.found.expect_status(drive.host(), kv->api->write(kv.get(), ops.data(), ops.size()), wanted, what);
  };
  std::array bad = {put("first", bytes("1")), visor_op{7, 0, VISOR_TEXT("second"), {}}};
  write(bad, VISOR_EINVAL, "write of a batch whose second operation is of no kind");
  expect_absent(drive, kv.get(), "first", "the first operation of a batch whose second was refused");
  std::array with_value = {visor_op{VISOR_DELETE, 0, VISOR_TEXT("first"), VISOR_TEXT("1")}};
  write(with_value, VISOR_EINVAL, "write of a deletion that has a value");
  std::array with_more = {visor_op{VISOR_PUT, 1, VISOR_TEXT("first"), VISOR_TEXT("1")}};
  write(with_more, VISOR_EINVAL, "write of an operation whose field `zero` is not");

  std::array twice = {put("k", bytes("1")), visor::erase("k"), put("k", bytes("2")),
                      visor::erase("never there")};
  write(twice, VISOR_OK, "write of a batch that names a key three times");
  expect_value(drive, kv.get(), "k", "2", "in a batch the last word counts");
  std::array again = {put("k", bytes("3")), put("k", bytes("4"))};
  write(again, VISOR_OK, "write of a batch that puts a key twice");
  expect_value(drive, kv.get(), "k", "4", "in a batch the last word counts");
  write({}, VISOR_OK, "write of a batch without operations");

  constexpr size_t kMany = 10000;
  std::vector<std::string> keys;
  keys.reserve(kMany);
  for (size_t i = 0; i < kMany; ++i) keys.push_back("many " + std::to_string(i));
  std::vector<visor_op> ops;
  ops.reserve(kMany);
  for (const std::string& key : keys) ops.push_back(put(key, bytes(std::string_view(key))));
  write(ops, VISOR_OK, "write of a batch of 10,000 operations");
  size_t seen = 0;
  (void)scan(kv.get(), bytes(std::string_view("many ")), [&](ByteView key, ByteView value) {
    seen += text(key) == text(value) ? 1 : 0;
    return true;
  });
  drive.found.expect(seen == kMany, [&] {
    return "a batch of 10,000 operations was written, " + std::to_string(seen) + " of them are there";
  });
}

void cursors(DriveUser& drive, uint64_t) {
  auto kv = drive.open("cursors");
  if (!kv) return;
  visor_cursor* raw = nullptr;
  if (!drive.found.expect_status(drive.host(), kv->api->cursor(kv.get(), &raw), VISOR_OK, "cursor")) return;
  {
    Owned<visor_cursor> empty(raw);
    for (int32_t how : {VISOR_FIRST, VISOR_LAST, VISOR_AT_OR_AFTER, VISOR_AT_OR_BEFORE}) {
      drive.found.expect_status(drive.host(), raw->api->seek(raw, {}, how), VISOR_ENOENT,
                                "seek in an empty map");
    }
  }
  expect_put(drive, kv.get(), "b", "2", VISOR_OK, "write");
  expect_put(drive, kv.get(), "d", "4", VISOR_OK, "write");
  if (!drive.found.expect_status(drive.host(), kv->api->cursor(kv.get(), &raw), VISOR_OK, "cursor")) return;
  Owned<visor_cursor> cursor(raw);
  auto step = [&](int32_t direction, visor_status wanted, std::string_view when) {
    drive.found.expect_status(drive.host(), raw->api->step(raw, direction), wanted, when);
  };
  auto seek = [&](std::string_view key, int32_t how, std::string_view wanted, std::string_view call) {
    visor_status status = raw->api->seek(raw, to_span(key), how);
    visor_status expected = wanted.empty() ? VISOR_ENOENT : VISOR_OK;
    if (!drive.found.expect_status(drive.host(), status, expected, call) || wanted.empty()) return;
    drive.found.expect(text(raw->key) == wanted, [&] { return std::string(call) + ": found another key"; });
  };
  step(+1, VISOR_ENOENT, "step of a cursor that is nowhere yet");
  seek("c", VISOR_AT_OR_AFTER, "d", "seek at or after c among b and d");
  step(+1, VISOR_ENOENT, "step beyond the last key");
  step(-1, VISOR_ENOENT, "step back from beyond the end, which only a seek leaves");
  seek("c", VISOR_AT_OR_BEFORE, "b", "seek at or before c among b and d");
  step(-1, VISOR_ENOENT, "step before the first key");
  seek("a", VISOR_AT_OR_BEFORE, "", "seek at or before a key below all");
  seek("e", VISOR_AT_OR_AFTER, "", "seek at or after a key above all");
  seek("b", VISOR_AT_OR_AFTER, "b", "seek at or after a key that is there");
  seek("d", VISOR_AT_OR_BEFORE, "d", "seek at or before a key that is there");
  step(-1, VISOR_OK, "step back from d to b");
  step(+1, VISOR_OK, "step on from b to d");
  drive.found.expect(text(raw->key) == "d" && text(raw->value) == "4",
                     "after steps back and on, d should be there");
  drive.found.expect_status(drive.host(), raw->api->seek(raw, VISOR_TEXT("b"), 5), VISOR_EINVAL,
                            "seek with a fifth way of seeking");
  step(2, VISOR_EINVAL, "step by two");
}

void cursors_during_writes(DriveUser& drive, uint64_t seed) {
  auto kv = drive.open("cursors during writes");
  if (!kv) return;
  Draw draw(seed);
  Model model;
  for (int i = 0; i < 50; ++i) {
    if (!write_batch(drive, kv.get(), model, draw)) return;
  }
  Model before = model;
  visor_cursor* raw = nullptr;
  if (!drive.found.expect_status(drive.host(), kv->api->cursor(kv.get(), &raw), VISOR_OK, "cursor")) return;
  Owned<visor_cursor> cursor(raw);
  auto expected = before.begin();
  visor_status status = raw->api->seek(raw, {}, VISOR_FIRST);
  for (; status == VISOR_OK; status = raw->api->step(raw, +1)) {
    bool same =
        expected != before.end() && text(raw->key) == expected->first && text(raw->value) == expected->second;
    if (!drive.found.expect(
            same, "a cursor shows the map as it was when the cursor was made; it showed a later write"))
      return;
    ++expected;
    if (!write_batch(drive, kv.get(), model, draw)) return;
  }
  drive.found.expect(expected == before.end(),
                     "a cursor ended early because keys were deleted after it was made");
  cursor.reset();
  expect_equal(drive, kv.get(), model);
}

void snapshots(DriveUser& drive, uint64_t) {
  auto kv = drive.open("snapshots");
  if (!kv) return;
  expect_put(drive, kv.get(), "k", "before", VISOR_OK, "write");
  visor_kv *raw = nullptr, *raw_second = nullptr;
  if (!drive.found.expect_status(drive.host(), kv->api->snapshot(kv.get(), &raw), VISOR_OK, "snapshot"))
    return;
  Owned<visor_kv> snapshot(raw);
  expect_put(drive, kv.get(), "k", "after", VISOR_OK, "write");
  expect_put(drive, kv.get(), "new", "1", VISOR_OK, "write");
  expect_value(drive, raw, "k", "before", "a snapshot after the map was written to");
  expect_absent(drive, raw, "new", "a key written after the snapshot was taken");
  expect_put(drive, raw, "k", "x", VISOR_EPERM, "write to a snapshot");
  if (drive.found.expect_status(drive.host(), raw->api->snapshot(raw, &raw_second), VISOR_OK,
                                "snapshot of a snapshot")) {
    Owned<visor_kv> second(raw_second); /* goes before the one that it was taken from */
    expect_value(drive, raw_second, "k", "before", "a snapshot of a snapshot");
  }
  snapshot.reset();
  expect_value(drive, kv.get(), "k", "after", "the map after a snapshot was closed");
}

/* Left open on purpose: closing the map closes its cursors and snapshots too. */
void closing(DriveUser& drive, uint64_t) {
  auto kv = drive.open("closing");
  if (!kv) return;
  expect_put(drive, kv.get(), "k", "v", VISOR_OK, "write");
  visor_kv* snapshot = nullptr;
  visor_cursor* cursor = nullptr;
  if (drive.found.expect_status(drive.host(), kv->api->snapshot(kv.get(), &snapshot), VISOR_OK, "snapshot") &&
      drive.found.expect_status(drive.host(), snapshot->api->cursor(snapshot, &cursor), VISOR_OK, "cursor")) {
    drive.found.expect_status(drive.host(), cursor->api->seek(cursor, {}, VISOR_FIRST), VISOR_OK, "seek");
  }
  (void)kv->api->cursor(kv.get(), &cursor);
  kv.reset();
  auto erased = drive.erase("closing");
  drive.found.expect(erased.has_value(), [&] {
    return "erase of a map that was closed with a snapshot and cursors left open: " + erased.error().text;
  });
}

void sync_and_stats(DriveUser& drive, uint64_t) {
  auto kv = drive.open("sync and stats");
  if (!kv) return;
  expect_put(drive, kv.get(), "k", std::string(1000, 'v'), VISOR_OK, "write");
  auto synced = drive.sync(kv.get());
  drive.found.expect(synced.has_value(), [&] { return "sync: " + synced.error().text; });
  visor_span stats{};
  if (!drive.found.expect_status(drive.host(), kv->api->stats(kv.get(), &stats), VISOR_OK, "stats")) return;
  std::string json(text(stats));
  drive.found.expect(json.starts_with('{') && json.find("\"bytes\":") != std::string::npos,
                     [&] { return "stats: expected a JSON object with \"bytes\", got " + json; });
}

/* A sync whose map is closed at once still completes, once. */
void sync_then_close(DriveUser& drive, uint64_t) {
  auto kv = drive.open("sync then close");
  if (!kv) return;
  expect_put(drive, kv.get(), "k", "v", VISOR_OK, "write");
  auto runs = std::make_shared<int>(0);
  auto* hold = new std::shared_ptr<int>(runs);
  auto finished = [](void* ctx, visor_status, void*) {
    std::unique_ptr<std::shared_ptr<int>> owned(static_cast<std::shared_ptr<int>*>(ctx));
    ++**owned;
  };
  visor_status status = kv->api->sync(kv.get(), {finished, hold});
  if (status != VISOR_OK) delete hold;
  if (!drive.found.expect_status(drive.host(), status, VISOR_OK, "sync")) return;
  kv.reset();
  drive.found.expect(drive.run_until([&] { return *runs > 0; }),
                     "the done of a sync did not run because the map was closed meanwhile");
}

void model(DriveUser& drive, uint64_t seed) {
  Model expected;
  for (uint64_t round = 0; round < 10; ++round) {
    auto kv = drive.open("model"); /* reopened each time: it goes on with what was there */
    if (!kv || !expect_equal(drive, kv.get(), expected)) return;
    if (!follow_model(drive, kv.get(), expected, seed + round, 150)) return;
  }
}

constexpr DriveCheck kChecks[] = {
    {"names", "A map's name is any 1 to 200 bytes, open once, erased when it is closed", names},
    {"sizes", "Empty and long keys, empty and 16 MiB values, and a clear no beyond the bounds", sizes},
    {"batches", "A batch is written in order, whole or not at all", batches},
    {"cursors", "Cursors go both ways and stop at the ends", cursors},
    {"cursors_during_writes", "A cursor shows the map as it was when it was made", cursors_during_writes},
    {"snapshots", "A snapshot stays as it was and takes no writes", snapshots},
    {"closing", "Closing a map closes its cursors and snapshots", closing},
    {"sync_and_stats", "sync completes, stats is JSON with the map's bytes", sync_and_stats},
    {"sync_then_close", "A sync under way completes although its map is closed", sync_then_close},
    {"model", "1,500 random operations leave what they leave in std::map", model},
};

}  // namespace

std::span<const DriveCheck> drive_checks() {
  return kChecks;
}

}  // namespace visor::check
