// Golden vectors of the feeds' formats: every value of tests/vectors/cxo_*.json that concerns them,
// reproduced.
#include <algorithm>

#include "plugins/feeds/messages.hpp"
#include "plugins/feeds/refs.hpp"
#include "plugins/feeds/registry.hpp"
#include "plugins/feeds/root.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::feeds {
namespace {

using test::array;
using test::at;
using test::hex;
using test::integer;
using test::text;

Hash hash(const boost::json::value& object, std::string_view name) {
  return {test::fixed_hex<32>(object, name)};
}
Signature signature(const boost::json::value& object) {
  return {test::fixed_hex<65>(object, "sig")};
}

Root root_of(const boost::json::value& vector) {
  Root root;
  for (const auto& ref : array(vector, "refs")) root.refs.push_back({hash(ref, "hash"), hash(ref, "schema")});
  root.descriptor = hex(vector, "descriptor");
  root.registry = hash(vector, "reg");
  root.feed = test::key(vector, "pub");
  root.nonce = static_cast<uint64_t>(integer(vector, "nonce"));
  root.seq = static_cast<uint64_t>(integer(vector, "seq"));
  root.time_ns = std::stoll(text(vector, "time"));
  root.previous = hash(vector, "prev");
  return root;
}

void check_root_vector(const boost::json::value& vector) {
  Root root = root_of(vector);
  Bytes encoded = encode(root);
  CHECK(encoded == hex(vector, "encoded"));
  CHECK(encoded.size() == 129 + 64 * root.refs.size() + root.descriptor.size());
  CHECK(crypto::sha256(encoded) == hash(vector, "hash"));
  CHECK(crypto::verify(root.feed, signature(vector), hash(vector, "hash")));
  Result<Root> decoded = decode_root(encoded);
  REQUIRE(decoded);
  CHECK(encode(*decoded) == encoded);
}

TEST_CASE("feeds: registry vectors", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_registry.json");
  for (const auto& vector : array(vectors)) {
    INFO(text(vector, "name"));
    Bytes encoded = hex(vector, "encoded");
    Result<Registry> registry = Registry::decode(encoded);
    REQUIRE(registry);
    CHECK(registry->address() == hash(vector, "registry_ref"));
    CHECK(registry->encoded() == encoded);
    for (const auto& schema : array(vector, "schemas")) {
      const Registry::Row* row = registry->find(text(schema, "name"));
      REQUIRE(row != nullptr);
      CHECK(row->address == hash(schema, "schema_ref"));
      CHECK(encode(row->schema) == hex(schema, "schema"));
      const auto& fields = array(schema, "fields");
      REQUIRE(row->schema.fields.size() == fields.size());
      for (size_t i = 0; i < fields.size(); ++i) {
        CHECK(row->schema.fields[i].name == text(fields[i], "name"));
        CHECK(row->schema.fields[i].tag == text(fields[i], "tag"));
        CHECK(encode(row->schema.fields[i].schema) == hex(fields[i], "encoded_schema"));
      }
    }
  }
}

TEST_CASE("feeds: the registry of trees is made from its description", "[feeds]") {
  Result<Registry> made = make_tree_registry();
  REQUIRE(made);
  const auto vectors = test::load_vectors("cxo_registry.json");
  CHECK(made->encoded() == hex(array(vectors)[0], "encoded"));
  CHECK(made->encoded().size() == 564);
}

// The items of these vectors are the hashes of "leaf-0", "leaf-1" ...
Hash item(uint64_t i) {
  return crypto::sha256(bytes("leaf-" + std::to_string(i)));
}

TEST_CASE("feeds: list vectors, built at once and one by one", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_refs.json");
  for (const auto& vector : array(vectors)) {
    const auto n = static_cast<uint64_t>(integer(vector, "n"));
    const auto degree = static_cast<uint32_t>(integer(vector, "degree"));
    INFO("n " << n << " degree " << degree);
    const bool nil = vector.as_object().if_contains("note") != nullptr;  // element 1 is blank
    auto items = [&](uint64_t i) { return nil && i == 1 ? Hash{} : item(i); };

    std::vector<std::pair<Hash, Bytes>> objects;
    List at_once(degree);
    Hash address = at_once.encode(n, items, {}, 0, [&](uint32_t, const Hash& h, ByteView object) {
      objects.emplace_back(h, Bytes(object.begin(), object.end()));
    });
    CHECK(address == hash(vector, "refs_hash"));
    if (const auto* expected = vector.as_object().if_contains("objects")) {
      CHECK(objects.size() == array(*expected).size());
      for (const auto& object : array(*expected)) {
        auto found = std::ranges::find(objects, hash(object, "hash"), &std::pair<Hash, Bytes>::first);
        REQUIRE(found != objects.end());
        CHECK(found->second == hex(object, "hex"));
      }
    }
    if (const auto* total = vector.as_object().if_contains("objects_total")) {
      CHECK(objects.size() == static_cast<size_t>(total->as_int64()));
      CHECK(list_depth(degree, n) == static_cast<uint32_t>(n == 0 ? 0 : integer(vector, "depth_field")));
    }

    List one_by_one(degree);
    Hash appended;
    for (uint64_t i = 1; i <= n; ++i) appended = one_by_one.encode(i, items, {}, i - 1, [](auto&&...) {});
    CHECK(appended == address);
  }
}

TEST_CASE("feeds: Root vectors", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_root.json");
  for (const auto& vector : array(vectors)) check_root_vector(vector);
  const auto trees = test::load_vectors("cxo_treestore.json");
  for (const auto& tree : array(trees)) {
    if (const auto* root = tree.as_object().if_contains("root")) check_root_vector(*root);
  }
}

TEST_CASE("feeds: a signed Root of a tree is opened, any change of it is refused", "[feeds]") {
  auto trees = test::load_vectors("cxo_treestore.json");
  const auto& vector = at(array(trees)[1], "root");
  const Bytes encoded = hex(vector, "encoded");
  const visor_key feed = test::key(vector, "pub");
  Result<SignedRoot> opened = open_root(feed, 1, 1, encoded, signature(vector));
  REQUIRE(opened);
  CHECK(opened->hash == hash(vector, "hash"));
  CHECK(opened->top() == hash(array(vector, "refs")[0], "hash"));

  CHECK_FALSE(open_root(feed, 2, 1, encoded, signature(vector)));
  CHECK_FALSE(open_root(feed, 1, 2, encoded, signature(vector)));
  for (size_t i = 0; i < encoded.size(); i += 7) {
    Bytes changed = encoded;
    changed[i] ^= 1;
    CHECK_FALSE(open_root(feed, 1, 1, changed, signature(vector)));
  }
}

TEST_CASE("feeds: record of a Root", "[feeds]") {
  auto vector = test::load_vectors("cxo_idx.json");
  const Bytes encoded = hex(vector, "hex");
  REQUIRE(encoded.size() == kRootRecordBytes);
  Result<RootRecord> record = decode_root_record(encoded);
  REQUIRE(record);
  CHECK(record->created_ns == 1);
  CHECK(record->accessed_ns == 2);
  CHECK(encode(*record) == encoded);

  auto trees = test::load_vectors("cxo_treestore.json");
  const auto& root = at(array(trees)[0], "root");
  CHECK(record->hash == hash(root, "hash"));
  CHECK(record->signature == signature(root));
  CHECK(record->time_ns == std::stoll(text(root, "time")));

  for (size_t size = 0; size < encoded.size(); ++size)
    CHECK_FALSE(decode_root_record(ByteView(encoded).first(size)));
}

TEST_CASE("feeds: message vectors", "[feeds]") {
  auto vectors = test::load_vectors("cxo_messages.json");
  size_t index = 0;
  for (const auto& vector : array(vectors, "messages")) {
    INFO(text(vector, "name"));
    Bytes encoded = hex(vector, "hex");
    Result<Message> message = decode_message(encoded);
    REQUIRE(message);
    CHECK(message->index() + 1 == static_cast<size_t>(integer(vector, "type")));
    CHECK(encode(*message) == encoded);
    for (size_t size = 0; size < encoded.size(); ++size)
      CHECK_FALSE(decode_message(ByteView(encoded).first(size)));
    encoded.push_back(0);
    CHECK_FALSE(decode_message(encoded));
    ++index;
  }
  CHECK(index == array(vectors, "messages").size());
  for (const auto& vector : array(vectors, "messages_decode")) {
    INFO(text(vector, "name"));
    CHECK(decode_message(hex(vector, "hex")).has_value() == text(vector, "error").empty());
  }
}

TEST_CASE("feeds: frame vectors", "[feeds]") {
  const auto vectors = test::load_vectors("cxo_frames.json");
  for (const auto& vector : array(vectors)) {
    INFO(text(vector, "name"));
    Bytes whole = hex(vector, "hex");
    Frame frame = decode_frame(ByteView(whole).subspan(4));
    CHECK(frame.seq == static_cast<uint32_t>(integer(vector, "seq")));
    CHECK(frame.rseq == static_cast<uint32_t>(integer(vector, "rseq")));
    Result<Message> message = decode_message(frame.message);
    REQUIRE(message);
    Bytes body = encode(*message);
    auto head = frame_head(frame.seq, frame.rseq, body.size());
    Bytes built(head.begin(), head.end());
    built.insert(built.end(), body.begin(), body.end());
    CHECK(built == whole);
  }
}

}  // namespace
}  // namespace visor::feeds
