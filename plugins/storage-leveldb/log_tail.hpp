// How a log of LevelDB's ends.  LevelDB takes whatever cannot be a record for the beginning of one that was
// never finished, drops it with all that follows, and deletes the log: right after a power cut, wrong where a
// length was damaged.
#pragma once
#include <visor/value.hpp>

#include <filesystem>

namespace visor::storage_leveldb {

// Bytes of an unfinished record at the log's end; 0 where it ends with a whole one.  VISOR_ECORRUPT, with the
// place, where the bytes cannot be what a writer left that was interrupted: LevelDB would drop records that
// are whole.
//
// The format (LevelDB's doc/log_format.md), little-endian, in blocks of 32 KiB: u32 masked CRC-32C of type
// and data | u16 length | u8 type (1 whole, 2 first, 3 middle, 4 last) | data.  No record crosses a block's
// end; fewer than 7 bytes there are not used.
Result<size_t> torn_bytes(const std::filesystem::path& log);

// Looks at every log in the folder before LevelDB does.  One with an unfinished record is copied to
// NAME.log.torn first, and the sentence that says so is added to `said`.
Result<void> check_logs(const std::filesystem::path& folder, std::string& said);

}  // namespace visor::storage_leveldb
