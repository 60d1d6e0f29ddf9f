// What members of a group exchange: messages, decisions, invitations; and the order in which it is shown.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "lib/crypto/base64.hpp"
#include "plugins/chat/group_invite.hpp"
#include "plugins/chat/group_message.hpp"
#include "plugins/chat/group_mutation.hpp"
#include "plugins/chat/group_order.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/test_identity.hpp"

namespace visor::chat {
namespace {

using test::MemoryHost;
using test::TestIdentity;

Sign signer(TestIdentity& identity) {
  return [&identity](const crypto::Hash& digest) -> Result<crypto::Signature> {
    crypto::Signature signature;
    if (identity.sign(digest.bytes.data(), signature.bytes.data()) != VISOR_OK)
      return failure(VISOR_EIO, "no");
    return signature;
  };
}

constexpr int64_t kNow = 1'800'000'000'000'000'000;

struct Author {
  MemoryHost host;
  TestIdentity identity{host.host(), 1};
  visor_key key() { return *identity.key(); }
  GroupMessage says(std::string text, const crypto::AesKey* secret = nullptr,
                    int64_t time_ns = 1234567890123456789) {
    GroupMessage message;
    message.sender = key();
    message.time_ns = time_ns;
    message.text = std::move(text);
    REQUIRE(
        finish(message, secret, secret ? crypto::AesNonce{1, 2, 3} : crypto::AesNonce{}, signer(identity)));
    return message;
  }
};

crypto::AesKey secret(uint8_t byte) {
  crypto::AesKey key;
  std::ranges::fill(key.bytes(), byte);
  return key;
}

TEST_CASE("chat: a group's message has the bytes that are signed", "[chat]") {
  Author author;
  const GroupMessage message = author.says("hi");
  CHECK(to_hex(canonical(message)) ==
        "01" + to_hex(author.key()) + "112210f47de98115" + "00000002" + "6869" + "00000000" + "00000000");
  CHECK(verify(message));
  auto read = parse_group_message(bytes(std::string_view(to_leaf(message))));
  REQUIRE(read);
  CHECK(read->text == "hi");
  CHECK(read->time_ns == 1234567890123456789);
  CHECK(verify(*read));
}

TEST_CASE("chat: a public group's message says for which group it is, and under which number", "[chat]") {
  Author author;
  codec::Uuid group, other;
  group.bytes.fill(3);
  other.bytes.fill(4);
  GroupMessage message;
  message.sender = author.key();
  message.time_ns = 1234567890123456789;
  message.text = "hi";
  REQUIRE(finish(message, nullptr, binding_of(group, 7), signer(author.identity)));
  const std::string leaf = to_leaf(message);
  auto read = parse_group_message(bytes(std::string_view(leaf)));
  REQUIRE(read);
  CHECK(read->bound);
  CHECK(read->nonce == binding_of(group, 7));
  CHECK(read->nonce != binding_of(other, 7));
  CHECK(read->nonce != binding_of(group, 8));
  // As others verify it, who sign and verify the nonce of whatever has one.
  CHECK(to_hex(canonical(*read)) == "01" + to_hex(author.key()) + "112210f47de98115" + "00000002" + "6869" +
                                        "00000000" + "0000000c" + to_hex(binding_of(group, 7)));
  CHECK(verify(*read));
  read->bound = false;  // taken off, it is nobody's
  CHECK_FALSE(verify(*read));
}

TEST_CASE("chat: a group's message that was changed is not its sender's", "[chat]") {
  Author author;
  const GroupMessage message = author.says("hi");
  auto refused = [](GroupMessage changed) { return !verify(changed); };
  GroupMessage other = message;
  other.text = "ho";
  CHECK(refused(other));
  other = message;
  other.time_ns += 1;
  CHECK(refused(other));
  other = message;
  other.signature = {};
  CHECK(refused(other));
  other = message;
  other.sender = *TestIdentity(author.host.host(), 2).key();
  CHECK(refused(other));
}

TEST_CASE("chat: a private group's message is opened with its key alone", "[chat]") {
  Author author;
  const crypto::AesKey key = secret(7), wrong = secret(8);
  GroupMessage sent = author.says("for friends", &key);
  const std::string leaf = to_leaf(sent);
  CHECK(leaf.find("friends") == leaf.npos);
  auto read = parse_group_message(bytes(std::string_view(leaf)));
  REQUIRE(read);
  CHECK(verify(*read));
  CHECK_FALSE(open(*read, nullptr));
  CHECK_FALSE(open(*read, &wrong));
  REQUIRE(open(*read, &key));
  CHECK(read->text == "for friends");
  read->ciphertext.back() ^= 1;
  CHECK_FALSE(open(*read, &key));
}

TEST_CASE("chat: a sealed message is read alike however its JSON is written", "[chat]") {
  Author author;
  const crypto::AesKey key = secret(7);
  const GroupMessage sent = author.says("for friends", &key);
  const std::string leaf = to_leaf(sent);
  std::vector<std::string> same{leaf, "{ " + leaf.substr(1), leaf.substr(0, leaf.size() - 1) + " }",
                                leaf.substr(0, leaf.size() - 1) + R"(,"later":1})"};
  std::string spaced = leaf;
  spaced.insert(spaced.find(":") + 1, " ");
  same.push_back(spaced);
  std::string upper = leaf;
  upper.replace(upper.find("nonce"), 5, "NONCE");
  same.push_back(upper);
  for (const std::string& text : same) {
    INFO(text);
    auto read = parse_group_message(bytes(std::string_view(text)));
    REQUIRE(read);
    CHECK(canonical(*read) == canonical(sent));
    CHECK(read->signature == sent.signature);
    REQUIRE(open(*read, &key));
    CHECK(read->text == "for friends");
  }
  for (size_t cut = 0; cut < leaf.size(); ++cut) {
    CHECK_FALSE(parse_group_message(bytes(std::string_view(leaf).substr(0, cut))));
  }
  CHECK_FALSE(parse_group_message(bytes(std::string_view(leaf + "x"))));
}

TEST_CASE("crypto: AES-256-GCM is that of the standard", "[crypto]") {
  // NIST's example: a zero key, a zero nonce, sixteen zero bytes.
  const crypto::AesKey key = secret(0);
  const Bytes sealed = crypto::seal_aes_gcm(key, {}, Bytes(16));
  CHECK(to_hex(sealed) == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  CHECK(*crypto::open_aes_gcm(key, {}, sealed) == Bytes(16));
  CHECK(to_hex(crypto::seal_aes_gcm(key, {}, {})) == "530f8afbc74536b9a963b4f1c4cb738b");
  CHECK(crypto::open_aes_gcm(key, {}, crypto::seal_aes_gcm(key, {}, {}))->empty());
  CHECK_FALSE(crypto::open_aes_gcm(key, {}, Bytes(15)));
}

TEST_CASE("crypto: base64 goes both ways and takes nothing else", "[crypto]") {
  CHECK(crypto::to_base64(bytes(std::string_view("hello?>"))) == "aGVsbG8/Pg==");
  CHECK(crypto::to_base64url(bytes(std::string_view("hello?>"))) == "aGVsbG8_Pg");
  CHECK(text(ByteView(*crypto::from_base64("aGVsbG8/Pg=="))) == "hello?>");
  CHECK(text(ByteView(*crypto::from_base64url("aGVsbG8_Pg"))) == "hello?>");
  CHECK(crypto::from_base64("")->empty());
  for (const char* wrong : {"aGVsbG8/Pg", "aGVsbG8_Pg==", "a", "aGVs bG8=", "\xff"})
    CHECK_FALSE(crypto::from_base64(wrong));
}

TEST_CASE("chat: what is no message of a group is refused", "[chat]") {
  for (
      const char* leaf :
      {"", "{}", "[]", "text", R"({"sender_pk":"02","ts":"2026-01-01T00:00:00Z"})",
       R"({"sender_pk":"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","text":"no time"})",
       R"({"sender_pk":"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","ts":"2026-01-01T00:00:00Z","ciphertext":"AAAA","nonce":"AA=="})",
       R"({"sender_pk":"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","ts":"2026-01-01T00:00:00Z","signature":"12"})"}) {
    INFO(leaf);
    CHECK_FALSE(parse_group_message(bytes(std::string_view(leaf))));
  }
  // Names are matched whatever their case, unset signatures are zeros.
  auto read = parse_group_message(bytes(std::string_view(
      R"({"Sender_PK":"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","TS":"2026-01-01T00:00:00.5Z","Text":"x"})")));
  REQUIRE(read);
  CHECK(read->time_ns == 1767225600500000000);
  CHECK_FALSE(verify(*read));
}

TEST_CASE("chat: paths of messages are read as they are written", "[chat]") {
  Author author;
  const MessagePath path{author.key(), 1700000000123456789, 42};
  const std::string written = to_text(path);
  CHECK(written == "msgs/" + to_hex(author.key()) + "/1700000000123456789/42");
  CHECK(parse_message_path(written) == path);
  const std::string hex = to_hex(author.key());
  for (const std::string& wrong :
       {std::string("msgs/"), "msgs/" + hex, "msgs/" + hex + "/1", "msgs/" + hex + "/01/1",
        "msgs/" + hex + "/1/-1", "msgs/" + hex + "/1/1/1", "msgs/" + hex + "/x/1", "msg/" + hex + "/1/1",
        "msgs/" + hex + "/99999999999999999999/1"}) {
    INFO(wrong);
    CHECK_FALSE(parse_message_path(wrong));
  }
}

TEST_CASE("chat: a decision names its domain, so that an add is no promotion", "[chat]") {
  Author author;
  Mutation add;
  add.group.bytes.fill(3);
  add.peer = *TestIdentity(author.host.host(), 2).key();
  add.issuer = author.key();
  add.issued_ns = 1700000000000000001;
  REQUIRE(sign(add, signer(author.identity)));
  CHECK(canonical(add).size() == 101);
  CHECK(verify(add));
  const std::string leaf = to_leaf(add);
  CHECK(verify(*parse_mutation(Domain::kRoster, bytes(std::string_view(leaf)))));
  CHECK_FALSE(
      verify(*parse_mutation(Domain::kAdmin, bytes(std::string_view(leaf)))));  // lesson: promotion by replay
  Mutation other = add;
  other.op = Op::kRemove;
  CHECK_FALSE(verify(other));
  other = add;
  other.group.bytes[0] ^= 1;
  CHECK_FALSE(verify(other));  // another group's

  for (auto change : {+[](Mutation& m) { m.group = {}; }, +[](Mutation& m) { m.peer = {}; },
                      +[](Mutation& m) { m.issued_ns = 0; }, +[](Mutation& m) { m.issuer = {}; }}) {
    Mutation lacking = add;
    change(lacking);
    CHECK_FALSE(sign(lacking, signer(author.identity)));
    CHECK_FALSE(parse_mutation(Domain::kRoster, bytes(std::string_view(to_leaf(lacking)))));
  }
  CHECK(mutation_path(Domain::kRoster, 7) == "roster/00007");
  CHECK(mutation_path(Domain::kAdmin, 123456) == "admin/123456");
  CHECK(mutation_domain("roster/00001") == Domain::kRoster);
  CHECK_FALSE(mutation_domain("rosters/1"));
}

TEST_CASE("chat: an invitation goes through its link", "[chat]") {
  Author author;
  Invite invite;
  invite.group.bytes.fill(9);
  invite.name = "friends \xe2\x9d\xa4";
  invite.owner = author.key();
  invite.port = 60002;
  invite.mode = Mode::kPrivate;
  invite.key = Bytes(32, 5);
  invite.admins = {author.key()};
  const std::string link = to_link(invite);
  CHECK(link.starts_with("skychat:invite:"));
  CHECK(link.find_first_of("+/= ") == link.npos);
  auto read = parse_link(" " + link + "\n");
  REQUIRE(read);
  CHECK(read->group == invite.group);
  CHECK(read->name == invite.name);
  CHECK(read->owner == invite.owner);
  CHECK(read->port == 60002);
  CHECK(read->mode == Mode::kPrivate);
  CHECK(read->key == invite.key);
  CHECK(read->admins == invite.admins);
}

TEST_CASE("chat: invitations with nonsense are refused, each with its reason", "[chat]") {
  const std::string owner =
      R"("owner_pk":"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")";
  const std::string id = R"("id":"0b1cbb1e-6c1a-4c0e-9a3e-5a0c8a3f8f10")";
  auto link = [](const std::string& json) {
    return "skychat:invite:" + crypto::to_base64url(bytes(std::string_view(json)));
  };
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"hello", "begins with"},
      {"skychat:invite:###", "base64url"},
      {link("not json"), "JSON"},
      {link("{" + id + "," + owner + R"(,"port":1,"mode":"secret"})"), "mode"},
      {link("{" + id + "," + owner + R"(,"port":1,"mode":"private","aes_key":"AAAA"})"), "32 bytes"},
      {link("{" + id + "," + owner + R"(,"port":1,"mode":"public","aes_key":"AAAA"})"), "no key"},
      {link("{" + owner + R"(,"port":1,"mode":"public"})"), "no group"},
      {link("{" + id + R"(,"port":1,"mode":"public"})"), "no owner"},
      {link("{" + id + "," + owner + R"(,"port":0,"mode":"public"})"), "port"},
      {link("{" + id + "," + owner + R"(,"port":65536,"mode":"public"})"), "port"}};
  for (const auto& [text, why] : wrong) {
    INFO(text);
    auto read = parse_link(text);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().text, Catch::Contains(why));
  }
  CHECK(parse_link(link("{" + id + "," + owner + R"(,"port":1,"mode":"public"})")));
}

