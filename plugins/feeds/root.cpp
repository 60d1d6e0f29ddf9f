#include "root.hpp"

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"
#include "limits.hpp"
#include "treestore.hpp"

namespace visor::feeds {
namespace {

std::unexpected<Error> bad(std::string why) {
  return failure(VISOR_EPROTO, "a Root is wrong: " + std::move(why));
}

}  // namespace

void append(Bytes& to, const Root& root) {
  codec::Writer out(to);
  out.count(root.refs.size());
  for (const Dynamic& ref : root.refs) {
    out.raw(ref.object);
    out.raw(ref.schema);
  }
  out.bytes(root.descriptor);
  out.raw(root.registry);
  out.key(root.feed);
  out.u64(root.nonce);
  out.u64(root.seq);
  out.i64(root.time_ns);
  out.raw(root.previous);
}

Bytes encode(const Root& root) {
  Bytes out;
  append(out, root);
  return out;
}

Result<Root> decode_root(ByteView encoded) {
  codec::Reader in(encoded);
  Root root;
  for (size_t left = in.count(); left > 0 && in.ok(); --left) {
    Dynamic ref;
    in.raw(ref.object.bytes);
    in.raw(ref.schema.bytes);
    root.refs.push_back(ref);
  }
  ByteView descriptor = in.bytes();
  root.descriptor.assign(descriptor.begin(), descriptor.end());
  in.raw(root.registry.bytes);
  root.feed = in.key();
  root.nonce = in.u64();
  root.seq = in.u64();
  root.time_ns = in.i64();
  in.raw(root.previous.bytes);
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  return root;
}

Result<void> check_root(const Root& root) {
  if (root.nonce == 0) return bad("its nonce is 0");
  if ((root.seq == 0) != root.previous.blank())
    return bad("the first Root of a chain, and only that, has no previous");
  if (root.registry != tree_types().registry) {
    return bad("it is not a tree: its registry is " + to_hex(root.registry) + ", expected " +
               to_hex(tree_types().registry));
  }
  if (root.refs.size() > 1) return bad("a tree has one branch, this has " + std::to_string(root.refs.size()));
  if (root.refs.empty() || root.refs[0] == Dynamic{}) return {};
  if (root.refs[0].object.blank() || root.refs[0].schema != tree_types().node) {
    return bad("its branch is of schema " + to_hex(root.refs[0].schema) + ", expected a tree's " +
               to_hex(tree_types().node));
  }
  return {};
}

Result<SignedRoot> open_root(const visor_key& feed, uint64_t nonce, uint64_t seq, ByteView encoded,
                             const Signature& signature, bool* bad_signature) {
  SignedRoot opened;
  if (bad_signature) *bad_signature = false;
  if (encoded.size() > kMaxObjectBytes) {
    return bad("it has " + std::to_string(encoded.size()) + " bytes, an object has at most " +
               std::to_string(kMaxObjectBytes));
  }
  opened.hash = crypto::sha256(encoded);
  opened.signature = signature;
  Result<void> verified = crypto::verify(feed, signature, opened.hash);
  if (bad_signature) *bad_signature = !verified;
  if (!verified) return bad(verified.error().text);
  Result<Root> root = decode_root(encoded);
  if (!root) return std::unexpected(root.error());
  if (root->feed != feed)
    return bad("it is of the feed " + to_hex(root->feed) + ", announced as of " + to_hex(feed));
  if (root->nonce != nonce || root->seq != seq) {
    return bad("it is number " + std::to_string(root->seq) + " of " + std::to_string(root->nonce) +
               ", announced as number " + std::to_string(seq) + " of " + std::to_string(nonce));
  }
  if (Result<void> checked = check_root(*root); !checked) return std::unexpected(checked.error());
  opened.root = std::move(*root);
  opened.encoded.assign(encoded.begin(), encoded.end());
  return opened;
}

RootRecord record_of(const SignedRoot& root, int64_t now_ns) {
  return {now_ns, now_ns, root.root.time_ns, root.root.seq, root.root.previous, root.hash, root.signature};
}

Bytes encode(const RootRecord& record) {
  Bytes out;
  codec::Writer to(out);
  to.i64(record.created_ns);
  to.i64(record.accessed_ns);
  to.i64(record.time_ns);
  to.u64(record.seq);
  to.raw(record.previous);
  to.raw(record.hash);
  to.raw(record.signature);
  return out;
}

Result<RootRecord> decode_root_record(ByteView encoded) {
  codec::Reader in(encoded);
  RootRecord record;
  record.created_ns = in.i64();
  record.accessed_ns = in.i64();
  record.time_ns = in.i64();
  record.seq = in.u64();
  in.raw(record.previous.bytes);
  in.raw(record.hash.bytes);
  in.raw(record.signature.bytes);
  if (Result<void> read = in.finish(); !read) {
    return failure(VISOR_ECORRUPT, "a stored record of a Root is damaged: " + read.error().text);
  }
  if ((record.seq == 0) != record.previous.blank() || record.hash.blank() ||
      record.signature == Signature{} || record.time_ns == 0) {
    return failure(VISOR_ECORRUPT,
                   "a stored record of a Root is damaged: it lacks its hash, signature or time");
  }
  return record;
}

}  // namespace visor::feeds
