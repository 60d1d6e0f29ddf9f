#include "lib/codec/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace visor::codec {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib: the largest window, with a gzip header and trailer
constexpr int kMemoryLevel = 8;           // zlib's default
constexpr int kUnknownSystem = 255;       // RFC 1952, 2.3.1: says nothing about the machine

// zlib counts in 32 bits; larger input goes in pieces.
uInt piece(size_t size) {
  return static_cast<uInt>(std::min<size_t>(size, std::numeric_limits<uInt>::max() / 2));
}

// zlib's interface predates const; it never writes to its input.
Bytef* input_of(ByteView data) {
  return const_cast<Bytef*>(data.data());
}

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<Bytes> run(ByteView data, size_t max_bytes);

 private:
  // One byte more than the limit is room enough to notice that it was passed.
  bool grow(Bytes& out, size_t used, size_t max_bytes) {
    if (used > max_bytes) return false;
    out.resize(std::min(std::max<size_t>(out.size() * 2, 512), max_bytes + 1));
    return true;
  }

  z_stream stream_{};
  bool ready_ = false;
};

Result<Bytes> Inflater::run(ByteView data, size_t max_bytes) {
  if (!ready_) return failure(VISOR_EINTERNAL, "zlib has no memory for inflating");
  max_bytes = std::min(max_bytes, std::numeric_limits<size_t>::max() - 1);
  Bytes out(std::min(std::min(data.size(), max_bytes / 4) * 4, max_bytes) + 1);
  size_t used = 0;
  for (bool in_member = false;;) {
    if (data.empty() && !in_member) break;
    if (used == out.size() && !grow(out, used, max_bytes)) {
      return failure(VISOR_ENOSPC,
                     "gzip data inflates to more than the " + std::to_string(max_bytes) + " bytes allowed");
    }
    in_member = true;
    stream_.next_in = input_of(data);
    stream_.avail_in = piece(data.size());
    stream_.next_out = out.data() + used;
    stream_.avail_out = piece(out.size() - used);
    int status = inflate(&stream_, Z_NO_FLUSH);
    data = data.subspan(static_cast<size_t>(stream_.next_in - data.data()));
    used = static_cast<size_t>(stream_.next_out - out.data());
    if (status == Z_STREAM_END) {
      in_member = false;
      inflateReset(&stream_);  // another member may follow
    } else if (status == Z_BUF_ERROR || (status == Z_OK && data.empty() && used < out.size())) {
      return failure(VISOR_EPROTO, "gzip data ends in the middle");
    } else if (status != Z_OK) {
      return failure(VISOR_EPROTO, std::string("not sound gzip data: ") +
                                       (stream_.msg != nullptr ? stream_.msg : "unknown format"));
    }
  }
  if (used > max_bytes) {
    return failure(VISOR_ENOSPC,
                   "gzip data inflates to more than the " + std::to_string(max_bytes) + " bytes allowed");
  }
  out.resize(used);
  return out;
}

}  // namespace

Bytes gzip(ByteView data) {
  if (data.empty()) return {};
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return Bytes(data.begin(), data.end());  // a reader takes what is not gzip as it is
  }
  gz_header header{};
  header.os = kUnknownSystem;
  deflateSetHeader(&stream, &header);
  Bytes out(deflateBound(&stream, static_cast<uLong>(data.size())));
  stream.next_out = out.data();
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_in = input_of(data);
    stream.avail_in = piece(data.size());
    bool last = stream.avail_in == data.size();
    stream.avail_out = piece(out.size() - static_cast<size_t>(stream.next_out - out.data()));
    status = deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    data = data.subspan(static_cast<size_t>(stream.next_in - data.data()));
  }
  out.resize(static_cast<size_t>(stream.next_out - out.data()));
  deflateEnd(&stream);
  return out;
}

Result<Bytes> inflate_gzip(ByteView data, size_t max_bytes) {
  return Inflater().run(data, max_bytes);
}

Result<Bytes> gunzip(ByteView data, size_t max_bytes) {
  if (data.size() < 2 || data[0] != 0x1f || data[1] != 0x8b) return Bytes(data.begin(), data.end());
  Result<Bytes> inflated = inflate_gzip(data, max_bytes);
  if (!inflated && inflated.error().status == VISOR_EPROTO) return Bytes(data.begin(), data.end());
  return inflated;
}

Bytes frame_gzip(uint8_t version, ByteView payload) {
  Bytes body = gzip(payload);
  body.insert(body.begin(), version);
  return body;
}

Result<VersionedPayload> unframe_gzip(ByteView frame, size_t max_bytes) {
  if (frame.empty())
    return failure(VISOR_EPROTO, "a framed leaf starts with its version byte; this one is empty");
  Result<Bytes> payload = gunzip(frame.subspan(1), max_bytes);
  if (!payload) return std::unexpected(payload.error());
  return VersionedPayload{frame[0], std::move(*payload)};
}

}  // namespace visor::codec
