// storage_leveldb on disks that fail it: full, read-only, locked by another process, damaged, without power.
//   leveldb_failures PLUGIN.so full|read_only|locked|damaged|power_cut
// Exit code 0, or 1 and a sentence a finding.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "check/drive_model.hpp"
#include "check/native/stage.hpp"
#include "tests/drives/faults.hpp"
#include "tests/support/scratch.hpp"

namespace visor::test {
namespace {

namespace fs = std::filesystem;
using check::DriveUser;
using check::Findings;
using check::get_one;
using check::put_one;
using check::Sheet;
using check::Stage;

/* The plugin with its maps below one folder; stopped when it goes. */
class Disk {
 public:
  Disk(Findings& found, const std::string& plugin, const fs::path& folder) {
    check::Options options;
    options.file = plugin;
    options.config = R"({"path":")" + folder.string() + "\"}";
    auto cast = check::Cast::load(options, true);
    if (!found.expect(cast.has_value(), [&] { return cast.error().text; })) return;
    cast_ = std::move(*cast);
    stage_.emplace(*cast_, 1, "", sheet_);
    auto visor = stage_->run();
    if (!found.expect(visor.has_value(), [&] { return visor.error().text; })) return;
    user_.emplace(found, stage_->waiter(**visor), (*visor)->find<visor_drive>(VISOR_DRIVE_1));
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  explicit operator bool() const { return user_.has_value(); }
  DriveUser& user() { return *user_; }
  Host host() const { return user_->host(); }

