#include "lib/codec/gob.hpp"

#include <bit>
#include <utility>

namespace visor::codec::gob {
namespace {

enum class Shape : uint8_t { kArray, kSlice, kStruct, kMap, kMarshaler };

struct FieldOf {
  std::string_view name;
  int64_t type = 0;
};

struct Type {
  Shape shape = Shape::kStruct;
  int64_t id = 0;
  int64_t element = 0;  // kArray, kSlice, kMap
  int64_t key = 0;      // kMap
  int64_t length = 0;   // kArray
  std::vector<FieldOf> fields;
};

// Ids of the predefined types that only readers need.
constexpr int64_t kComplexType = 7;
constexpr int64_t kInterfaceType = 8;

class Decoder {
 public:
  Decoder(ByteView document, const Limits& limits) : rest_(document), limits_(limits) {}

  Result<Value> run() {
    Value value;
    while (ok() && value.kind != Kind::kStruct) message(value);
    if (ok() && !outer_.empty()) fail("ends with its value, and bytes follow it");
    if (!ok()) return failure(VISOR_EPROTO, std::string("a gob document ") + problem_);
    return value;
  }

 private:
  bool ok() const { return !problem_; }
  void fail(const char* problem) {
    if (!problem_) problem_ = problem;
    rest_ = {};
  }

  // One message; `value` becomes a struct when it is the value.
  void message(Value& value) {
    ByteView body = bytes();
    outer_ = rest_;
    rest_ = body;
    int64_t id = integer();
    if (!ok()) return;
    if (id < 0) {
      define(id);
    } else {
      const Type* type = find(id);
      if (!type || type->shape != Shape::kStruct)
        return fail("holds a struct whose type is defined before it");
      read(id, 0, value);
    }
    if (!rest_.empty()) fail("has a message that is longer than what it holds");
    if (ok()) rest_ = outer_;
  }

  uint64_t natural() {
    if (rest_.empty()) return fail("is cut within a number"), 0;
    uint8_t first = rest_[0];
    if (first < 128) return rest_ = rest_.subspan(1), first;
    size_t size = 256u - first;
    if (size > 8) return fail("has numbers of at most 8 bytes"), 0;
    if (rest_.size() - 1 < size) return fail("is cut within a number"), 0;
    uint64_t value = 0;
    for (uint8_t byte : rest_.subspan(1, size)) value = value << 8 | byte;
    rest_ = rest_.subspan(1 + size);
    return value;
  }

  int64_t integer() {
    uint64_t value = natural();
    return static_cast<int64_t>(value & 1 ? ~(value >> 1) : value >> 1);
  }

