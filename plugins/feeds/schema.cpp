#include "schema.hpp"

#include "lib/codec/reader.hpp"
#include "lib/codec/writer.hpp"

namespace visor::feeds {
namespace {

constexpr int kMaxNesting = 32;

std::unexpected<Error> bad(std::string why) {
  return failure(VISOR_EPROTO, "a schema of a registry is wrong: " + std::move(why));
}

bool known(uint32_t type) {
  switch (static_cast<Type>(type)) {
    case Type::kBool:
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kUint8:
    case Type::kUint16:
    case Type::kUint32:
    case Type::kUint64:
    case Type::kFloat32:
    case Type::kFloat64:
    case Type::kArray:
    case Type::kInterface:
    case Type::kPointer:
    case Type::kSlice:
    case Type::kString:
    case Type::kStruct:
      return true;
  }
  return false;
}

/* What may stand beside a reference type and a type. */
Result<void> check_shape(const Schema& schema) {
  const bool elem = schema.elem != nullptr;
  if (schema.length != 0 && schema.type != Type::kArray) return bad("only an array has a length");
  if (!schema.fields.empty() && schema.type != Type::kStruct) return bad("only a struct has fields");
  switch (schema.reference) {
    case Reference::kRef:
    case Reference::kRefs:
      if (schema.type != Type::kPointer) return bad("a Ref or Refs is of type 22");
      if (!elem || !schema.elem->named_struct() || !schema.elem->fields.empty()) {
        return bad("a Ref or Refs names a registered struct");
      }
      return {};
    case Reference::kDynamic:
      if (schema.type != Type::kInterface || elem) return bad("a Dynamic is of type 20 and has no element");
      return {};
    case Reference::kNone:
      break;
  }
  if (schema.type == Type::kPointer || schema.type == Type::kInterface) {
    return bad("types 20 and 22 are for references only");
  }
  const bool list = schema.type == Type::kSlice || schema.type == Type::kArray;
  if (list != elem) return bad("slices and arrays have an element, others none");
  if (!elem) return {};
  if (schema.elem->reference != Reference::kNone) return bad("a reference inside a slice or array");
  if (schema.elem->type == Type::kStruct && !schema.elem->fields.empty()) {
    return bad("a struct inside a slice or array is named, not written out");
  }
  return {};
}

Result<Schema> decode(ByteView encoded, int nesting);

Result<Field> decode_field(ByteView encoded, int nesting) {
  codec::Reader in(encoded);
  Field field;
  field.name = in.text();
  field.tag = in.text();
  if (in.u32() != 0) in.fail("the kind of a field is 0");
  ByteView schema = in.bytes();
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  Result<Schema> decoded = decode(schema, nesting);
  if (!decoded) return std::unexpected(decoded.error());
  field.schema = std::move(*decoded);
  const Schema& of = field.schema;
  if (of.reference == Reference::kRef || of.reference == Reference::kRefs) {
    if (field.tag.find("schema=" + of.elem->name) == std::string::npos) {
      return bad("the tag of a Ref or Refs does not name its schema");
    }
  }
  return field;
}

Result<Schema> decode(ByteView encoded, int nesting) {
  if (nesting > kMaxNesting) return bad("types are nested too deeply");
  codec::Reader in(encoded);
  Schema schema;
  const uint32_t reference = in.u32();
  const uint32_t type = in.u32();
  schema.name = in.text();
  schema.length = in.u32();
  std::vector<ByteView> fields;
  for (size_t left = in.count(); left > 0 && in.ok(); --left) fields.push_back(in.bytes());
  ByteView elem = in.bytes();
  if (Result<void> read = in.finish(); !read) return std::unexpected(read.error());
  if (reference > 3) return bad("reference type " + std::to_string(reference) + ", expected 0 to 3");
  if (!known(type)) return bad("type " + std::to_string(type) + " cannot be described");
  schema.reference = static_cast<Reference>(reference);
  schema.type = static_cast<Type>(type);
  for (ByteView field : fields) {
    Result<Field> decoded = decode_field(field, nesting + 1);
    if (!decoded) return std::unexpected(decoded.error());
    schema.fields.push_back(std::move(*decoded));
  }
  if (!elem.empty()) {
    Result<Schema> decoded = decode(elem, nesting + 1);
    if (!decoded) return std::unexpected(decoded.error());
    schema.elem = std::make_unique<Schema>(std::move(*decoded));
  }
  if (Result<void> shape = check_shape(schema); !shape) return std::unexpected(shape.error());
  return schema;
}

void write(const Schema& schema, Bytes& to);

void write(const Field& field, Bytes& to) {
  codec::Writer out(to);
  out.text(field.name);
  out.text(field.tag);
  out.u32(0);
  out.bytes(encode(field.schema));
}

void write(const Schema& schema, Bytes& to) {
  codec::Writer out(to);
  out.u32(static_cast<uint32_t>(schema.reference));
  out.u32(static_cast<uint32_t>(schema.type));
  out.text(schema.name);
  out.u32(schema.length);
  out.count(schema.fields.size());
  for (const Field& field : schema.fields) {
    Bytes encoded;
    write(field, encoded);
    out.bytes(encoded);
  }
  out.bytes(schema.elem ? encode(*schema.elem) : Bytes{});
}

}  // namespace

Schema::Schema() = default;
Schema::Schema(Type of, std::string called) : type(of), name(std::move(called)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Schema short_form(std::string name) {
  return Schema(Type::kStruct, std::move(name));
}

Schema reference_to(Reference kind, std::string name) {
  Schema schema(Type::kPointer, "");
  schema.reference = kind;
  schema.elem = std::make_unique<Schema>(short_form(std::move(name)));
  return schema;
}

Schema slice_of(Schema elem) {
  Schema schema(Type::kSlice, "");
  schema.elem = std::make_unique<Schema>(std::move(elem));
  return schema;
}

Bytes encode(const Schema& schema) {
  Bytes out;
  write(schema, out);
  return out;
}

Result<Schema> decode_schema(ByteView encoded) {
  return decode(encoded, 0);
}

bool each_named(const Schema& schema, const std::function<bool(const std::string&)>& fn) {
  if (schema.named_struct() && schema.fields.empty() && !fn(schema.name)) return false;
  for (const Field& field : schema.fields) {
    if (!each_named(field.schema, fn)) return false;
  }
  return !schema.elem || each_named(*schema.elem, fn);
}

}  // namespace visor::feeds