 private:
  std::unique_ptr<check::Cast> cast_;
  static inline Sheet sheet_{};
  std::optional<Stage> stage_;
  std::optional<DriveUser> user_;
};

/* --- numbered batches: one number under twenty keys, so that a part of one shows --- */

constexpr int kKeys = 20;

std::string key_of(int index) {
  return "key " + std::to_string(index);
}

Result<void> write_number(Disk& disk, visor_kv* kv, uint64_t number, size_t filler_size) {
  std::string text = std::to_string(number), filler(filler_size, 'f');
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(key_of(i));
  std::vector<visor_op> ops;
  for (const std::string& key : keys) ops.push_back(put(key, bytes(std::string_view(text))));
  const std::string filler_key = "filler " + text.substr(text.size() - 1);
  ops.push_back(put(filler_key, bytes(std::string_view(filler))));
  visor_status status = kv->api->write(kv, ops.data(), ops.size());
  if (status != VISOR_OK) return std::unexpected(disk.host().error(status));
  return {};
}

/* The number of the last whole batch; a finding if one is there in part.  0: none. */
uint64_t read_number(Findings& found, Disk& disk, visor_kv* kv) {
  std::set<std::string> numbers;
  int keys = 0;
  for (int i = 0; i < kKeys; ++i) {
    auto value = get_one(disk.host(), kv, key_of(i));
    if (!value) {
      found.expect(value.error().status == VISOR_ENOENT, [&] { return "get: " + value.error().text; });
      continue;
    }
    numbers.insert(*value);
    ++keys;
  }
  bool whole = keys == 0 || (keys == kKeys && numbers.size() == 1);
  if (!found.expect(whole, [&] { return "a batch is there in part: " + std::to_string(keys) + " keys"; }))
    return 0;
  return keys == 0 ? 0 : std::stoull(*numbers.begin());
}

/* --- full ---
 * The disk fills up at every place of a batch, of a table, of the list of tables. */

void fill_up(Findings& found, const std::string& plugin, int64_t space, size_t filler) {
  Findings::Context context(found, "with space for " + std::to_string(space) + " bytes");
  Scratch folder;
  uint64_t acknowledged = 0;
  {
    Disk disk(found, plugin, folder.path());
    if (!disk) return;
    auto kv = disk.user().open("map");
    if (!kv) return;
    auto write = [&](uint64_t number) { return write_number(disk, kv.get(), number, filler); };
    for (uint64_t number = 1; number <= 3; ++number) {
      if (found.expect(write(number).has_value(), "a write failed while there was space"))
        acknowledged = number;
    }
    faults::watch(folder.path());
    faults::set_space(space);
    Result<void> refused;
    for (uint64_t number = 4; number < 3000 && refused; ++number) {
      refused = write(number);
      if (refused) acknowledged = number;
    }
    if (!found.expect(!refused, "the disk never was full")) return;
    auto named = refused.error().text.find(folder.path().string()) != std::string::npos;
    found.expect(refused.error().status == VISOR_ENOSPC && named, [&] {
      return "expected VISOR_ENOSPC and the folder's name, got " +
             check::status_name(refused.error().status) + ": " + refused.error().text;
    });
    found.expect(read_number(found, disk, kv.get()) == acknowledged,
                 "what was refused is to be read, or more is gone");
    auto still = write(acknowledged + 1);
    found.expect(!still && still.error().status == VISOR_ENOSPC, "a full disk took another batch");
    faults::set_space(-1);
    auto again = write(acknowledged + 1);
    if (again) {
      ++acknowledged;
      for (int more = 0; more < 5; ++more) {
        if (found.expect(write(acknowledged + 1).has_value(), "a write failed after one had succeeded"))
          ++acknowledged;
      }
    } else {
      found.expect(again.error().text.find("open it again") != std::string::npos, [&] {
        return "there is space again, and a write fails without saying what to do: " + again.error().text;
      });
    }
  }
  Disk disk(found, plugin, folder.path());
  auto kv = disk ? disk.user().open("map") : nullptr;
  if (!kv) return;
  uint64_t number = read_number(found, disk, kv.get());
  found.expect(number == acknowledged, [&] {
    return "after a restart the map holds batch " + std::to_string(number) + "; batch " +
           std::to_string(acknowledged) + " was the last that was acknowledged";
  });
  found.expect(write_number(disk, kv.get(), acknowledged + 1, filler).has_value(),
               "after a restart nothing can be written");
}

void full(Findings& found, const std::string& plugin) {
  for (int64_t space :
       {0, 1, 6, 7, 8, 40, 100, 300, 699, 700, 701, 702, 1500, 5000, 32761, 32768, 32775, 70000, 100003}) {
    fill_up(found, plugin, space, 150);
  }
  for (int64_t space :
       {100000, 3000000, 4190000, 4210000, 4300000, 5000000, 6000000, 8000000, 8400000, 9000000}) {
    fill_up(found, plugin, space, 100000); /* beyond one table */
  }
}

/* --- read-only --- */

bool can_write_to(const fs::path& folder) {
  std::ofstream probe(folder / "probe");
  bool could = static_cast<bool>(probe << "x" << std::flush);
  std::error_code failed;
  fs::remove(folder / "probe", failed);
  return could;
}

std::set<std::string> listing(const fs::path& folder) {
  std::set<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    out.insert(entry.path().string() +
               (entry.is_regular_file() ? " " + std::to_string(entry.file_size()) : ""));
  }
  return out;
}

void expect_refused(Findings& found, Disk& disk, const std::string& map, visor_status status,
                    const fs::path& name) {
  auto kv = disk.user().try_open(map);
  if (!found.expect(!kv, "a map was opened that could not be written to"))
    return Owned<visor_kv>(*kv).reset();
  bool named = kv.error().text.find(name.string()) != std::string::npos;
  found.expect(kv.error().status == status && named, [&] {
    return "expected " + check::status_name(status) + " and the name " + name.string() + ", got " +
           check::status_name(kv.error().status) + ": " + kv.error().text;
  });
}

void read_only(Findings& found, const std::string& plugin) {
  Scratch folder;
  {
    Disk disk(found, plugin, folder.path());
    auto kv = disk ? disk.user().open("map") : nullptr;
    if (!kv || !found.expect(put_one(kv.get(), "k", "v") == VISOR_OK, "write")) return;
  }
  /* Permissions bind root too once it has given its capabilities away, for good. */
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  bool given = ::syscall(SYS_capset, &header, none) == 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "map")) {
    fs::permissions(entry.path(), fs::perms::owner_read);
  }
  fs::permissions(folder.path() / "map", fs::perms::owner_read | fs::perms::owner_exec);
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  if (!found.expect(given && !can_write_to(folder.path()) && !can_write_to(folder.path() / "map"),
                    "no folder can be made read-only here, so that this could not be tried"))
    return;
  auto before = listing(folder.path());
  {
    Disk disk(found, plugin, folder.path());
    if (!disk) return;
    expect_refused(found, disk, "map", VISOR_EPERM, folder.path() / "map");
    expect_refused(found, disk, "another", VISOR_EPERM, folder.path() / "another");
  }
  found.expect(listing(folder.path()) == before, "files of a read-only folder are others than before");
  fs::permissions(folder.path(), fs::perms::owner_all);
  fs::permissions(folder.path() / "map", fs::perms::owner_all);
  for (const auto& entry : fs::directory_iterator(folder.path() / "map")) {
    fs::permissions(entry.path(), fs::perms::owner_read | fs::perms::owner_write);
  }
  Disk disk(found, plugin, folder.path());
  auto kv = disk ? disk.user().open("map") : nullptr;
  if (!kv) return;
  auto value = get_one(disk.host(), kv.get(), "k");
  found.expect(value && *value == "v", "what was there is gone after the folder had been read-only");
}

/* --- locked --- */

