#include "lib/codec/endian.hpp"
#include "lib/codec/gob.hpp"

namespace visor::codec::gob {
namespace {

// Fields of the types that describe types.
enum WireType : int { kArrayType = 0, kStructType = 2, kBinaryMarshalerType = 5 };
enum CommonType : int { kName = 0, kId = 1 };
enum ArrayType : int { kElement = 1, kLength = 2 };
enum StructType : int { kFields = 1 };

Bytes begin_definition(int64_t id) {
  Bytes body;
  put_int(body, -id);
  return body;
}

void put_common(Bytes& out, int64_t id, std::string_view name) {
  StructWriter common(out);
  common.bytes(kName, visor::bytes(name));
  common.integer(kId, id);
  common.end();
}

}  // namespace

void put_uint(Bytes& out, uint64_t value) {
  if (value < 128) return out.push_back(static_cast<uint8_t>(value));
  size_t size = 8 - static_cast<size_t>(std::countl_zero(value)) / 8;
  uint8_t number[8];
  store_be<uint64_t>(number, value);
  out.push_back(static_cast<uint8_t>(256 - size));
  append(out, ByteView(number).last(size));
}

void put_int(Bytes& out, int64_t value) {
  uint64_t bits = static_cast<uint64_t>(value);
  put_uint(out, value < 0 ? ~bits << 1 | 1 : bits << 1);
}

void put_bytes(Bytes& out, ByteView value) {
  put_uint(out, value.size());
  append(out, value);
}

void put_message(Bytes& out, ByteView body) {
  put_bytes(out, body);
}

void define_struct(Bytes& out, int64_t id, std::string_view name, std::span<const FieldType> fields) {
  Bytes body = begin_definition(id);
  StructWriter wire(body);
  wire.begin(kStructType);
  StructWriter type(body);
  type.begin(kName);
  put_common(body, id, name);
  type.begin(kFields);
  put_uint(body, fields.size());
  for (const FieldType& field : fields) put_common(body, field.type, field.name);
  type.end();
  wire.end();
  put_message(out, body);
}

void define_array(Bytes& out, int64_t id, std::string_view name, int64_t element, int64_t length) {
  Bytes body = begin_definition(id);
  StructWriter wire(body);
  wire.begin(kArrayType);
  StructWriter type(body);
  type.begin(kName);
  put_common(body, id, name);
  type.integer(kElement, element);
  type.integer(kLength, length);
  type.end();
  wire.end();
  put_message(out, body);
}

void define_marshaler(Bytes& out, int64_t id, std::string_view name) {
  Bytes body = begin_definition(id);
  StructWriter wire(body);
  wire.begin(kBinaryMarshalerType);
  StructWriter type(body);
  type.begin(kName);
  put_common(body, id, name);
  type.end();
  wire.end();
  put_message(out, body);
}

void StructWriter::begin(int number) {
  put_uint(out_, static_cast<uint64_t>(number - last_));
  last_ = number;
}

void StructWriter::boolean(int number, bool value) {
  natural(number, value ? 1 : 0);
}

void StructWriter::integer(int number, int64_t value) {
  if (value == 0) return;
  begin(number);
  put_int(out_, value);
}

void StructWriter::natural(int number, uint64_t value) {
  if (value == 0) return;
  begin(number);
  put_uint(out_, value);
}

void StructWriter::bytes(int number, ByteView value) {
  if (value.empty()) return;
  begin(number);
  put_bytes(out_, value);
}

}  // namespace visor::codec::gob
