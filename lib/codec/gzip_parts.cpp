#include "lib/codec/gzip_parts.hpp"

#include <zlib.h>

namespace visor::codec {
namespace {

constexpr int kRawWindowBits = -15; /* zlib: no header, no trailer */
constexpr int kMemoryLevel = 8;
constexpr int kLevel = 5; /* specification telemetry.md, 4 */
/* Deflate, no flags, no time, unknown system. */
constexpr std::string_view kHead("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
/* A last block with nothing in it. */
constexpr std::string_view kLastBlock("\x03\0", 2);

void append_u32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

struct GzipPartMaker::State {
  z_stream stream{};
  bool ready = false;
};

GzipPartMaker::GzipPartMaker() : state_(std::make_unique<State>()) {
  state_->ready = deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kRawWindowBits, kMemoryLevel,
                               Z_DEFAULT_STRATEGY) == Z_OK;
}

GzipPartMaker::~GzipPartMaker() {
  if (state_->ready) deflateEnd(&state_->stream);
}

namespace {

// Blocks that are stored as they are: what is left when zlib has no memory.
std::string stored(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::string_view block = text.substr(0, 65535);
    text.remove_prefix(block.size());
    out += '\0';
    append_u32(out, static_cast<uint32_t>(block.size() | (~block.size() & 0xffff) << 16));
    out += block;
  }
  return out;
}

}  // namespace

GzipPart GzipPartMaker::make(std::string_view text) {
  GzipPart part;
  part.size = text.size();
  if (text.empty()) return part;
  auto* data = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib predates const
  part.crc = static_cast<uint32_t>(crc32_z(0, data, text.size()));
  part.crc_shift = static_cast<uint32_t>(crc32_combine_gen(static_cast<z_off_t>(text.size())));
  if (!state_->ready || text.size() > (size_t(1) << 30) || deflateReset(&state_->stream) != Z_OK) {
    part.deflated = stored(text);
    return part;
  }
  z_stream& stream = state_->stream;
  part.deflated.resize(deflateBound(&stream, static_cast<uLong>(text.size())) + 16);
  stream.next_in = data;
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(part.deflated.data());
  stream.avail_out = static_cast<uInt>(part.deflated.size());
  deflate(&stream, Z_SYNC_FLUSH);
  part.deflated.resize(part.deflated.size() - stream.avail_out);
  part.deflated.shrink_to_fit();
  return part;
}

void GzipJoin::begin(std::string& out) const {
  out += kHead;
}

void GzipJoin::add(std::string& out, const GzipPart& part) {
  if (part.size == 0) return;
  out += part.deflated;
  crc_ = size_ == 0 ? part.crc : static_cast<uint32_t>(crc32_combine_op(crc_, part.crc, part.crc_shift));
  size_ += part.size;
}

void GzipJoin::end(std::string& out) const {
  out += kLastBlock;
  append_u32(out, crc_);
  append_u32(out, static_cast<uint32_t>(size_));
}

}  // namespace visor::codec
