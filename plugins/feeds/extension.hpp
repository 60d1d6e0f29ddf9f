/* What two visors say to each other beyond node protocol 3: Roots as differences, so that a subscriber
 * neither asks object by object nor receives what it can build.
 *
 * Announcing.  A side that can do it sends, directly behind its Syn or Ack, an Object that nobody asked for
 * (type 13, rseq 0), which every peer of protocol 3 takes for a late reply and drops:
 *
 *   "VSRF" | version u8 = 1 | flags u32 BE = 0
 *
 * Where both have announced, three more types of messages are used, none of which is answered:
 *
 *   Follow  64 | feed 33 | number u32 | flags u8 | base 32 [| root 32 | place: u32, bytes]
 *                                                          [| branches: count u32, each u32, bytes]
 *     From a subscriber, behind its Sub: it has the Root `base` whole (blank: none), and wants later ones as
 *     differences to it, under this number.  From then on each Root that it was sent is the base of the next,
 *     until it says Follow again.  kResume: of the difference to `root` all is there up to the path `place`.
 *     kBranches: it wants what is under these paths only, and asks for it object by object; so a Root in
 * which they are as in the one that was pushed before need not be pushed.
 *
 *   Update  65 | number u32 | flags u8 | [nonce u64 | seq u64 | previous 32] | time i64 | signature 65
 *              [| top 32] | ops
 *     A Root.  Without kApart it is the next of its chain: nonce as the base's, seq one more, previous the
 *     base's hash.  Everything else of a tree's Root is known, so it can be put together, hashed and its
 *     signature verified; without kMore, when its tree is built.  kMore: ops go on in More, and `top` is
 * there so that the signature is verified before anything is built. kResumed: the ops begin behind the place.
 * kMoved, beside it: the Root is a later one than the resumed; the ops are the difference to it of what had
 * come, then that of the base behind the place. kPlaced: behind each op stands, for each name of its path, at
 * which place in its directory it may be, as LEB128; a guess, which spares the subscriber a search.
 *
 *   More    66 | number u32 | flags u8 | ops
 *     kMore: and more.  kGiveUp: the Root cannot be told so (the base is not here any more, the tree is not
 *     formed as we form trees); a Root push follows, and objects are to be asked for.
 *
 *   ops: for each, in the order of compare_paths
 *     shared | rest: length, bytes | value: length, bytes            numbers as LEB128, at most 5 bytes
 *     The path is the first `shared` bytes of the path before it (of the message before, too) and the rest; a
 *     value of no bytes deletes the leaf, since no leaf is empty.  A directory without leaves is none.
 *
 * Other integers are little-endian.  An Update or More is at most kMessageBytes but for one large leaf. */
#ifndef VISOR_FEEDS_EXTENSION_HPP
#define VISOR_FEEDS_EXTENSION_HPP
#include "lib/codec/reader.hpp"
#include "root.hpp"

namespace visor::feeds {

inline constexpr uint8_t kFollowType = 64, kUpdateType = 65, kMoreType = 66;
inline constexpr size_t kMessageBytes = 64u << 10;

Bytes announcement();
bool is_announcement(ByteView object);

struct Follow {
  static constexpr uint8_t kResume = 1, kBranches = 2;
  visor_key feed{};
  uint32_t number = 0;
  Hash base;
  bool resume = false;
  Hash root;
  std::string_view place;
  std::vector<std::string> branches;  // none: the whole tree
};
Bytes encode(const Follow& follow);
/* Of what follows the type; views into it. */
Result<Follow> decode_follow(ByteView body);

/* The head of Update and More. */
struct StreamHead {
  static constexpr uint8_t kMore = 1, kApart = 2, kResumed = 4, kMoved = 8, kGiveUp = 16, kPlaced = 32;
  uint32_t number = 0;
  uint8_t flags = 0;
  // Of an Update.
  uint64_t nonce = 0, seq = 0;  // kApart
  Hash previous;                // kApart
  int64_t time_ns = 0;
  Signature signature;
  Hash top;  // kMore

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
};
void append_update(Bytes& to, const StreamHead& head);
void append_more(Bytes& to, uint32_t number, uint8_t flags);
struct StreamMessage {
  bool update = false;
  StreamHead head;
  ByteView ops;
};
/* Of a whole message of type Update or More. */
Result<StreamMessage> decode_stream_message(ByteView message);

/* Appends ops to messages. */
class OpWriter {
 public:
  void put(Bytes& to, std::string_view path, ByteView value);
  /* Behind an op that is put. */
  static void place(Bytes& to, std::span<const size_t> places);
  void erase(Bytes& to, std::string_view path) { put(to, path, {}); }

 private:
  std::string last_;
};

/* Reads them: hostile, so that paths are bounded before they are put together, and must ascend. */
class OpReader {
 public:
  struct Op {
    std::string_view path;
    ByteView value;                  // empty: deletes
    std::span<const size_t> places;  // of each name, where they are said
  };
  /* `after`: where an earlier message ended. */
  explicit OpReader(std::string after = "") : path_(std::move(after)) {}

  /* Takes one op from the front of `ops`, which is not empty; lent until the next. */
  Result<Op> next(ByteView& ops, bool placed = false);
  const std::string& place() const { return path_; }

 private:
  std::string path_;
  std::vector<size_t> places_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_EXTENSION_HPP