void locked(Findings& found, const std::string& plugin) {
  Scratch folder;
  int ready[2], leave[2];
  if (!found.expect(::pipe(ready) == 0 && ::pipe(leave) == 0, "no pipe can be made")) return;
  pid_t other = ::fork(); /* before anything is loaded */
  if (other == 0) {
    ::close(leave[1]);
    Findings theirs;
    Disk disk(theirs, plugin, folder.path());
    auto kv = disk ? disk.user().open("map") : nullptr;
    bool fine = kv && put_one(kv.get(), "k", "theirs") == VISOR_OK;
    char byte = fine ? 'y' : 'n';
    (void)!::syscall(SYS_write, ready[1], &byte, 1);
    (void)!::read(leave[0], &byte, 1); /* until the pipe's end */
    kv.reset();
    ::_exit(fine ? 0 : 1);
  }
  char byte = 0;
  ::close(ready[1]);
  found.expect(::read(ready[0], &byte, 1) == 1 && byte == 'y', "the other process could not open the map");
  {
    Disk disk(found, plugin, folder.path());
    if (!disk) return;
    expect_refused(found, disk, "map", VISOR_EEXIST, folder.path() / "map");
    auto erased = disk.user().erase("map");
    found.expect(!erased, "a map was erased that another process has open");
    ::close(leave[1]);
    ::close(leave[0]);
    int status = 0;
    ::waitpid(other, &status, 0);
    found.expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other process failed");
    auto kv = disk.user().open("map");
    if (!kv) return;
    auto value = get_one(disk.host(), kv.get(), "k");
    found.expect(value && *value == "theirs", "what the other process wrote is not there once it has left");
  }
}

/* --- damaged --- */

constexpr int kEntries = 600; /* half of them in a table, half in a log */

std::string entry_key(int index) {
  char key[16];
  std::snprintf(key, sizeof key, "entry %05d", index);
  return key;
}

