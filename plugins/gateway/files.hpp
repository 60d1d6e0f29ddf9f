/* The page: a folder's files, read once and kept in memory.
 *
 * Read once, because then a request's path is looked up among known names and never becomes a path of the
 * disk, nothing blocks the loop, and a page half replaced is never served.  `gateway reload` reads again. */
#ifndef VISOR_GATEWAY_FILES_HPP
#define VISOR_GATEWAY_FILES_HPP
#include <map>
#include <memory>

#include "lib/http/server.hpp"

namespace visor::gateway {

class Files {
 public:
  static constexpr size_t kMaxFiles = 4096;
  static constexpr size_t kMaxBytes = 64u << 20; /* all together */

  /* Blocks.  Names that begin with a dot are left out; "x.br" and "x.gz" are the compressed forms of "x". */
  static Result<Files> read(const std::string& folder);

  /* Answers a request for one of the files; false, with nothing done, when there is none of that name. */
  bool answer(http::Exchange& exchange) const;

  size_t count() const { return files_.size(); }
  size_t total_bytes() const { return total_bytes_; }

 private:
  struct Form {
    std::shared_ptr<const std::string> bytes;
    std::string etag;
  };
  struct File {
    Form plain, brotli, gzip;
  };
  void join_compressed();
  static void answer_file(http::Exchange& exchange, std::string_view path, const File& file);

  std::map<std::string, File, std::less<>> files_; /* by path from the root, "/index.html" */
  size_t total_bytes_ = 0;
};

/* For a path's extension: "text/html; charset=utf-8". */
std::string_view content_type(std::string_view path);

}  // namespace visor::gateway
#endif  // VISOR_GATEWAY_FILES_HPP
