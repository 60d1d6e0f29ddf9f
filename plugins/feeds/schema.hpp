/* Descriptions of types, as a registry carries them (specification cxo.md, 4.1).
 *
 *   schema  reference u32 | kind u32 | name | length u32 | count u32, that many byte slices with a field |
 * elem field   name | tag | kind u32, always 0 | byte slice with a schema
 *
 * name, tag and elem are byte slices (u32 count, bytes); elem holds a schema or nothing. */
#ifndef VISOR_FEEDS_SCHEMA_HPP
#define VISOR_FEEDS_SCHEMA_HPP
#include <functional>
#include <memory>
#include <visor/value.hpp>

namespace visor::feeds {

enum class Reference : uint32_t { kNone = 0, kRef = 1, kRefs = 2, kDynamic = 3 };

/* Numbers on the wire; what is not here (int, uint, maps, channels ...) cannot be described. */
enum class Type : uint32_t {
  kBool = 1,
  kInt8 = 3,
  kInt16 = 4,
  kInt32 = 5,
  kInt64 = 6,
  kUint8 = 8,
  kUint16 = 9,
  kUint32 = 10,
  kUint64 = 11,
  kFloat32 = 13,
  kFloat64 = 14,
  kArray = 17,
  kInterface = 20,  // Dynamic
  kPointer = 22,    // Ref, Refs
  kSlice = 23,
  kString = 24,
  kStruct = 25,
};

struct Field;

struct Schema {
  Reference reference = Reference::kNone;
  Type type = Type::kStruct;
  std::string name;
  uint32_t length = 0;           // of an array
  std::vector<Field> fields;     // of a struct; none in the short form, which names a registered struct
  std::unique_ptr<Schema> elem;  // of a slice, array, Ref or Refs

  Schema();
  Schema(Type type, std::string name);
  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

  bool named_struct() const { return type == Type::kStruct && !name.empty(); }
};

struct Field {
  std::string name;
  std::string tag;  // the whole raw text; part of the hash
  Schema schema;
};

/* A struct by name alone. */
Schema short_form(std::string name);
/* A Ref or Refs (`kind`) to a registered struct. */
Schema reference_to(Reference kind, std::string name);
Schema slice_of(Schema elem);

Bytes encode(const Schema& schema);

/* Hostile input: VISOR_EPROTO for anything that no registry may hold, whatever it refers to. */
Result<Schema> decode_schema(ByteView encoded);

/* Calls fn with each struct that is only named, at any depth; false stops and is returned. */
bool each_named(const Schema& schema, const std::function<bool(const std::string& name)>& fn);

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_SCHEMA_HPP