/* Anything that does not compress, so that a flipped bit meets data. */
std::string entry_value(int index) {
  std::mt19937_64 random(static_cast<uint64_t>(index));
  std::string out(120, ' ');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

bool make_map(Findings& found, const std::string& plugin, const fs::path& folder) {
  for (int half = 0; half < 2; ++half) { /* opening makes a table of what the log holds */
    Disk disk(found, plugin, folder);
    auto kv = disk ? disk.user().open("map") : nullptr;
    if (!kv) return false;
    for (int i = half * kEntries / 2; i < (half + 1) * kEntries / 2; ++i) {
      if (!found.expect(put_one(kv.get(), entry_key(i), entry_value(i)) == VISOR_OK, "write")) return false;
    }
  }
  return true;
}

struct Seen {
  std::optional<Error> refused; /* by open, or by a read */
  int there = 0;                /* entries as they were written, from the first on without a gap */
  bool wrong = false;           /* a gap, another value, an entry of nobody */
};

Seen look_at(Findings& found, const std::string& plugin, const fs::path& folder) {
  Seen seen;
  Disk disk(found, plugin, folder);
  if (!disk) return seen;
  auto opened = disk.user().try_open("map");
  if (!opened) {
    seen.refused = opened.error();
    return seen;
  }
  Owned<visor_kv> kv(*opened);
  int entries = 0;
  visor_status status = scan(kv.get(), {}, [&](ByteView key, ByteView value) {
    seen.wrong |= text(key) != entry_key(entries) || text(value) != entry_value(entries);
    ++entries;
    return !seen.wrong;
  });
  if (status != VISOR_OK) seen.refused = disk.host().error(status);
  for (int i = 0; i < kEntries && !seen.refused; i += 7) {
    auto value = get_one(disk.host(), kv.get(), entry_key(i));
    if (value) {
      seen.wrong |= *value != entry_value(i);
    } else if (value.error().status != VISOR_ENOENT) {
      seen.refused = value.error();
    } else {
      seen.wrong |= i < entries;
    }
  }
  seen.there = entries;
  return seen;
}

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Tally {
  int harmless = 0, named = 0, torn = 0;
};

/* One damage to a copy of the map.  Nothing wrong is ever read, nothing is missing without an error, the
 * error names the file, and the file is as it was left. */
void try_damage(Findings& found, const std::string& plugin, const fs::path& intact, const fs::path& file,
                const std::string& what, const std::function<void(const fs::path&)>& damage, Tally& tally) {
  Findings::Context context(found, file.filename().string() + ", " + what);
  Scratch copy;
  fs::copy(intact, copy.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::path victim = copy.path() / fs::relative(file, intact);
  damage(victim);
  std::string damaged = contents(victim);
  Seen seen = look_at(found, plugin, copy.path());
  found.expect(!seen.wrong, "something was read that nobody wrote");
  if (!seen.refused) {
    /* A log whose last record is cut looks like one whose writer was killed: it is kept beside the map. */
    bool kept = contents(victim.string() + ".torn") == damaged;
    found.expect(seen.there == kEntries || (kept && seen.there == kEntries - 1), [&] {
      return std::to_string(kEntries - seen.there) + " entries are missing, and nothing was said of it";
    });
    ++(seen.there == kEntries ? tally.harmless : tally.torn);
    return;
  }
  bool named = seen.refused->text.find(victim.filename().string()) != std::string::npos ||
               seen.refused->text.find((copy.path() / "map").string()) != std::string::npos;
  found.expect(seen.refused->status == VISOR_ECORRUPT && named, [&] {
    return "expected VISOR_ECORRUPT and the file's name, got " + check::status_name(seen.refused->status) +
           ": " + seen.refused->text;
  });
  found.expect(contents(victim) == damaged, "the damaged file was changed or deleted");
  ++tally.named;
}

void damaged(Findings& found, const std::string& plugin) {
  Scratch intact;
  if (!make_map(found, plugin, intact.path())) return;
  constexpr size_t kPlaces = 60;
  for (const auto& entry : fs::recursive_directory_iterator(intact.path())) {
    std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.starts_with("LO")) continue; /* LOCK is empty, LOG is for people */
    Tally tally;
    size_t size = entry.file_size();
    for (size_t place = 0; place < kPlaces && size > 0; ++place) {
      size_t at = place < 20 ? std::min(place, size - 1) : (place - 20) * (size - 1) / (kPlaces - 21);
      try_damage(
          found, plugin, intact.path(), entry.path(), "byte " + std::to_string(at) + " flipped",
          [at](const fs::path& victim) {
            std::string bytes_of = contents(victim);
            bytes_of[at] = static_cast<char>(bytes_of[at] ^ 0x5a);
            std::ofstream(victim, std::ios::binary | std::ios::trunc) << bytes_of;
          },
          tally);
    }
    std::printf("%-16s %6zu bytes: %d flips named, %d harmless, %d like a torn end\n", name.c_str(), size,
                tally.named, tally.harmless, tally.torn);
    if (name.ends_with(".log")) continue; /* a log that is gone is one that was never begun */
    try_damage(
        found, plugin, intact.path(), entry.path(), "missing",
        [](const fs::path& victim) { fs::remove(victim); }, tally);
  }
}

/* --- power cut --- */

void power_cut(Findings& found, const std::string& plugin) {
  Scratch folder;
  faults::watch(folder.path());
  Disk disk(found, plugin, folder.path());
  auto kv = disk ? disk.user().open("map") : nullptr;
  if (!kv) return;
  std::mt19937_64 random(1);
  uint64_t synced = 0;
  for (uint64_t number = 1; number <= 400; ++number) {
    auto written = write_number(disk, kv.get(), number, 1000 + random() % 60000);
    if (!found.expect(written.has_value(), [&] { return "write: " + written.error().text; })) return;
    if (random() % 9 == 0) {
      auto done = disk.user().sync(kv.get());
      if (!found.expect(done.has_value(), [&] { return "sync: " + done.error().text; })) return;
      synced = number;
    }
    if (random() % 12 != 0) continue;
    Scratch after;
    faults::copy_after_power_cut(after.path());
    Findings::Context context(found, "power cut after batch " + std::to_string(number));
    Disk other(found, plugin, after.path());
    auto there = other ? other.user().open("map") : nullptr;
    if (!there) return;
    uint64_t last = read_number(found, other, there.get());
    if (!found.expect(last >= synced && last <= number, [&] {
          return "batch " + std::to_string(synced) + " was synced, the map holds batch " +
                 std::to_string(last);
        }))
      return;
  }
}

}  // namespace
}  // namespace visor::test

int main(int argc, char** argv) {
  using namespace visor::test;
  struct Mode {
    std::string_view name;
    void (*run)(visor::check::Findings&, const std::string& plugin);
  };
  constexpr Mode kModes[] = {{"full", full},
                             {"read_only", read_only},
                             {"locked", locked},
                             {"damaged", damaged},
                             {"power_cut", power_cut}};
  visor::check::Findings found;
  for (const Mode& mode : kModes) {
    if (argc == 3 && mode.name == argv[2]) {
      mode.run(found, argv[1]);
      for (const std::string& sentence : found.sentences()) std::fprintf(stderr, "%s\n", sentence.c_str());
      return found.clean() ? 0 : 1;
    }
  }
  std::fprintf(stderr, "expected leveldb_failures PLUGIN.so full|read_only|locked|damaged|power_cut\n");
  return 2;
}
