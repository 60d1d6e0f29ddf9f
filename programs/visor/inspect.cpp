/* keygen, plugins, config: what looks and does not run. */
#include <fmt/core.h>

#include <boost/json.hpp>
#include <filesystem>

#include "kernel/native/key_file.hpp"
#include "lib/crypto/secp256k1.hpp"
#include "program.hpp"

namespace visor::programs {
namespace {

void print_entry(const kernel::Catalog::Entry& entry) {
  const visor_plugin& plugin = *entry.plugin;
  fmt::print("{} {}  {}\n  from {}, {}\n", plugin.name, plugin.version, plugin.summary, entry.origin,
             plugin.license);
  auto ids = [](const char* word, const char* const* list) {
    if (!list || !*list) return;
    fmt::print("  {}", word);
    for (; *list; ++list) fmt::print(" {}", *list);
    fmt::print("\n");
  };
  ids("needs ", plugin.needs);
  ids("offers", plugin.offers);
}

}  // namespace

int keygen(const Options& options) {
  if (std::filesystem::exists(options.file)) {
    return report(
        {VISOR_EEXIST, options.file + " exists already; a key is never overwritten, choose another file"});
  }
  auto secret = read_or_make_key(options.file);
  if (!secret) return report(secret.error());
  auto key = crypto::public_key_of(*secret);
  if (!key) return report(key.error());
  fmt::print("{}\n", to_hex(*key));
  return kDone;
}

int list_plugins(const Options& options) {
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return report(filled.error());
  for (const auto& entry : catalog.entries()) print_entry(entry);
  for (const auto& refusal : catalog.refusals()) fmt::print(stderr, "visor: {}\n", refusal.why);
  return catalog.refusals().empty() ? kDone : kFailed;
}

int print_config(const Options& options) {
  kernel::Catalog catalog;
  if (auto filled = fill_catalog(catalog, options); !filled) return report(filled.error());
  namespace json = boost::json;
  json::array rows;
  for (const auto& entry : catalog.entries()) {
    json::error_code failed;
    json::value schema =
        entry.plugin->schema ? json::parse(entry.plugin->schema, failed) : json::value(nullptr);
    rows.push_back(
        json::object{{"plugin", entry.plugin->name}, {"summary", entry.plugin->summary}, {"config", schema}});
  }
  fmt::print("{}\n", json::serialize(json::object{{"plugins", std::move(rows)}}));
  return kDone;
}

}  // namespace visor::programs
