#include "discovery.hpp"

#include <algorithm>

#include "lib/dmsg/address.hpp"

namespace visor::dmsg_client {
namespace {

/* Streams to a discovery that every server knows, so without asking it for its own entry. */
dmsg::OpenStream open_by(Network& network, Host host, const visor_addr& to) {
  struct Dialling {
    Dialling(Network& n, Host h) : network(n), tasks(h) {}
    ~Dialling() { network.cancel_dial(number); }
    Network& network;
    Tasks tasks;
    uint64_t number = 0;
  };
  return [&network, host, to](std::function<void(Result<visor_stream*>)> done) {
    auto dialling = std::make_shared<Dialling>(network, host);
    auto begun =
        network.begin_dial(to, false, [done](Result<visor_stream*> stream) { done(std::move(stream)); });
    if (begun) {
      dialling->number = *begun;
    } else {
      dialling->tasks.post([done, error = begun.error()] { done(std::unexpected(error)); });
    }
    return dmsg::Call(std::move(dialling));
  };
}

}  // namespace

Result<std::unique_ptr<Discovery>> Discovery::make(Host host, visor_identity* identity, Network& network,
                                                   const std::string& where) {
  std::unique_ptr<dmsg::Directory> directory;
  if (where.starts_with(dmsg::kScheme)) {
    auto to = dmsg::parse_address(where, 80);
    if (!to) return std::unexpected(to.error());
    directory = dmsg::Directory::over_streams(host, *to, open_by(network, host, *to));
  } else {
    auto over_fetch = dmsg::Directory::over_fetch(host, where);
    if (!over_fetch) return std::unexpected(over_fetch.error());
    directory = std::move(*over_fetch);
  }
  return std::unique_ptr<Discovery>(new Discovery(host, identity, network, std::move(directory), where));
}

Discovery::Discovery(Host host, visor_identity* identity, Network& network,
                     std::unique_ptr<dmsg::Directory> directory, std::string where)
    : host_(host),
      network_(network),
      where_(std::move(where)),
      directory_(std::move(directory)),
      registration_(host, *identity->api->key(identity), dmsg::sign_with(host, identity), *directory_,
                    {.refresh_ms = 5 * network.config().interval_ms}) {}

void Discovery::start() {
  ask();
}

/* --- servers --- */

void Discovery::ask() {
  ++counters_.asked;
  asking_ =
      directory_->servers([this](Result<std::vector<dmsg::Entry>> servers) { got(std::move(servers)); });
}

void Discovery::got(Result<std::vector<dmsg::Entry>> servers) {
  if (!servers) {
    ++counters_.failed;
    if (counters_.problem != servers.error().text) {
      host_.warn("dmsg: no list of servers from " + where_ + " (" + servers.error().text +
                 "); it is asked again");
    }
    counters_.problem = servers.error().text;
    ask_in(retry_ms_);
    retry_ms_ = std::min(2 * retry_ms_, kMaxRetryMs);
    return;
  }
  counters_.problem.clear();
  std::vector<KnownServer> known;
  for (const dmsg::Entry& entry : *servers) {
    if (entry.server) known.push_back({entry.key, entry.server->address, entry.server->address_ws});
  }
  counters_.listed = known.size();
  /* An empty list is news of the discovery, not of the servers: soon it knows them again. */
  bool some = !known.empty();
  if (some) network_.sessions().know(std::move(known));
  if (some) retry_ms_ = kFirstRetryMs;
  ask_in(some ? network_.config().interval_ms : std::min(retry_ms_, network_.config().interval_ms));
  if (!some) retry_ms_ = std::min(2 * retry_ms_, kMaxRetryMs);
}

void Discovery::ask_in(uint64_t ms) {
  timer_ = Timer::once(host_, ms, [this] { ask(); });
}

/* --- our entry --- */

void Discovery::publish() {
  dmsg::ClientPart client;
  client.delegated_servers.emplace();
  for (const SessionPointer& session : network_.sessions().ready()) {
    client.delegated_servers->push_back(session->key());
  }
  std::ranges::sort(*client.delegated_servers);
  if (client.delegated_servers->empty() && !published_) return; /* nobody could reach us yet */
  published_ = true;
  dmsg::OwnEntry own;
  own.client = std::move(client);
  registration_.set(std::move(own));
}

void Discovery::withdraw(std::function<void()> done) {
  timer_.cancel();
  asking_ = {};
  registration_.withdraw(std::move(done));
}

}  // namespace visor::dmsg_client
