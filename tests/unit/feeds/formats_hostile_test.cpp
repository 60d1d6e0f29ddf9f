// What a stranger may send in place of the feeds' objects: each decoder refuses it with an error.
#include "lib/codec/writer.hpp"
#include "plugins/feeds/limits.hpp"
#include "plugins/feeds/object.hpp"
#include "plugins/feeds/refs.hpp"
#include "plugins/feeds/registry.hpp"
#include "plugins/feeds/root.hpp"
#include "plugins/feeds/treestore.hpp"
#include "tests/unit/seeded.hpp"
#include "tests/unit/vectors.hpp"

namespace visor::feeds {
namespace {

Bytes registry_of(const std::vector<std::pair<std::string, Bytes>>& rows) {
  Bytes out;
  codec::Writer to(out);
  to.count(rows.size());
  for (const auto& [name, schema] : rows) {
    to.text(name);
    to.bytes(schema);
  }
  return out;
}

Bytes struct_schema(std::string name, std::string field_tag, Schema field) {
  Schema schema(Type::kStruct, std::move(name));
  schema.fields.push_back(Field{"F", std::move(field_tag), std::move(field)});
  return encode(schema);
}

/* The error's text names what is wrong. */
void refused(const Bytes& registry, const std::string& because) {
  Result<Registry> decoded = Registry::decode(registry);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().status == VISOR_EPROTO);
  CHECK_THAT(decoded.error().text, Catch::Contains(because));
}

TEST_CASE("feeds: lesson 53, a hostile registry gives an error", "[feeds][lesson]") {
  const Bytes good = struct_schema("a", "", Schema(Type::kUint8, "uint8"));
  REQUIRE(Registry::decode(registry_of({{"a", good}})));

  refused(registry_of({{"a", struct_schema("a", "schema=nobody", reference_to(Reference::kRef, "nobody"))}}),
          "nobody");
  refused(registry_of({{"a", struct_schema("a", "", short_form("nobody"))}}), "nobody");
  refused(registry_of({{"a", good}, {"a", good}}), "different and ascending");
  refused(registry_of({{"b", struct_schema("b", "", Schema(Type::kBool, "bool"))}, {"a", good}}),
          "ascending");
  refused(registry_of({{"b", good}}), "does not describe");
  refused(registry_of({{"a", Bytes{1, 2, 3}}}), "bytes");
  refused(registry_of({{"a", encode(Schema(static_cast<Type>(21), "a"))}}), "type 21");
  refused(registry_of({{"a", struct_schema("a", "", Schema(Type::kPointer, ""))}}), "for references only");
  refused(registry_of({{"a", struct_schema("a", "no tag", reference_to(Reference::kRefs, "a"))}}), "tag");
  refused(registry_of({{"a", struct_schema("a", "", slice_of(reference_to(Reference::kRef, "a")))}}),
          "inside a slice");
  Schema reference(Type::kUint8, "uint8");
  reference.reference = static_cast<Reference>(4);
  refused(registry_of({{"a", struct_schema("a", "", std::move(reference))}}), "reference type 4");

  Schema deep(Type::kUint8, "uint8");
  for (int i = 0; i < 100; ++i) deep = slice_of(std::move(deep));
  refused(registry_of({{"a", struct_schema("a", "", std::move(deep))}}), "too deeply");
}

TEST_CASE("feeds: a registry cut or changed anywhere is refused or comes out as sent", "[feeds]") {
  const Bytes whole = make_tree_registry()->encoded();
  for (size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(Registry::decode(ByteView(whole).first(size)));
  Bytes tail = whole;
  tail.push_back(0);
  CHECK_FALSE(Registry::decode(tail));
  test::Seeded random(1);
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes changed = whole;
    changed[i] = static_cast<uint8_t>(random.number());
    if (auto decoded = Registry::decode(changed)) CHECK(decoded->encoded() == changed);
  }
}

Bytes list_root(uint32_t depth, uint32_t degree, uint32_t length, size_t elements) {
  Bytes out;
  codec::Writer to(out);
  to.u32(depth);
  to.u32(degree);
  to.u32(length);
  to.count(elements);
  for (size_t i = 0; i < elements; ++i) to.raw(crypto::sha256(bytes(std::to_string(i))));
  return out;
}

TEST_CASE("feeds: a hostile list is refused", "[feeds]") {
  CHECK(decode_list_root(list_root(0, 16, 3, 3)));
  CHECK(decode_list_root(list_root(1, 16, 17, 2)));
  CHECK_FALSE(decode_list_root(list_root(0, 1, 1, 1)));     // degree
  CHECK_FALSE(decode_list_root(list_root(0, 1025, 3, 3)));  // degree
  CHECK_FALSE(decode_list_root(list_root(0, 16, 0, 0)));    // an empty list is not stored
  CHECK_FALSE(decode_list_root(list_root(0, 16, 4, 3)));    // length and elements differ
  CHECK_FALSE(decode_list_root(list_root(0, 16, 17, 17)));  // more elements than the degree
  CHECK_FALSE(decode_list_root(list_root(1, 16, 16, 1)));   // deeper than need be
  CHECK_FALSE(decode_list_root(list_root(1, 16, 17, 3)));   // sparse
  CHECK_FALSE(decode_list_root(list_root(4000000000u, 16, 17, 2)));
  CHECK_FALSE(decode_list_root(list_root(7, 2, 0xffffffff, 2)));

  Bytes whole = list_root(1, 16, 17, 2);
  for (size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(decode_list_root(ByteView(whole).first(size)));
  whole.push_back(0);
  CHECK_FALSE(decode_list_root(whole));
  Bytes huge;
  codec::Writer to(huge);
  to.u32(1);
  to.u32(0xffffffff);
  CHECK_FALSE(decode_list_node(huge));
}

TEST_CASE("feeds: a hostile entry, directory or Root is refused", "[feeds]") {
  Bytes entry;
  append_tree_entry(entry, {"name", crypto::sha256(bytes("x")), bytes("leaf")});
  REQUIRE(entry.size() == tree_entry_size(4, 4));
  REQUIRE(decode_tree_entry(entry));
  for (size_t size = 0; size < entry.size(); ++size)
    CHECK_FALSE(decode_tree_entry(ByteView(entry).first(size)));
  entry.push_back(0);
  CHECK_FALSE(decode_tree_entry(entry));
  for (std::string_view name : {"", "a/b", "/"}) {
    Bytes bad;
    append_tree_entry(bad, {name, Hash{}, bytes("leaf")});
    CHECK_FALSE(decode_tree_entry(bad));
  }
  CHECK_FALSE(decode_tree_node(Bytes(31)));
  CHECK_FALSE(decode_tree_node(Bytes(33)));

  Root root;
  root.registry = tree_types().registry;
  root.nonce = 1;
  root.refs.push_back({crypto::sha256(bytes("x")), tree_types().node});
  REQUIRE(check_root(root));
  Bytes encoded = encode(root);
  for (size_t size = 0; size < encoded.size(); ++size)
    CHECK_FALSE(decode_root(ByteView(encoded).first(size)));
  encoded.push_back(0);
  CHECK_FALSE(decode_root(encoded));

  auto broken = [&](auto change) {
    Root other = root;
    change(other);
    return !check_root(other).has_value();
  };
  CHECK(broken([](Root& r) { r.nonce = 0; }));
  CHECK(broken([](Root& r) { r.seq = 1; }));
  CHECK(broken([](Root& r) { r.previous = crypto::sha256(bytes("x")); }));
  CHECK(broken([](Root& r) { r.registry = Hash{}; }));
  CHECK(broken([](Root& r) { r.refs.push_back(r.refs[0]); }));
  CHECK(broken([](Root& r) { r.refs[0].schema = Hash{}; }));
  CHECK(broken([](Root& r) { r.refs[0].object = Hash{}; }));
}

TEST_CASE("feeds: lesson 51, a Root that is signed for another feed is refused", "[feeds][lesson]") {
  test::Seeded random(2);
  auto owner = *crypto::random_key_pair(random.source());
  auto other = *crypto::random_key_pair(random.source());
  Root root;
  root.registry = tree_types().registry;
  root.nonce = 1;
  root.time_ns = 1;
  root.feed = other.key;  // claims another feed, signed by `owner`
  Bytes encoded = encode(root);
  Signature signature = *crypto::sign_recoverable(crypto::sha256(encoded), owner.secret);
  bool bad_signature = true;
  Result<SignedRoot> opened = open_root(owner.key, 1, 0, encoded, signature, &bad_signature);
  REQUIRE_FALSE(opened);
  CHECK_FALSE(bad_signature);
  CHECK_THAT(opened.error().text, Catch::Contains(to_hex(other.key)));
  CHECK_FALSE(open_root(other.key, 1, 0, encoded, signature, &bad_signature));
  CHECK(bad_signature);
}

TEST_CASE("feeds: a Root that is larger than an object may be is refused", "[feeds]") {
  test::Seeded random(3);
  auto owner = *crypto::random_key_pair(random.source());
  Root root;
  root.registry = tree_types().registry;
  root.nonce = 1;
  root.time_ns = 1;
  root.feed = owner.key;
  root.descriptor.resize(kMaxObjectBytes - 129);
  for (const bool fits : {true, false}) {
    if (!fits) root.descriptor.push_back(0);
    const Bytes encoded = encode(root);
    const Signature signature = *crypto::sign_recoverable(crypto::sha256(encoded), owner.secret);
    Result<SignedRoot> opened = open_root(owner.key, 1, 0, encoded, signature);
    CHECK(opened.has_value() == fits);
    if (!opened) CHECK_THAT(opened.error().text, Catch::Contains("16777217 bytes"));
  }
}

TEST_CASE("feeds: slots of objects are where the specification puts them", "[feeds]") {
  const Hash a = crypto::sha256(bytes("a"));
  std::vector<Slot> slots;
  Bytes entry;
  append_tree_entry(entry, {"n", a, {}});
  REQUIRE(append_slots(Kind::kTreeEntry, entry, slots));
  REQUIRE(slots.size() == 1);
  CHECK(slots[0].hash == a);
  CHECK(slots[0].kind == Kind::kTreeNode);

  slots.clear();
  REQUIRE(append_slots(Kind::kTreeNode, Bytes(32), slots));  // blank: nothing
  CHECK(slots.empty());
  REQUIRE(append_slots(Kind::kListRoot, list_root(1, 16, 17, 2), slots));
  REQUIRE(slots.size() == 2);
  CHECK(slots[0].kind == list_node(1));
  slots.clear();
  REQUIRE(append_slots(Kind::kListRoot, list_root(0, 16, 2, 2), slots));
  CHECK(slots[0].kind == Kind::kTreeEntry);
  CHECK_FALSE(append_slots(static_cast<Kind>(200), entry, slots));
  CHECK_FALSE(append_slots(Kind::kTreeNode, entry, slots));
}

TEST_CASE("feeds: lesson 45, prefixes go by whole names", "[feeds][lesson]") {
  CHECK(under("tiers/dmsg", "tiers/dmsg"));
  CHECK(under("tiers/dmsg/x", "tiers/dmsg"));
  CHECK(under("tiers/dmsg/x", "tiers/dmsg/"));
  CHECK_FALSE(under("tiers/dmsg", "tiers/d"));
  CHECK(under("anything", ""));
  CHECK(under("anything", "/"));

  CHECK(split_path("")->empty());
  CHECK(split_path("/")->empty());
  CHECK(split_path("a/b/")->size() == 2);
  CHECK_FALSE(split_path("/a"));
  CHECK_FALSE(split_path("a//b"));
  CHECK_FALSE(split_path("a//"));
  CHECK_FALSE(split_path(std::string(5000, 'x')));
  std::string deep = "a";
  for (int i = 0; i < 64; ++i) deep += "/a";
  CHECK_FALSE(split_path(deep));

  CHECK((compare_paths("a", "a/x") < 0));
  CHECK((compare_paths("a/x", "a-b") < 0));  // all of directory a comes before its next sibling
  CHECK((compare_paths("a/x", "a/x") == 0));
  CHECK((compare_paths("b", "a/x") > 0));
  CHECK((compare_paths("\x7f", "\x80") < 0));
}

}  // namespace
}  // namespace visor::feeds