TEST_CASE("chat: messages are shown in one order, whatever order they came in", "[chat]") {
  std::mt19937 random(5);
  std::vector<StoredGroupMessage> all;
  for (uint8_t author = 1; author <= 4; ++author) {
    visor_key key{};
    key.bytes[0] = 2;
    key.bytes[32] = author;
    int64_t clock_ns = 1000 * author;
    for (uint64_t number = 1; number <= 30; ++number) {
      // Now and then a clock steps back.
      clock_ns +=
          random() % 5 == 0 ? -static_cast<int64_t>(random() % 3000) : static_cast<int64_t>(random() % 500);
      all.push_back({{key, std::max<int64_t>(1, clock_ns), number}, 0, false, false, std::to_string(number)});
    }
  }
  sort_for_display(all, kNow);
  auto paths = [](const std::vector<StoredGroupMessage>& from) {
    std::vector<MessagePath> out;
    for (const StoredGroupMessage& each : from) out.push_back(each.path);
    return out;
  };
  const auto expected = paths(all);
  for (int round = 0; round < 50; ++round) {
    std::ranges::shuffle(all, random);
    sort_for_display(all, kNow);
    REQUIRE(paths(all) == expected);
  }
  // Of one author always as they were said.
  std::map<visor_key, uint64_t> last;
  for (const StoredGroupMessage& each : all) CHECK(each.path.number == ++last[each.path.sender]);
}

}  // namespace
TEST_CASE("chat: an answer is shown after what it answers, in any order of arrival", "[chat]") {
  auto author = [](uint8_t number) {
    visor_key key{};
    key.bytes[0] = 2;
    key.bytes[32] = number;
    return key;
  };
  auto said = [&](uint8_t who, int64_t time_ns, uint64_t number, const char* text,
                  std::optional<Answered> answers = std::nullopt) {
    StoredGroupMessage message{{author(who), time_ns, number}, 0, false, false, text};
    message.answers = answers;
    return message;
  };
  // B's clock is late: its answer is dated before the question.
  std::vector<StoredGroupMessage> all{said(1, 500, 1, "question"),
                                      said(2, 100, 1, "answer", Answered{author(1), 500}),
                                      said(2, 110, 2, "and more"), said(3, 300, 1, "else"),
                                      said(3, 310, 2, "of what is not here", Answered{author(4), 1})};
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    std::ranges::shuffle(all, random);
    std::vector<StoredGroupMessage> shown = all;
    sort_for_display(shown, kNow);
    std::vector<std::string> texts;
    for (const auto& each : shown) texts.push_back(each.text);
    CHECK(texts == std::vector<std::string>{"else", "of what is not here", "question", "answer", "and more"});
  }
  // In a circle nothing is lost.
  std::vector<StoredGroupMessage> circle{said(1, 1, 1, "a", Answered{author(2), 2}),
                                         said(2, 2, 1, "b", Answered{author(1), 1})};
  sort_for_display(circle, kNow);
  REQUIRE(circle.size() == 2);
  CHECK(circle[0].text == "a");
}

