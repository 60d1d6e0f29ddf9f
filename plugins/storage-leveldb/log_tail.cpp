#include "log_tail.hpp"

#include <algorithm>
#include <boost/crc.hpp>
#include <fstream>
#include <iterator>

namespace visor::storage_leveldb {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = 32768, kHeader = 7;

struct Record {
  uint32_t crc = 0;
  size_t length = 0;
  uint8_t type = 0;
};

Record header_at(ByteView log, size_t at) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(log[at + i]); };
  return {byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24, byte(4) | byte(5) << 8, log[at + 6]};
}

size_t room_in_block(size_t at) {
  return kBlock - at % kBlock;
}

bool is_whole(ByteView log, size_t at) {
  if (log.size() - at < kHeader || room_in_block(at) < kHeader) return false;
  Record record = header_at(log, at);
  size_t size = kHeader + record.length;
  if (record.type < 1 || record.type > 4 || size > room_in_block(at) || size > log.size() - at) return false;
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(log.data() + at + kHeader - 1, record.length + 1);
  uint32_t value = crc.checksum();
  return record.crc == ((value >> 15 | value << 17) + 0xa282ead8);
}

/* Whether a writer that was interrupted can have left the bytes from `at` on. */
bool is_beginning(ByteView log, size_t at) {
  ByteView rest = log.subspan(at);
  if (std::ranges::all_of(rest, [](uint8_t byte) { return byte == 0; }))
    return true; /* room, never written */
  if (rest.size() < kHeader) return true;
  Record record = header_at(log, at);
  if (record.type < 1 || record.type > 4 || kHeader + record.length > room_in_block(at)) return false;
  for (size_t later = at + 1; later + kHeader <= log.size(); ++later) {
    if (is_whole(log, later)) return false;
  }
  return true;
}

Result<Bytes> read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  Bytes out{std::istreambuf_iterator<char>(in), {}};
  if (!in && !in.eof()) return failure(VISOR_EIO, file.string() + " cannot be read");
  return out;
}

Result<size_t> torn_bytes(const fs::path& file, ByteView log) {
  for (size_t at = 0; at < log.size();) {
    size_t left = std::min(room_in_block(at), log.size() - at);
    if (room_in_block(at) < kHeader) {
      at += left;
      continue;
    }
    size_t size = left < kHeader ? kHeader : kHeader + header_at(log, at).length;
    bool unused = left >= kHeader && header_at(log, at).type == 0;
    if (size <= left && !unused) {
      at += size;
      continue;
    }
    if (is_beginning(log, at)) return log.size() - at;
    return failure(
        VISOR_ECORRUPT,
        file.string() + ": expected a record or the beginning of one at byte " + std::to_string(at) + " of " +
            std::to_string(log.size()) +
            ", found neither; nothing was changed: restore the folder from a copy, or erase the map");
  }
  return 0;
}

}  // namespace

Result<size_t> torn_bytes(const fs::path& log) {
  auto bytes = read_file(log);
  if (!bytes) return std::unexpected(bytes.error());
  return torn_bytes(log, *bytes);
}

Result<void> check_logs(const fs::path& folder, std::string& said) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const fs::path& log = entry.path();
    if (log.extension() != ".log") continue;
    auto torn = torn_bytes(log);
    if (!torn) return std::unexpected(torn.error());
    if (*torn == 0) continue;
    fs::path copy = log.string() + ".torn";
    fs::copy_file(log, copy, fs::copy_options::overwrite_existing, failed);
    if (failed) return failure(VISOR_EIO, copy.string() + " cannot be written: " + failed.message());
    said += log.string() + " ends in an unfinished record of " + std::to_string(*torn) +
            " bytes, as after a power cut; the map goes on without it, a copy of the log is " +
            copy.string() + ". ";
  }
  return {};
}

}  // namespace visor::storage_leveldb
