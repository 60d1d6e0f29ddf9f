/* A registry: the types below a Root, one row a registered struct, sorted by name (specification cxo.md,
 * section 4).
 *
 *   count u32, then for each: name (u32, bytes) | schema in full form (u32, bytes)
 *
 * Its address, and the address of each schema, is the SHA-256 of those bytes. */
#ifndef VISOR_FEEDS_REGISTRY_HPP
#define VISOR_FEEDS_REGISTRY_HPP
#include "lib/crypto/sha256.hpp"
#include "schema.hpp"

namespace visor::feeds {

using crypto::Hash;

class Registry {
 public:
  struct Row {
    std::string name;
    Schema schema;
    Hash address;  // SchemaRef
  };

  /* Hostile input: VISOR_EPROTO for unknown or repeated names, for anything that decode_schema refuses, and
   * for bytes that we should write differently. */
  static Result<Registry> decode(ByteView encoded);
  /* Of structs in any order; the same checks. */
  static Result<Registry> make(std::vector<Schema> structs);

  const std::vector<Row>& rows() const { return rows_; }
  const Row* find(std::string_view name) const;
  const Bytes& encoded() const { return encoded_; }
  const Hash& address() const { return address_; }  // RegistryRef

 private:
  static Result<Registry> resolve(std::vector<Row> rows);

  std::vector<Row> rows_;
  Bytes encoded_;
  Hash address_;
};

}  // namespace visor::feeds
#endif  // VISOR_FEEDS_REGISTRY_HPP
