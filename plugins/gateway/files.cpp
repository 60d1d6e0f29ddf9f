#include "files.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

#include "lib/crypto/sha256.hpp"

namespace visor::gateway {
namespace {

namespace fs = std::filesystem;

struct Type {
  std::string_view extension, type;
};
constexpr Type kTypes[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".wasm", "application/wasm"}, /* exactly so, or browsers do not compile it while it arrives */
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/plain; charset=utf-8"},
    {".xml", "application/xml"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".pdf", "application/pdf"},
};

/* "app.3f9a2c81.js": a name made from the contents, as bundlers do. */
bool named_by_contents(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  size_t last = name.rfind('.');
  size_t before = last == std::string_view::npos ? last : name.find_last_of(".-", last - 1);
  if (before == std::string_view::npos || last - before - 1 < 8) return false;
  return name.substr(before + 1, last - before - 1).find_first_not_of("0123456789abcdef") ==
         std::string_view::npos;
}

Result<std::string> read_file(const fs::path& path, size_t room) {
  std::ifstream file(path, std::ios::binary);
  std::string out;
  char piece[65536];
  while (file.read(piece, sizeof piece), file.gcount() > 0) {
    out.append(piece, static_cast<size_t>(file.gcount()));
    if (out.size() > room) {
      return failure(VISOR_ENOSPC, "the files of the page are together larger than " +
                                       std::to_string(Files::kMaxBytes >> 20) + " MiB, with " +
                                       path.string());
    }
  }
  if (!file.eof()) return failure(VISOR_EIO, "cannot read " + path.string());
  return out;
}

std::string etag_of(std::string_view bytes_of_file) {
  return "\"" + to_hex(ByteView(crypto::sha256(bytes(bytes_of_file))).first(16)) + "\"";
}

bool matches(std::string_view if_none_match, std::string_view etag) {
  /* Weak comparison (RFC 9110, 13.1.2): W/ before a tag changes nothing. */
  return http::has_token(if_none_match, etag) || http::has_token(if_none_match, "W/" + std::string(etag)) ||
         http::trim(if_none_match) == "*";
}

class Headers {
 public:
  void add(std::string_view name, std::string_view value) {
    spans_.push_back(to_span(name));
    spans_.push_back(to_span(value));
  }
  std::span<const visor_span> spans() const { return spans_; }

 private:
  std::vector<visor_span> spans_;
};

}  // namespace

std::string_view content_type(std::string_view path) {
  for (const Type& type : kTypes) {
    if (path.ends_with(type.extension)) return type.type;
  }
  return "application/octet-stream";
}

Result<Files> Files::read(const std::string& folder) {
  std::error_code failed;
  auto wrong = [&](const std::string& what) {
    return failure(VISOR_EIO, what + " \"" + folder + "\": " + failed.message() +
                                  "; set \"root\" in the gateway's configuration to the folder of the page");
  };
  fs::path root(folder);
  fs::recursive_directory_iterator at(root, failed), end;
  if (failed) return wrong("cannot read the folder");
  Files out;
  for (; at != end; at.increment(failed)) {
    if (failed) return wrong("cannot read everything in");
    if (at->path().filename().string().starts_with('.')) {
      if (at->is_directory(failed)) at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file(failed)) continue;
    if (out.files_.size() >= kMaxFiles) {
      return failure(VISOR_ENOSPC, "\"" + folder + "\" holds more than " + std::to_string(kMaxFiles) +
                                       " files; is it the folder of the page?");
    }
    auto contents = read_file(at->path(), kMaxBytes - out.total_bytes_);
    if (!contents) return std::unexpected(contents.error());
    out.total_bytes_ += contents->size();
    Form form{nullptr, etag_of(*contents)};
    form.bytes = std::make_shared<const std::string>(std::move(*contents));
    out.files_["/" + at->path().lexically_relative(root).generic_string()].plain = std::move(form);
  }
  out.join_compressed();
  return out;
}

/* A compressed form goes to the file that it is of; without one it stays a file like others. */
void Files::join_compressed() {
  for (auto [suffix, form] : {std::pair{std::string_view(".br"), &File::brotli}, {".gz", &File::gzip}}) {
    for (auto at = files_.begin(); at != files_.end();) {
      std::string_view name = at->first;
      auto base =
          name.ends_with(suffix) ? files_.find(name.substr(0, name.size() - suffix.size())) : files_.end();
      if (base == files_.end()) {
        ++at;
        continue;
      }
      base->second.*form = std::move(at->second.plain);
      at = files_.erase(at);
    }
  }
}

bool Files::answer(http::Exchange& exchange) const {
  auto path = http::percent_decode(exchange.path(), false);
  if (!path) return false;
  auto found = files_.find(path->ends_with('/') ? *path + "index.html" : *path);
  if (found == files_.end()) {
    if (!files_.contains(*path + "/index.html")) return false;
    std::string location = std::string(exchange.path()) + "/"; /* so that its relative links work */
    if (location.starts_with("//")) return false;              /* that would name another server */
    visor_span headers[] = {VISOR_TEXT("location"), to_span(std::string_view(location))};
    exchange.respond(308, headers, 2, {});
    return true;
  }
  if (exchange.method() != "GET" && exchange.method() != "HEAD") {
    exchange.add_header("Allow", "GET, HEAD");
    exchange.respond_error(405, VISOR_EINVAL, "a file is asked for with GET or HEAD");
    return true;
  }
  answer_file(exchange, found->first, found->second);
  return true;
}

void Files::answer_file(http::Exchange& exchange, std::string_view path, const File& file) {
  std::string_view encodings = exchange.header("accept-encoding");
  const Form* form = &file.plain;
  std::string_view encoding;
  if (file.brotli.bytes && http::accepts(encodings, "br")) {
    form = &file.brotli;
    encoding = "br";
  } else if (file.gzip.bytes && http::accepts(encodings, "gzip")) {
    form = &file.gzip;
    encoding = "gzip";
  }
  Headers headers;
  headers.add("etag", form->etag);
  headers.add("cache-control", named_by_contents(path) ? "public, max-age=31536000, immutable"
                                                       : "no-cache"); /* no-cache: ask */
  if (file.brotli.bytes || file.gzip.bytes) headers.add("vary", "accept-encoding");
  if (matches(exchange.header("if-none-match"), form->etag)) {
    return exchange.respond_shared(304, headers.spans(), nullptr);
  }
  headers.add("content-type", content_type(path));
  if (!encoding.empty()) headers.add("content-encoding", encoding);
  headers.add("x-content-type-options", "nosniff");
  headers.add("referrer-policy", "no-referrer");
  /* An isolated page has precise clocks and shared memory; every file says so, because a worker's does too.
   */
  headers.add("cross-origin-opener-policy", "same-origin");
  headers.add("cross-origin-embedder-policy", "require-corp");
  headers.add("cross-origin-resource-policy", "same-origin");
  headers.add("content-security-policy", "frame-ancestors 'none'");
  exchange.respond_shared(200, headers.spans(), form->bytes);
}

}  // namespace visor::gateway
