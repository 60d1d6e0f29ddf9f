#include "accept.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace visor::transport_discovery {
namespace {

constexpr size_t kMaxRanges = 64;

struct Offer {
  Format format;
  std::string_view type, subtype, version;
  std::string_view content_type;
};

constexpr Offer kOffers[] = {
    {Format::kJson, "application", "json", "", "application/json"},
    {Format::kOpenMetrics, "application", "openmetrics-text", "1.0.0",
     "application/openmetrics-text; version=1.0.0; charset=utf-8"},
    {Format::kPrometheusText, "text", "plain", "0.0.4", "text/plain; version=0.0.4; charset=utf-8"},
};

struct Range {
  std::string type, subtype, version;
  int q = 1000; /* thousandths */
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// What stands before the next `end` outside of quotes; `text` is moved past it.
std::string_view take_until(std::string_view& text, char end) {
  bool quoted = false;
  size_t i = 0;
  for (; i < text.size() && (quoted || text[i] != end); ++i) {
    if (text[i] == '\\' && quoted && i + 1 < text.size()) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  std::string_view taken = text.substr(0, i);
  text.remove_prefix(std::min(text.size(), i + 1));
  return trimmed(taken);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// "0", "0.5", "1.000" in thousandths; what is none of these counts as 0: the client's wish cannot be known.
int parse_q(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  int value = (text[0] - '0') * 1000;
  if (text.size() == 1) return value;
  if (text[1] != '.' || text.size() > 5) return 0;
  int scale = 100;
  for (char c : text.substr(2)) {
    if (c < '0' || c > '9') return 0;
    value += (c - '0') * scale;
    scale /= 10;
  }
  return std::min(value, 1000);
}

std::optional<Range> parse_range(std::string_view text) {
  std::string media = lower(take_until(text, ';'));
  size_t slash = media.find('/');
  if (slash == std::string::npos) return std::nullopt;
  Range range{media.substr(0, slash), media.substr(slash + 1), "", 1000};
  while (!text.empty()) {
    std::string_view parameter = take_until(text, ';');
    std::string name = lower(trimmed(take_until(parameter, '=')));
    std::string_view value = parameter;
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (name == "q") range.q = parse_q(value);
    if (name == "version") range.version = value;
  }
  return range;
}

// How closely the range describes the offer; 0: not at all.
int specificity(const Range& range, const Offer& offer) {
  if (range.type == "*" && range.subtype == "*") return 1;
  if (range.type != offer.type) return 0;
  if (range.subtype == "*") return 2;
  if (range.subtype != offer.subtype) return 0;
  if (range.version.empty()) return 3;
  return range.version == offer.version ? 4 : 0;
}

}  // namespace

std::string_view content_type(Format format) {
  return std::ranges::find(kOffers, format, &Offer::format)->content_type;
}

std::optional<Format> negotiate(std::string_view accept) {
  if (trimmed(accept).empty()) return Format::kJson;
  int best[std::size(kOffers)] = {}, q[std::size(kOffers)] = {};
  for (size_t ranges = 0; !accept.empty() && ranges < kMaxRanges; ++ranges) {
    std::optional<Range> range = parse_range(take_until(accept, ','));
    if (!range) continue;
    for (size_t i = 0; i < std::size(kOffers); ++i) {
      int found = specificity(*range, kOffers[i]);
      if (found < best[i] || found == 0) continue;
      q[i] = found == best[i] ? std::max(q[i], range->q) : range->q;
      best[i] = found;
    }
  }
  const int* highest = std::ranges::max_element(q);
  if (*highest == 0) return std::nullopt;
  return kOffers[highest - q].format;
}

}  // namespace visor::transport_discovery