TEST_CASE("chat: a clock that is a year ahead does not hold the end of the conversation", "[chat]") {
  constexpr int64_t kSecond = 1'000'000'000, kYear = 365ll * 86400 * kSecond;
  visor_key wrong{}, right{};
  wrong.bytes[32] = 1;
  right.bytes[32] = 2;
  auto said = [](const visor_key& who, int64_t time_ns, uint64_t number, int64_t arrived_ns,
                 const char* text) {
    return StoredGroupMessage{{who, time_ns, number}, arrived_ns, false, false, text};
  };
  std::vector<StoredGroupMessage> all{said(right, kNow - 50 * kSecond, 1, kNow - 50 * kSecond, "b"),
                                      said(wrong, kNow - 60 * kSecond, 1, kNow - 60 * kSecond, "a"),
                                      said(wrong, kNow + kYear, 2, kNow - 40 * kSecond, "c"),
                                      said(wrong, kNow - 20 * kSecond, 3, kNow - 20 * kSecond, "e"),
                                      said(right, kNow - 30 * kSecond, 2, kNow - 30 * kSecond, "d")};
  auto texts = [&](int64_t now_ns) {
    sort_for_display(all, now_ns);
    std::string out;
    for (const StoredGroupMessage& each : all) out += each.text;
    return out;
  };
  CHECK(texts(kNow) == "abcde");
  CHECK(texts(kNow + kYear) == "abdce");  // due: where it says, and its author's later ones after it
}

TEST_CASE("chat: an answer goes through its text, and what only looks like one stays text", "[chat]") {
  Author author;
  const Answered answered{author.key(), 1700000000000000001};
  std::string text = answer_text(answered, "because <b>");
  CHECK(parse_answer(text) == answered);
  CHECK(text == "because <b>");
  for (std::string other :
       {R"({"skychat_reply":1})", R"({"skychat_reply":{"to_pk":"02","to_ts_nano":1,"text":"x"}})",
        R"({"skychat_reply":{"to_ts_nano":1,"text":"x"}})", R"({"skychat_reply")", "hello"}) {
    const std::string before = other;
    CHECK_FALSE(parse_answer(other));
    CHECK(other == before);
  }
}

}  // namespace visor::chat
