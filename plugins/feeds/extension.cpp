#include "extension.hpp"

#include <algorithm>

#include "branch_walk.hpp"
#include "lib/codec/endian.hpp"
#include "lib/codec/writer.hpp"
#include "limits.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

constexpr std::string_view kMagic = "VSRF";
constexpr uint8_t kVersion = 1;
constexpr size_t kAnnouncementBytes = 4 + 1 + 4;

void append_varint(Bytes& to, size_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<uint8_t>(value | 0x80));
  to.push_back(static_cast<uint8_t>(value));
}

/* False: none is there, or too large a one. */
bool take_varint(ByteView& from, size_t& value) {
  value = 0;
  for (size_t i = 0; i < 5 && i < from.size(); ++i) {
    const uint64_t bits = from[i] & 0x7fu;
    if (i == 4 && bits > 0x0f) return false;
    value |= static_cast<size_t>(bits << (7 * i));
    if (from[i] < 0x80) {
      from = from.subspan(i + 1);
      return true;
    }
  }
  return false;
}

bool take_bytes(ByteView& from, ByteView& bytes) {
  size_t size = 0;
  if (!take_varint(from, size) || size > from.size()) return false;
  bytes = from.first(size);
  from = from.subspan(size);
  return true;
}

std::unexpected<Error> bad(const char* why) {
  return failure(VISOR_EPROTO, std::string("a difference is wrong: ") + why);
}

}  // namespace

Bytes announcement() {
  Bytes out;
  codec::append(out, bytes(kMagic));
  out.push_back(kVersion);
  codec::append_be<uint32_t>(out, 0);
  return out;
}

bool is_announcement(ByteView object) {
  return object.size() >= kAnnouncementBytes && text(object).starts_with(kMagic) && object[4] >= kVersion;
}

Bytes encode(const Follow& follow) {
  Bytes out;
  codec::Writer to(out);
  to.u8(kFollowType);
  to.key(follow.feed);
  to.u32(follow.number);
  to.u8(static_cast<uint8_t>((follow.resume ? Follow::kResume : 0) |
                             (follow.branches.empty() ? 0 : Follow::kBranches)));
  to.raw(follow.base);
  if (follow.resume) {
    to.raw(follow.root);
    to.text(follow.place);
  }
  if (!follow.branches.empty()) append_branches(out, follow.branches);
  return out;
}

Result<Follow> decode_follow(ByteView body) {
  codec::Reader in(body);
  Follow follow;
  follow.feed = in.key();
  follow.number = in.u32();
  const uint8_t flags = in.u8();
  follow.resume = (flags & Follow::kResume) != 0;
  in.raw(follow.base.bytes);
  if (follow.resume) {
    in.raw(follow.root.bytes);
    follow.place = in.text();
    if (follow.place.size() > kMaxPathBytes) in.fail("a place is longer than a path may be");
  }
  if ((flags & Follow::kBranches) != 0) {
    Result<std::vector<std::string>> branches = read_branches(in);
    if (!branches) return std::unexpected(branches.error());
    follow.branches = std::move(*branches);
  }
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  return follow;
}

void append_update(Bytes& to, const StreamHead& head) {
  codec::Writer out(to);
  out.u8(kUpdateType);
  out.u32(head.number);
  out.u8(head.flags);
  if (head.has(StreamHead::kApart)) {
    out.u64(head.nonce);
    out.u64(head.seq);
    out.raw(head.previous);
  }
  out.i64(head.time_ns);
  out.raw(head.signature);
  if (head.has(StreamHead::kMore)) out.raw(head.top);
}

void append_more(Bytes& to, uint32_t number, uint8_t flags) {
  codec::Writer out(to);
  out.u8(kMoreType);
  out.u32(number);
  out.u8(flags);
}

Result<StreamMessage> decode_stream_message(ByteView message) {
  codec::Reader in(message);
  StreamMessage read;
  read.update = in.u8() == kUpdateType;
  StreamHead& head = read.head;
  head.number = in.u32();
  head.flags = in.u8();
  if (read.update) {
    if (head.has(StreamHead::kApart)) {
      head.nonce = in.u64();
      head.seq = in.u64();
      in.raw(head.previous.bytes);
    }
    head.time_ns = in.i64();
    in.raw(head.signature.bytes);
    if (head.has(StreamHead::kMore)) in.raw(head.top.bytes);
  }
  if (Result<void> done = in.done(); !done) return std::unexpected(done.error());
  read.ops = in.rest();
  return read;
}

void OpWriter::put(Bytes& to, std::string_view path, ByteView value) {
  const auto shared = static_cast<size_t>(std::ranges::mismatch(last_, path).in1 - last_.begin());
  append_varint(to, shared);
  append_varint(to, path.size() - shared);
  codec::append(to, bytes(path.substr(shared)));
  append_varint(to, value.size());
  codec::append(to, value);
  last_.assign(path);
}

void OpWriter::place(Bytes& to, std::span<const size_t> places) {
  for (size_t at : places) append_varint(to, at);
}

Result<OpReader::Op> OpReader::next(ByteView& ops, bool placed) {
  size_t shared = 0;
  ByteView rest;
  Op op;
  if (!take_varint(ops, shared) || !take_bytes(ops, rest) || !take_bytes(ops, op.value)) {
    return bad("an operation is cut short");
  }
  if (shared > path_.size() || shared + rest.size() > kMaxPathBytes) return bad("a path is too long");
  // What is shared decides nothing.
  if (compare_paths(std::string_view(path_).substr(shared), text(rest)) >= 0)
    return bad("its paths do not ascend");
  path_.resize(shared);
  path_ += text(rest);
  op.path = path_;
  if (!placed) return op;
  places_.resize(static_cast<size_t>(std::ranges::count(path_, '/')) + 1);
  for (size_t& at : places_) {
    if (!take_varint(ops, at)) return bad("a place is cut short");
  }
  op.places = places_;
  return op;
}

}  // namespace visor::feeds
