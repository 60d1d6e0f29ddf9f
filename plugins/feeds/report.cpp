#include "report.hpp"

#include "lib/codec/queue_report.hpp"
#include "lib/codec/utf8.hpp"
#include "tree_reader.hpp"

namespace visor::feeds {
namespace {

namespace json = boost::json;

constexpr size_t kShownBytes = 64u << 10;  // of one value

double seconds_since(Host host, uint64_t then_ms) {
  return static_cast<double>(host.now_ms() - then_ms) / 1000;
}

json::object publisher_report(Host host, const Publisher& publisher) {
  const Publisher::Counters& c = publisher.counters();
  return {{"dirty", publisher.dirty()},
          {"frozen", publisher.frozen()},
          {"last_error", publisher.last_error()},
          {"seconds_since_root", seconds_since(host, publisher.published_ms())},
          {"leaves", publisher.leaves()},
          {"gathered_bytes", publisher.pending_bytes()},
          {"waiting_writes", publisher.waiting()},
          {"writes", c.writes},
          {"roots", c.roots},
          {"heartbeats", c.heartbeats},
          {"failures", c.failures}};
}

json::array branches_report(const std::vector<std::string>& branches) {
  json::array out;
  for (const std::string& branch : branches) out.push_back(json::string(printable(branch)));
  return out;
}

void put_root(json::object& out, const FeedId& id, const StoredRoot& root) {
  out["seq"] = root.record.seq;
  out["nonce"] = root.nonce;
  out["time_ns"] = root.record.time_ns;
  if (!id.branches) out["root"] = to_hex(root.record.hash);
}

json::object stored_report(const Readable& feed) {
  json::object out{{"owner", to_hex(feed.id.feed)}, {"port", feed.id.port}, {"state", "stored"}};
  put_root(out, feed.id, *feed.root());
  if (feed.id.branches) out["branches"] = branches_report(stored_branches(*feed.store, feed.id));
  return out;
}

json::object feed_report(Host host, Feed& feed) {
  json::object out{
      {"owner", to_hex(feed.id().feed)}, {"port", feed.id().port},
      {"state", feed.state()},           {"members", feed.members()},
      {"users", feed.users()},           {"seconds_since_root", seconds_since(host, feed.root_ms())},
      {"last_error", feed.last_error()}};
  if (const StoredRoot* root = feed.current()) put_root(out, feed.id(), *root);
  if (feed.of_branches()) out["branches"] = branches_report(feed.covered());
  const Feed::Counters& c = feed.counters();
  if (!feed.own()) {
    out["received"] = json::object{
        {"roots", c.roots_received},         {"roots_refused", c.roots_refused}, {"fills", c.fills},
        {"fills_broken", c.fills_broken},    {"objects", c.objects_received},    {"bytes", c.bytes_received},
        {"objects_reused", c.objects_reused}};
  }
  if (const Fill* fill = feed.fill()) {
    out["filling"] = json::object{{"seq", fill->root().root.seq},    {"objects", fill->counters().objects},
                                  {"bytes", fill->counters().bytes}, {"missing", fill->missing()},
                                  {"sources", fill->sources()},      {"checking", fill->checking()},
                                  {"streaming", fill->streaming()}};
  }
  if (Publisher* publisher = feed.publisher()) {
    out["publisher"] = publisher_report(host, *publisher);
    out["refused_subscribers"] = c.refused_subscribers;
  }
  return out;
}

json::object store_report(const Store& store) {
  const Store::Counters& c = store.counters();
  return {{"feeds", c.roots},
          {"objects", c.objects},
          {"bytes", c.bytes},
          {"unreferenced_objects", c.unreferenced},
          {"unreferenced_bytes",
           codec::queue_report(c.unreferenced_bytes, store.options().max_unreferenced_bytes)},
          {"commits", c.commits},
          {"swept_objects", c.swept}};
}

/* Feeds over TCP. */
json::value direct_report(const Service& service) {
  const DirectNet* direct = service.direct();
  if (!direct) return nullptr;
  const std::string_view address = direct->address();
  return json::object{{"address", json::string(address.data(), address.size())},
                      {"handshakes", codec::queue_report(direct->accepting(), DirectNet::kMaxAccepting)},
                      {"refused", direct->counters().refused},
                      {"failed", direct->counters().failed},
                      {"last_error", direct->counters().last_error}};
}

json::object node_report(Host host, const Node& node) {
  const NodeSettings& s = node.settings();
  const Node::Counters& c = node.counters();
  json::array own;
  for (Feed* feed : node.feeds()) {
    if (feed->own()) own.push_back(publisher_report(host, *feed->publisher()));
  }
  return {
      {"port", node.port()},
      {"feeds", node.feeds().size()},
      {"connections", codec::queue_report(node.peers().size(), s.max_connections)},
      {"handshakes", codec::queue_report(node.pending(), s.max_pending)},
      {"unfinished_bytes", codec::queue_report(node.unfinished_bytes(), s.connection.max_unfinished_bytes)},
      {"large_objects_sent", node.large_objects().objects},
      {"large_object_readers", node.large_objects().readers},
      {"accepted", c.accepted},
      {"dialed", c.dialed},
      {"refused", c.refused},
      {"closed", c.closed},
      {"last_closed", c.last_closed},
      {"publishers", std::move(own)}};
}

json::object peer_report(Host host, const Node& node, const Node::PeerInfo& peer) {
  const Connection& c = peer.connection;
  const ConnectionOptions& limits = node.settings().connection;
  return {{"peer", to_hex(c.peer())},
          {"port", node.port()},
          {"network", peer.network},
          {"origin", c.origin()},
          {"dialed", c.dialed()},
          {"ready", c.ready()},
          {"seconds", c.ready() ? seconds_since(host, c.ready_since_ms()) : 0},
          {"feeds", peer.feeds},
          {"sent_bytes", c.counters().sent_bytes},
          {"received_bytes", c.counters().received_bytes},
          {"sent_messages", c.counters().sent_messages},
          {"received_messages", c.counters().received_messages},
          {"objects_sent", c.counters().objects_sent},
          {"objects_received", c.counters().objects_received},
          {"queued_bytes", codec::queue_report(c.queued_bytes(), limits.max_control_bytes)},
          {"requests_of_peer", codec::queue_report(c.queued_requests(), limits.max_object_requests)},
          {"requests_of_ours", c.outstanding()}};
}

}  // namespace

void put_bytes(json::object& to, std::string name, std::string_view bytes_or_text) {
  if (codec::is_utf8(bytes_or_text)) {
    to[name] = json::string(bytes_or_text.data(), bytes_or_text.size());
  } else {
    to[name + "_hex"] = to_hex(bytes(bytes_or_text));
  }
}

std::string report_status(const Service& service, const Calls& calls, json::object transfers, Host host) {
  json::object stores;
  for (const auto& [drive, store] : service.stores().all()) {
    stores[drive.empty() ? "(default)" : drive] = store_report(*store);
  }
  json::array nodes;
  bool dirty = false, frozen = false;
  std::string last_error;
  for (const auto& [port, node] : service.nodes()) {
    nodes.push_back(node_report(host, *node));
    for (Feed* feed : node->feeds()) {
      const Publisher* publisher = feed->publisher();
      if (!publisher) continue;
      dirty = dirty || publisher->dirty();
      frozen = frozen || publisher->frozen();
      if (!publisher->last_error().empty()) last_error = publisher->last_error();
    }
  }
  return json::serialize(
      json::object{{"key", to_hex(service.own())},
                   {"dirty", dirty},
                   {"frozen", frozen},
                   {"last_error", last_error},
                   {"open_feeds", service.open_feeds()},
                   {"opening", codec::queue_report(service.opening(), Service::kMaxOpening)},
                   {"calls", codec::queue_report(calls.open(), Calls::kMaxCalls)},
                   {"transfers", std::move(transfers)},
                   {"direct", direct_report(service)},
                   {"stores", std::move(stores)},
                   {"ports", std::move(nodes)}});
}

std::string report_list(const Service& service, Host host) {
  json::array feeds;
  for (const auto& [port, node] : service.nodes()) {
    for (Feed* feed : node->feeds()) feeds.push_back(feed_report(host, *feed));
  }
  for (const Readable& feed : service.only_stored()) feeds.push_back(stored_report(feed));
  return json::serialize(json::object{{"feeds", std::move(feeds)}});
}

std::string report_peers(const Service& service, Host host) {
  json::array connections, wanted;
  for (const auto& [port, node] : service.nodes()) {
    for (const Node::PeerInfo& peer : node->peers()) connections.push_back(peer_report(host, *node, peer));
    for (const auto& [key, link] : node->links()) {
      wanted.push_back(json::object{{"peer", to_hex(key)},
                                    {"port", port},
                                    {"connected", link->is_up()},
                                    {"dialing", link->dialing()},
                                    {"failures", link->failures()},
                                    {"last_error", link->last_error()}});
    }
  }
  return json::serialize(
      json::object{{"connections", std::move(connections)}, {"wanted", std::move(wanted)}});
}

Result<std::string> report_tree(const Readable& feed, std::string_view prefix, size_t limit) {
  if (Result<std::vector<std::string_view>> names = split_path(prefix); !names) {
    return std::unexpected(names.error());
  }
  json::array leaves;
  bool more = false;
  const StoredRoot* root = feed.root();
  TreeCursor cursor(*feed.store, root ? root->top : Hash{}, prefix);
  for (Result<bool> found = cursor.first();; found = cursor.next()) {
    if (!found) return std::unexpected(found.error());
    if (!*found) break;
    more = leaves.size() == limit;
    if (more) break;
    json::object leaf;
    put_bytes(leaf, "path", cursor.path());
    leaf["bytes"] = cursor.value().size();
    leaves.push_back(std::move(leaf));
  }
  json::object out{{"leaves", std::move(leaves)}, {"more", more}};
  if (root) out["seq"] = root->record.seq;
  return json::serialize(out);
}

Result<std::string> report_leaf(const Readable& feed, std::string_view path) {
  const StoredRoot* root = feed.root();
  Result<Found> found = root ? find(*feed.store, root->top, path) : Found{};
  if (!found) return std::unexpected(found.error());
  if (found->what != Found::kLeaf) {
    return failure(VISOR_ENOENT, "the feed has no leaf '" + printable(path) + "'; `tree` shows what it has");
  }
  json::object out;
  put_bytes(out, "path", path);
  out["bytes"] = found->leaf.size();
  put_bytes(out, "value", text(found->leaf.first(std::min(found->leaf.size(), kShownBytes))));
  out["seq"] = root->record.seq;
  return json::serialize(out);
}

}  // namespace visor::feeds
