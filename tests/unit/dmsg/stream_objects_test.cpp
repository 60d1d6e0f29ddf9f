#include "lib/dmsg/stream_objects.hpp"

#include <algorithm>

#include "tests/unit/vectors.hpp"

using namespace visor;
using dmsg::ErrorCode;

namespace {

constexpr size_t kSignature = 65;

boost::json::value vectors() {
  return test::load_vectors("dmsg_gob.json");
}

dmsg::Sign signer(const boost::json::value& all, std::string_view name) {
  crypto::SecretKey secret(test::fixed_hex<32>(test::at(test::at(all, "keys"), name), "sk"));
  return [secret = std::make_shared<crypto::SecretKey>(std::move(secret))](const crypto::Hash& hash) {
    return crypto::sign_recoverable(hash, *secret);
  };
}

visor_key key_of(const boost::json::value& all, std::string_view name) {
  return test::key(test::at(test::at(all, "keys"), name), "pk");
}

dmsg::StreamRequest request_of(const boost::json::value& all) {
  dmsg::StreamRequest request;
  request.timestamp_ns = 1700000000123456789;
  request.source = {key_of(all, "client-A"), 49153};
  request.destination = {key_of(all, "client-B"), 80};
  request.noise_message = Bytes(49, 0xab);
  return request;
}

Bytes document_of(const Result<Bytes>& object) {
  REQUIRE(object);
  return Bytes(object->begin() + kSignature, object->end());
}

// The vectors were written by processes that had numbered other types before: an id takes two bytes, ff and
// twice the id, one less where it is negative.
Bytes renumbered(Bytes document, std::initializer_list<std::pair<uint8_t, uint8_t>> ids) {
  const uint8_t hash[] = {1, 32};  // the first field, and its count of elements
  auto end = std::ranges::search(document, hash).begin();
  for (size_t i = 0; i + 1 < static_cast<size_t>(end - document.begin()); ++i) {
    if (document[i] != 0xff) continue;
    for (auto [from, to] : ids) {
      if (document[i + 1] == 2 * from)
        document[i + 1] = static_cast<uint8_t>(2 * to);
      else if (document[i + 1] == 2 * from - 1)
        document[i + 1] = static_cast<uint8_t>(2 * to - 1);
      else
        continue;
      break;
    }
  }
  return document;
}

Bytes resigned(ByteView document, const dmsg::Sign& sign) {
  auto signature = sign(crypto::sha256(document));
  REQUIRE(signature);
  Bytes object(signature->bytes.begin(), signature->bytes.end());
  object.insert(object.end(), document.begin(), document.end());
  return object;
}

}  // namespace

TEST_CASE("stream objects: a request is written as the vectors have it", "[dmsg]") {
  auto all = vectors();
  const auto& golden = test::at(test::at(all, "gob"), "request");
  auto object = dmsg::sign_object(request_of(all), signer(all, "client-A"));
  CHECK(document_of(object) == test::hex(golden, "gob"));
  CHECK(object->size() == 347);

  dmsg::StreamRequest bare;
  bare.timestamp_ns = 1;
  bare.source = {key_of(all, "client-A"), 1};
  bare.destination = {key_of(all, "client-B"), 65535};
  CHECK(document_of(dmsg::sign_object(bare, signer(all, "client-A"))) ==
        test::hex(test::at(test::at(all, "gob"), "request_no_noise"), "gob"));
}

TEST_CASE("stream objects: a signed request is opened and its hash covers all of it", "[dmsg]") {
  auto all = vectors();
  const auto& golden = test::at(test::at(all, "gob"), "request");
  Bytes object = test::hex(golden, "signed_object");
  auto request = dmsg::open_request(object);
  REQUIRE(request);
  CHECK(request->timestamp_ns == 1700000000123456789);
  CHECK(request->source.key == key_of(all, "client-A"));
  CHECK(request->source.port == 49153);
  CHECK(request->destination.key == key_of(all, "client-B"));
  CHECK(request->destination.port == 80);
  CHECK_FALSE(request->ip_info);
  CHECK(request->noise_message == Bytes(49, 0xab));
  CHECK(to_hex(dmsg::object_hash(object)) == test::text(golden, "sha256_signed_object"));
}