  ByteView bytes() {
    uint64_t size = natural();
    if (size > rest_.size()) return fail("is shorter than a length in it says"), ByteView();
    ByteView taken = rest_.first(static_cast<size_t>(size));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  // A count of what takes at least a byte each.
  size_t count(size_t most) {
    uint64_t number = natural();
    if (number > rest_.size()) return fail("is shorter than a count in it says"), 0;
    if (number > most) return fail("holds more than is read of it"), 0;
    return static_cast<size_t>(number);
  }

  // The next field's number of a struct that has `fields`; that number at its end.
  size_t next_field(size_t& last, size_t fields) {
    uint64_t distance = natural();
    if (!ok() || distance == 0) return fields;
    if (distance > fields - last) return fail("has a field that its type does not"), fields;
    last += static_cast<size_t>(distance);
    return last - 1;
  }

  // --- definitions: values of predefined struct types, of which only what is needed is kept

  const Type* find(int64_t id) const {
    for (const Type& type : types_) {
      if (type.id == id) return &type;
    }
    return nullptr;
  }

  void define(int64_t negative) {
    if (types_.size() == limits_.types) return fail("defines more types than are read of it");
    // The complement first: -(-2^63) is no int64_t.
    int64_t id = ~negative;
    if (id == INT64_MAX) return fail("has a type id that is out of range");
    id += 1;
    if (id <= kInterfaceType || find(id)) return fail("defines a type whose id is taken");
    static constexpr Shape kShapes[] = {Shape::kArray,     Shape::kSlice,     Shape::kStruct,   Shape::kMap,
                                        Shape::kMarshaler, Shape::kMarshaler, Shape::kMarshaler};
    Type type;
    bool found = false;
    size_t last = 0;
    for (size_t i; (i = next_field(last, std::size(kShapes))) < std::size(kShapes);) {
      if (std::exchange(found, true)) return fail("defines a type as two things at once");
      type.shape = kShapes[i];
      read_type(type);
    }
    if (!found) return fail("defines a type as nothing");
    type.id = id;
    if (ok()) types_.push_back(std::move(type));
  }

  void read_type(Type& type) {
    size_t fields = type.shape == Shape::kMarshaler                               ? 1
                    : type.shape == Shape::kSlice || type.shape == Shape::kStruct ? 2
                                                                                  : 3;
    size_t last = 0;
    for (size_t i; (i = next_field(last, fields)) < fields;) {
      if (i == 0) {
        std::string_view name;
        int64_t id = 0;
        read_common(name, id);
      } else if (type.shape == Shape::kStruct) {
        read_fields(type);
      } else if (type.shape == Shape::kMap && i == 1) {
        type.key = integer();
      } else if (type.shape == Shape::kArray && i == 2) {
        type.length = integer();
      } else {
        type.element = integer();
      }
    }
  }

  // Name and id, of a type as of a field.
  void read_common(std::string_view& name, int64_t& id) {
    size_t last = 0;
    for (size_t i; (i = next_field(last, 2)) < 2;) {
      if (i == 0) {
        name = visor::text(bytes());
      } else {
        id = integer();
      }
    }
  }

  void read_fields(Type& type) {
    size_t fields = count(limits_.fields);
    type.fields.reserve(fields);
    for (size_t i = 0; i < fields && ok(); ++i) {
      FieldOf field;
      read_common(field.name, field.type);
      for (const FieldOf& other : type.fields) {
        if (other.name == field.name) return fail("defines two fields of one name");
      }
      type.fields.push_back(field);
    }
  }

  // --- values

  void read(int64_t id, size_t depth, Value& value) {
    if (!ok()) return;
    if (depth > limits_.depth) return fail("nests deeper than is read of it");
    if (++values_ > limits_.values) return fail("holds more values than are read of it");
    switch (id) {
      case kBool:
        value.kind = Kind::kBool;
        value.bits = natural() != 0;
        return;
      case kInt:
        value.kind = Kind::kInt;
        value.bits = static_cast<uint64_t>(integer());
        return;
      case kUint:
        value.kind = Kind::kUint;
        value.bits = natural();
        return;
      case kFloat:
        value.kind = Kind::kFloat;
        value.bits = std::byteswap(natural());
        return;
      case kByteSlice:
      case kString:
        value.kind = id == kString ? Kind::kText : Kind::kBytes;
        value.bytes = bytes();
        return;
      case kComplexType:
        value.kind = Kind::kComplex;
        natural();
        natural();
        return;
      case kInterfaceType:
        return skip_interface();
      default:
        break;
    }
    const Type* type = find(id);
    if (!type) return fail("has a value of a type that it does not define");
    read_defined(*type, depth, value);
  }

  // The name of the concrete type (empty: nil), its id, and its value behind a length.
  void skip_interface() {
    if (bytes().empty()) return;
    integer();
    bytes();
  }

  void read_defined(const Type& type, size_t depth, Value& value) {
    switch (type.shape) {
      case Shape::kMarshaler:
        value.kind = Kind::kBytes;
        value.bytes = bytes();
        return;
      case Shape::kStruct:
        return read_struct(type, depth, value);
      case Shape::kArray:
      case Shape::kSlice: {
        value.kind = Kind::kList;
        size_t elements = count(limits_.values);
        if (type.shape == Shape::kArray && !std::cmp_equal(elements, type.length)) {
          return fail("has an array of another length than its type's");
        }
        return read_elements(elements, type.element, type.element, depth, value);
      }
      case Shape::kMap:
        value.kind = Kind::kMap;
        return read_elements(2 * count(limits_.values), type.key, type.element, depth, value);
    }
  }

  void read_elements(size_t elements, int64_t even, int64_t odd, size_t depth, Value& value) {
    for (size_t i = 0; i < elements && ok(); ++i) {
      read(i % 2 == 0 ? even : odd, depth + 1, value.elements.emplace_back());
    }
  }

  void read_struct(const Type& type, size_t depth, Value& value) {
    value.kind = Kind::kStruct;
    size_t last = 0;
    for (size_t i; (i = next_field(last, type.fields.size())) < type.fields.size();) {
      Field& field = value.fields.emplace_back();
      field.name = type.fields[i].name;
      read(type.fields[i].type, depth + 1, field.value);
    }
  }

  ByteView rest_, outer_;  // what is left of the message, and behind it
  const Limits& limits_;
  std::vector<Type> types_;
  size_t values_ = 0;
  const char* problem_ = nullptr;
};

}  // namespace

double Value::real() const {
  return std::bit_cast<double>(bits);
}

const Value* Value::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

Result<Value> decode(ByteView document, const Limits& limits) {
  if (document.size() > limits.bytes) {
    return failure(VISOR_EPROTO, "a gob document has at most " + std::to_string(limits.bytes) +
                                     " bytes here; got " + std::to_string(document.size()));
  }
  return Decoder(document, limits).run();
}

}  // namespace visor::codec::gob
