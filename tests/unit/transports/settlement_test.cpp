#include "plugins/transports/settlement.hpp"

#include <catch2/catch.hpp>

#include "../seeded.hpp"
#include "lib/codec/endian.hpp"

using namespace visor;
using namespace visor::transports;

namespace {

struct Visor {
  crypto::KeyPair pair;
  explicit Visor(uint64_t seed) {
    test::Seeded seeded(seed);
    auto made = crypto::random_key_pair(seeded.source());
    REQUIRE(made);
    pair = std::move(*made);
  }
  const visor_key& key() const { return pair.key; }
  Signer signer() const {
    return [this](const crypto::Hash& hash) { return crypto::sign_recoverable(hash, pair.secret); };
  }
};

struct Pair {
  Visor dialer{1}, acceptor{2};
  Proposal proposal{dialer.key(), codec::make_transport_entry(dialer.key(), acceptor.key(), "stcpr", "user")};
  Response response{acceptor.key(), dialer.key(), "stcpr"};

  Bytes proposed() {
    auto message = proposal.begin(dialer.signer());
    REQUIRE(message);
    return *message;
  }
};

// Feeds the bytes in pieces and gives what the last piece led to.
template <class Side>
Result<bool> feed(Side& side, ByteView data, size_t piece, ByteView* rest = nullptr) {
  Result<bool> result = false;
  while (!data.empty()) {
    ByteView part = data.first(std::min(piece, data.size()));
    size_t before = part.size();
    result = side.receive(part);
    if (!result) return result;
    data = data.subspan(before - part.size());
    if (*result) break;
  }
  if (rest) *rest = data;
  return result;
}

Bytes with_length(std::string_view json) {
  Bytes out;
  codec::append_be<uint32_t>(out, static_cast<uint32_t>(json.size()));
  codec::append(out, bytes(json));
  return out;
}

}  // namespace

TEST_CASE("settlement leaves both ends with both signatures, however the bytes are cut", "[transports]") {
  for (size_t piece : {1u, 3u, 100000u}) {
    INFO("pieces of " << piece);
    Pair pair;
    auto sound = feed(pair.response, pair.proposed(), piece);
    REQUIRE((sound && *sound));
    auto answer = pair.response.accept(pair.acceptor.signer());
    REQUIRE(answer);
    CHECK((*answer)[0] == 1);
    answer->push_back(8);  // a packet may come close behind
    ByteView rest;
    auto settled = feed(pair.proposal, *answer, piece, &rest);
    REQUIRE((settled && *settled));
    CHECK(rest.size() == 1);
    for (const codec::SignedEntry& entry : {pair.proposal.entry(), pair.response.entry()}) {
      CHECK(codec::verify_edge(entry, 0));
      CHECK(codec::verify_edge(entry, 1));
      CHECK(entry.entry.label == "user");
    }
  }
}

TEST_CASE("an acceptor refuses another transport, a bad signature and garbage, each with its answer",
          "[transports]") {
  Visor dialer(1), acceptor(2), third(3);
  auto refused = [&](const visor_key& own, const visor_key& said_peer, std::string_view type,
                     const Visor& signs) {
    Proposal proposal(own, codec::make_transport_entry(own, said_peer, type, "user"));
    auto message = proposal.begin(signs.signer());
    REQUIRE(message);
    Response response(acceptor.key(), dialer.key(), "stcpr");
    auto result = feed(response, *message, 1000);
    REQUIRE_FALSE(result);
    CHECK(result.error().status == VISOR_EPROTO);
    return response.refusal();
  };
  CHECK(refused(dialer.key(), third.key(), "stcpr", dialer) == Bytes{3});    // other edges
  CHECK(refused(dialer.key(), acceptor.key(), "swsr", dialer) == Bytes{3});  // other type
  CHECK(refused(dialer.key(), acceptor.key(), "stcpr", third) == Bytes{2});  // somebody else's signature

  for (const Bytes& garbage : {with_length("{}"), with_length("GET / HTTP/1.1"),
                               Bytes{0xff, 0xff, 0xff, 0xff}, Bytes{0, 0, 0x10, 1}, Bytes{0, 0, 0, 0}}) {
    Response response(acceptor.key(), dialer.key(), "stcpr");
    CHECK_FALSE(feed(response, garbage, 1000));
    CHECK(response.refusal() == Bytes{3});
  }
}

TEST_CASE("a dialer says why it was refused and believes no wrong answer", "[transports]") {
  for (auto [answer, status] : {std::pair<int, visor_status>{0, VISOR_EPERM},
                                {2, VISOR_EPERM},
                                {3, VISOR_EPERM},
                                {4, VISOR_EPROTO},
                                {255, VISOR_EPROTO}}) {
    Pair pair;
    pair.proposed();
    auto result = feed(pair.proposal, Bytes{static_cast<uint8_t>(answer)}, 1);
    REQUIRE_FALSE(result);
    CHECK(result.error().status == status);
    CHECK_FALSE(result.error().text.empty());
  }

  SECTION("the second signature is missing, or somebody else's") {
    for (int wrong : {0, 1, 2}) {
      Pair pair;
      pair.proposed();
      codec::SignedEntry entry = pair.proposal.entry();
      size_t theirs = codec::edge_of(entry.entry, pair.acceptor.key());
      if (wrong == 1) entry.signatures[theirs] = *pair.dialer.signer()(codec::signing_hash(entry.entry));
      if (wrong == 2) {
        entry.signatures[theirs] = *pair.acceptor.signer()(codec::signing_hash(entry.entry));
        entry.signatures[1 - theirs] = entry.signatures[theirs];
      }
      Bytes answer{1};
      codec::append(answer, with_length(codec::to_json(entry)));
      auto result = feed(pair.proposal, answer, 1000);
      REQUIRE_FALSE(result);
      CHECK(result.error().status == VISOR_EPROTO);
    }
  }
  SECTION("another transport's entry") {
    Pair pair;
    pair.proposed();
    codec::SignedEntry other{
        codec::make_transport_entry(pair.dialer.key(), pair.acceptor.key(), "swsr", "user"), {}, 0};
    Bytes answer{1};
    codec::append(answer, with_length(codec::to_json(other)));
    CHECK_FALSE(feed(pair.proposal, answer, 1000));
  }
}