TEST_CASE("stream objects: responses are written and opened as the vectors have them", "[dmsg]") {
  auto all = vectors();
  const auto& gob = test::at(all, "gob");
  dmsg::StreamResponse response;
  response.request_hash =
      *crypto::hash_from_hex(test::text(test::at(gob, "request"), "sha256_signed_object"));
  response.accepted = true;
  response.noise_message = Bytes(49, 0xcd);
  auto sign = signer(all, "client-B");
  CHECK(document_of(dmsg::sign_object(response, sign)) ==
        renumbered(test::hex(test::at(gob, "response_accepted"), "gob"), {{68, 65}, {69, 66}}));

  dmsg::StreamResponse refused;
  refused.request_hash = response.request_hash;
  refused.error_code = ErrorCode::kNoListener;
  CHECK(document_of(dmsg::sign_object(refused, sign)) ==
        renumbered(test::hex(test::at(gob, "response_rejected_306"), "gob"), {{68, 65}, {69, 66}}));

  Bytes object = test::hex(test::at(gob, "response_accepted"), "signed_object");
  auto opened = dmsg::open_response(object, key_of(all, "client-B"), response.request_hash);
  REQUIRE(opened);
  CHECK(opened->accepted);
  CHECK(opened->error_code == ErrorCode::kNone);
  CHECK(opened->noise_message == response.noise_message);

  Bytes refusal = resigned(test::hex(test::at(gob, "response_rejected_306"), "gob"), sign);
  auto no = dmsg::open_response(refusal, key_of(all, "client-B"), response.request_hash);
  REQUIRE(no);
  CHECK_FALSE(no->accepted);
  CHECK(no->error_code == ErrorCode::kNoListener);
}

TEST_CASE("stream objects: those of a captured stream are opened, and written again alike", "[dmsg]") {
  auto all = vectors();
  const auto& live = test::at(all, "live_stream");
  Bytes request_object = test::hex(live, "request_signed_object");
  auto request = dmsg::open_request(request_object);
  REQUIRE(request);
  CHECK(request->timestamp_ns == test::integer(live, "timestamp"));
  CHECK(request->source.port == 49153);
  CHECK(request->noise_message == test::hex(live, "kk_msg1"));
  CHECK(document_of(dmsg::sign_object(*request, signer(all, "client-A"))) ==
        Bytes(request_object.begin() + kSignature, request_object.end()));

  Bytes response_object = test::hex(live, "response_signed_object");
  auto response =
      dmsg::open_response(response_object, request->destination.key, dmsg::object_hash(request_object));
  REQUIRE(response);
  CHECK(response->accepted);
  CHECK(response->noise_message == test::hex(live, "kk_msg2"));
  CHECK(document_of(dmsg::sign_object(*response, signer(all, "client-B"))) ==
        Bytes(response_object.begin() + kSignature, response_object.end()));
}

TEST_CASE("stream objects: later shapes are understood by the names of their fields", "[dmsg]") {
  auto all = vectors();
  const auto& later = test::at(all, "gob_later_shapes");
  auto source = signer(all, "client-A"), destination = signer(all, "client-B");
  for (auto name : {"request_2024", "request_2026"}) {
    INFO(name);
    auto request = dmsg::open_request(resigned(test::hex(later, name), source));
    REQUIRE(request);
    CHECK(request->noise_message == Bytes{1, 2, 3});
    CHECK(request->destination.port == 80);
    CHECK_FALSE(request->ip_info);
  }
  auto hash =
      *crypto::hash_from_hex(test::text(test::at(test::at(all, "gob"), "request"), "sha256_signed_object"));
  for (auto name : {"response_2024", "response_2026"}) {
    INFO(name);
    auto response =
        dmsg::open_response(resigned(test::hex(later, name), destination), key_of(all, "client-B"), hash);
    REQUIRE(response);
    CHECK(response->accepted);
    CHECK(response->noise_message == Bytes{1, 2, 3});
  }
}

