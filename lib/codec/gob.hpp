/* The part of Go's encoding/gob that the relay network speaks (specification dmsg.md, section 7.2): one
 * struct an encoder, behind the definitions of its types.
 *
 *   document  messages: definitions, then one value      message  uint byte count | body
 *   body      int type id | definition if it is negative, else a value of that type
 *   uint      below 128 one byte, else 256 - n and n big-endian bytes
 *   int       a uint: twice the number; of a negative one twice its complement, plus one
 *   bytes     uint length | the bytes (texts, and what marshals itself, too)
 *   array     uint count | elements
 *   struct    fields, each behind the uint distance of its number from the one before (the first from -1) | 0
 *
 * Zero-valued fields are absent, and type ids are whatever the writing process made of them: readers go by
 * names. */
#ifndef VISOR_CODEC_GOB_HPP
#define VISOR_CODEC_GOB_HPP
#include <visor/value.hpp>

namespace visor::codec::gob {

/* What a document may hold; one above a limit is refused before anything is kept for it. */
struct Limits {
  size_t bytes = 64u << 10;
  size_t types = 32;   // definitions
  size_t fields = 64;  // of one struct
  size_t depth = 8;    // of values within values
  size_t values = 1024;
};

enum class Kind : uint8_t {
  kBool,
  kInt,
  kUint,
  kFloat,
  kBytes,
  kText,
  kComplex,
  kList,
  kMap,
  kStruct,
  kOther
};

struct Field;

/* A decoded value; texts and bytes point into the document. */
struct Value {
  Kind kind = Kind::kOther;
  uint64_t bits = 0;            // kBool, kUint; kInt in two's complement; kFloat as IEEE-754
  ByteView bytes;               // kBytes, kText
  std::vector<Value> elements;  // kList; kMap: key, value, key, value ...
  std::vector<Field> fields;    // kStruct: those that were sent

  int64_t integer() const { return static_cast<int64_t>(bits); }
  double real() const;
  /* The field of that name; null: it was not sent, so it is zero. */
  const Value* find(std::string_view name) const;
};

struct Field {
  std::string_view name;
  Value value;
};

/* The struct that a document is, of whatever name.  VISOR_EPROTO for one that is malformed, above a limit, or
 * followed by more bytes. */
Result<Value> decode(ByteView document, const Limits& limits = {});

/* --- writing: pieces, appended to the caller's buffer ------------------------------------------------------
 */

/* The ids of the types that need no definition, and the first that a definition may have. */
enum TypeId : int64_t {
  kBool = 1,
  kInt = 2,
  kUint = 3,
  kFloat = 4,
  kByteSlice = 5,
  kString = 6,
  kFirst = 65
};

void put_uint(Bytes& out, uint64_t value);
void put_int(Bytes& out, int64_t value);
void put_bytes(Bytes& out, ByteView value);

struct FieldType {
  std::string_view name;
  int64_t type;
};
void define_struct(Bytes& out, int64_t id, std::string_view name, std::span<const FieldType> fields);
void define_array(Bytes& out, int64_t id, std::string_view name, int64_t element, int64_t length);
/* A type that marshals itself to bytes. */
void define_marshaler(Bytes& out, int64_t id, std::string_view name);

/* A message: its byte count and `body`. */
void put_message(Bytes& out, ByteView body);

/* The fields of a struct, in ascending order; a field that is zero is passed over.  end() closes it. */
class StructWriter {
 public:
  explicit StructWriter(Bytes& out) : out_(out) {}

  void boolean(int number, bool value);
  void integer(int number, int64_t value);
  void natural(int number, uint64_t value);
  void bytes(int number, ByteView value);
  /* For a value that the caller writes: an array, a struct. */
  void begin(int number);
  void end() { put_uint(out_, 0); }

 private:
  Bytes& out_;
  int last_ = -1;
};

}  // namespace visor::codec::gob
#endif  // VISOR_CODEC_GOB_HPP
