// What peers ask of a node (specification cxo.md, 8.4 and 8.5).
#include "extension.hpp"
#include "lib/codec/endian.hpp"
#include "node.hpp"

namespace visor::feeds {
namespace {

constexpr uint8_t kObjectType = 13;

/* The feed that a message names, if it names one and is answered here. */
const visor_key* subject(const Message& message) {
  if (const auto* m = std::get_if<Sub>(&message)) return &m->feed;
  if (const auto* m = std::get_if<Unsub>(&message)) return &m->feed;
  if (const auto* m = std::get_if<RqPreview>(&message)) return &m->feed;
  return nullptr;
}

}  // namespace

void Node::connection_message(Connection& connection, uint32_t seq, const Message& message) {
  const visor_key* owner = subject(message);
  if (owner && *owner == visor_key{}) {
    return connection.close(
        {VISOR_EPROTO, "the peer broke the protocol: " + std::string(name_of(message)) + " of no feed"});
  }
  if (std::holds_alternative<Sub>(message)) {
    Feed* feed = find(*owner);
    return feed ? feed->subscribed(connection, seq) : connection.send(Err{"do not share the feed"}, seq);
  }
  if (std::holds_alternative<Unsub>(message)) {
    if (Feed* feed = find(*owner)) feed->unsubscribed(connection);
    return;
  }
  if (const auto* push = std::get_if<RootPush>(&message)) {
    if (Feed* feed = find(push->feed)) feed->root_arrived(connection, *push);
    return;
  }
  if (std::holds_alternative<RqList>(message)) return requested_list(connection, seq);
  if (std::holds_alternative<RqPreview>(message)) return requested_preview(connection, seq, *owner);
  if (std::holds_alternative<RqPeers>(message)) return connection.send(Err{"not in swarm"}, seq);
}

void Node::connection_extended(Connection& connection) {
  // Feeds that were asked for before this was known.
  for (Feed* feed : std::vector<Feed*>(peer_of(connection).feeds)) feed->connection_extended(connection);
}

void Node::connection_extension(Connection& connection, ByteView message) {
  auto broken = [&](const Error& why) {
    connection.close({VISOR_EPROTO, "the peer broke the protocol: " + why.text});
  };
  if (message[0] == kFollowType) {
    Result<Follow> follow = decode_follow(message.subspan(1));
    if (!follow) return broken(follow.error());
    if (Feed* feed = find(follow->feed)) feed->follow_asked(connection, *follow);
    return;
  }
  Result<StreamMessage> read = decode_stream_message(message);
  if (!read) return broken(read.error());
  const Peer& peer = peer_of(connection);
  auto found = peer.followed.find(read->head.number);
  // One that is followed no more, or under another number.
  if (found != peer.followed.end()) found->second->stream_arrived(connection, *read);
}

void Node::requested_list(Connection& connection, uint32_t seq) {
  if (!settings_.is_public) return connection.send(Err{"not a public server"}, seq);
  FeedList list;
  for (const auto& [owner, used] : feeds_) {
    if (used.feed->admits(connection.peer())) list.feeds.push_back(owner);
  }
  connection.send(list, seq);
}

void Node::requested_preview(Connection& connection, uint32_t seq, const visor_key& owner) {
  Feed* feed = find(owner);
  if (!feed || feed->of_branches() || !feed->admits(connection.peer()))
    return connection.send(Err{"no such feed"}, seq);
  Result<SignedRoot> root = feed->store()->load(feed->id());
  if (!root) return connection.send(Err{"not found"}, seq);
  peer_of(connection).previewed = true;
  connection.send(RootPush{owner, root->root.nonce, root->root.seq, root->encoded, root->signature}, seq);
}

/* Objects are for those who may read a feed here.  One that is not stored may be on its way to us. */
Result<std::optional<ByteView>> Node::connection_object(Connection& connection, uint32_t seq,
                                                        const Hash& hash) {
  const Peer& peer = peer_of(connection);
  const auto none = [&] { return failure(VISOR_ENOENT, "no object " + to_hex(hash)); };
  if (peer.feeds.empty() && !peer.previewed) return none();
  for (const auto& store : stores_) {
    Result<ByteView> object = store->read_any(hash);
    if (object && !object->empty()) return std::optional(*object);
  }
  for (Feed* feed : peer.feeds) {
    if (!feed->fill()) continue;
    ByteView object = feed->fill()->held(hash);
    if (!object.empty()) return std::optional(object);
  }
  for (Feed* feed : peer.feeds) {
    if (feed->fill() && feed->fill()->wait(connection, seq, hash)) return std::nullopt;
  }
  return none();
}

std::shared_ptr<const Bytes> Node::connection_large_object(const Hash& hash, ByteView object) {
  std::weak_ptr<const Bytes>& known = large_[hash];
  if (auto message = known.lock()) return message;
  Bytes message{kObjectType};
  message.reserve(5 + object.size());
  codec::append_le<uint32_t>(message, static_cast<uint32_t>(object.size()));
  codec::append(message, object);
  auto shared = std::make_shared<const Bytes>(std::move(message));
  known = shared;
  return shared;
}

}  // namespace visor::feeds