TEST_CASE("stream objects: the question for one's own address is that of 2024", "[dmsg]") {
  auto all = vectors();
  const auto& later = test::at(all, "gob_later_shapes");
  auto request = dmsg::open_request(resigned(test::hex(later, "ip_request_2024"), signer(all, "client-A")));
  REQUIRE(request);
  CHECK(request->ip_info);
  CHECK(request->noise_message.empty());
  CHECK(document_of(dmsg::sign_object(*request, signer(all, "client-A"))) ==
        renumbered(test::hex(later, "ip_request_2024"), {{70, 65}, {66, 66}, {67, 67}}));

  auto hash =
      *crypto::hash_from_hex(test::text(test::at(test::at(all, "gob"), "request"), "sha256_signed_object"));
  for (auto name : {"ip_response_2024", "ip_response_2026"}) {
    auto response = dmsg::open_response(resigned(test::hex(later, name), signer(all, "client-B")),
                                        key_of(all, "client-B"), hash);
    REQUIRE(response);
    CHECK(to_hex(response->ip) == "00000000000000000000ffffc0000207");
  }
  dmsg::StreamResponse answer;
  answer.request_hash = hash;
  answer.accepted = true;
  answer.ip = test::from_hex("00000000000000000000ffffc0000207");
  CHECK(document_of(dmsg::sign_object(answer, signer(all, "client-B"))) ==
        renumbered(test::hex(later, "ip_response_2024"), {{71, 65}, {69, 66}}));
}

TEST_CASE("stream objects: what a request says of itself must be possible", "[dmsg]") {
  auto all = vectors();
  auto sign = signer(all, "client-A");
  auto error_of = [&](const std::function<void(dmsg::StreamRequest&)>& change) {
    dmsg::StreamRequest request = request_of(all);
    change(request);
    auto object = dmsg::sign_object(request, sign);
    REQUIRE(object);
    auto opened = dmsg::open_request(*object);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().status == VISOR_EPROTO);
    return opened.error().text;
  };
  using Request = dmsg::StreamRequest;
  CHECK(error_of([](Request& r) { r.timestamp_ns = 0; }).find("(301)") != std::string::npos);
  CHECK(error_of([](Request& r) { r.timestamp_ns = -1; }).find("(301)") != std::string::npos);
  CHECK(error_of([](Request& r) { r.source.key = {}; }).find("(302)") != std::string::npos);
  CHECK(error_of([](Request& r) { r.destination.key = {}; }).find("(303)") != std::string::npos);
  CHECK(error_of([](Request& r) { r.source.port = 0; }).find("(304)") != std::string::npos);
  CHECK(error_of([](Request& r) { r.destination.port = 0; }).find("(305)") != std::string::npos);
  CHECK(error_of([&](Request& r) { r.source.key = key_of(all, "client-B"); }).find("(300)") !=
        std::string::npos);
}

TEST_CASE("stream objects: forged, exchanged and cut objects are refused", "[dmsg]") {
  auto all = vectors();
  const auto& live = test::at(all, "live_stream");
  const Bytes request = test::hex(live, "request_signed_object");
  const Bytes response = test::hex(live, "response_signed_object");
  const visor_key b = key_of(all, "client-B");
  const crypto::Hash hash = dmsg::object_hash(request);

  for (size_t at = 0; at < request.size(); at += 3) {
    Bytes changed = request;
    changed[at] ^= 1;
    CHECK_FALSE(dmsg::open_request(changed));
    CHECK_FALSE(dmsg::open_request(ByteView(request).first(at)));
  }
  for (size_t at = 0; at < response.size(); at += 3) {
    Bytes changed = response;
    changed[at] ^= 1;
    CHECK_FALSE(dmsg::open_response(changed, b, hash));
  }
  CHECK_FALSE(dmsg::open_response(response, key_of(all, "client-A"), hash));
  auto other = dmsg::open_response(response, b, crypto::sha256(request));
  CHECK(other);  // the same hash by its definition
  auto replayed = dmsg::open_response(response, b, crypto::Hash{});
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error().text.find("(351)") != std::string::npos);
  CHECK_FALSE(dmsg::open_request(response));
  CHECK_FALSE(dmsg::open_request(Bytes(65, 0)));
  CHECK_FALSE(dmsg::open_request(Bytes(70000, 0)));
}

TEST_CASE("stream objects: an object that no session could carry is not written", "[dmsg]") {
  auto all = vectors();
  dmsg::StreamRequest request = request_of(all);
  request.noise_message.resize(65535);
  auto object = dmsg::sign_object(request, signer(all, "client-A"));
  REQUIRE_FALSE(object);
  CHECK(object.error().status == VISOR_EINVAL);
}
