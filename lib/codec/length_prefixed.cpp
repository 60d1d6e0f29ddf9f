#include "lib/codec/length_prefixed.hpp"

#include <algorithm>

#include "lib/codec/endian.hpp"

namespace visor::codec {
namespace {

// Above this, a buffer is given back after its message: one huge message must not fatten an idle connection.
constexpr size_t kKeptBytes = size_t{16} * 1024;

}  // namespace

void append_prefix(Bytes& out, Prefix prefix, size_t size) {
  if (prefix == Prefix::kU16) {
    append_be<uint16_t>(out, static_cast<uint16_t>(size));
  } else {
    append_be<uint32_t>(out, static_cast<uint32_t>(size));
  }
}

bool LengthPrefixedReader::take_prefix(ByteView& input) {
  size_t width = static_cast<size_t>(prefix_);
  size_t taken = std::min(width - have_prefix_, input.size());
  std::copy_n(input.begin(), taken, prefix_bytes_.begin() + have_prefix_);
  have_prefix_ = static_cast<uint8_t>(have_prefix_ + taken);
  input = input.subspan(taken);
  return have_prefix_ == width;
}

void LengthPrefixedReader::forget_delivered() {
  if (!delivered_) return;
  delivered_ = false;
  if (body_.capacity() > kKeptBytes) {
    Bytes().swap(body_);
  } else {
    body_.clear();
  }
}

Result<std::optional<ByteView>> LengthPrefixedReader::read(ByteView& input) {
  forget_delivered();
  if (!take_prefix(input)) return std::nullopt;
  size_t length = prefix_ == Prefix::kU16 ? load_be<uint16_t>(prefix_bytes_.data())
                                          : load_be<uint32_t>(prefix_bytes_.data());
  if (length < min_body_ || length > max_body_) {
    return failure(VISOR_EPROTO, "expected a message of " + std::to_string(min_body_) + " to " +
                                     std::to_string(max_body_) + " bytes; its prefix says " +
                                     std::to_string(length));
  }
  size_t missing = length - body_.size();
  ByteView part = input.first(std::min(missing, input.size()));
  input = input.subspan(part.size());
  if (body_.empty() && part.size() == length) {
    have_prefix_ = 0;
    return part;
  }
  body_.insert(body_.end(), part.begin(), part.end());
  if (body_.size() < length) return std::nullopt;
  have_prefix_ = 0;
  delivered_ = true;
  return ByteView(body_);
}

}  // namespace visor::codec
