/* Roots: what a feed's owner signs (specification cxo.md, section 5), and the records that index them (7.2).
 *
 *   Root     refs: count u32, {object, schema: 32 bytes each} | descriptor: u32, bytes | registry 32 | feed
 * 33 | nonce u64 | seq u64 | time i64 | previous 32 record   create i64 | access i64 | time i64 | seq u64 |
 * previous 32 | hash 32 | signature 65        (161 bytes)
 *
 * The signature is over the SHA-256 of the encoded Root and travels beside it. */
#ifndef VISOR_FEEDS_ROOT_HPP
#define VISOR_FEEDS_ROOT_HPP
#include "lib/crypto/secp256k1.hpp"

namespace visor::feeds {

using crypto::Hash;
using crypto::Signature;

struct Dynamic {
  Hash object, schema;  // both blank: nothing

  friend bool operator==(const Dynamic&, const Dynamic&) = default;
};

struct Root {
  std::vector<Dynamic> refs;
  Bytes descriptor;
  Hash registry;
  visor_key feed{};
  uint64_t nonce = 0;   // names a chain of Roots within the feed
  uint64_t seq = 0;     // 0, 1, 2 ... in the chain
  int64_t time_ns = 0;  // Unix
  Hash previous;        // hash of the Root before; blank for seq 0
};

void append(Bytes& to, const Root& root);
Bytes encode(const Root& root);
/* A tail is refused. */
Result<Root> decode_root(ByteView encoded);

/* A Root with its proof. */
struct SignedRoot {
  Root root;
  Bytes encoded;
  Hash hash;  // of `encoded`
  Signature signature;

  /* The TreeNode on top; blank for a Root without a tree. */
  Hash top() const { return root.refs.empty() ? Hash{} : root.refs[0].object; }
};

/* What a peer sent for (feed, nonce, seq), verified: its signature, that it is of this feed, nonce and seq,
 * that the chain's start and only that has no previous, and that it is a tree.  VISOR_EPROTO says what is
 * wrong; `bad_signature`, if given, tells whether that was the signature, which only its sender can be blamed
 * for. */
Result<SignedRoot> open_root(const visor_key& feed, uint64_t nonce, uint64_t seq, ByteView encoded,
                             const Signature& signature, bool* bad_signature = nullptr);
/* The parts of that which concern a Root alone. */
Result<void> check_root(const Root& root);

struct RootRecord {
  int64_t created_ns = 0;
  int64_t accessed_ns = 0;
  int64_t time_ns = 0;
  uint64_t seq = 0;
  Hash previous;
  Hash hash;
  Signature signature;

  friend bool operator==(const RootRecord&, const RootRecord&) = default;
};

inline constexpr size_t kRootRecordBytes = 161;
RootRecord record_of(const SignedRoot& root, int64_t now_ns);
Bytes encode(const RootRecord& record);
/* VISOR_ECORRUPT for what no record can be. */
Result<RootRecord> decode_root_record(ByteView encoded);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_ROOT_HPP
