/* gzip out of parts that were compressed apart: text that changes in one place is compressed again there
 * only, and the whole is still one member (RFC 1952), which every reader takes. */
#ifndef VISOR_CODEC_GZIP_PARTS_HPP
#define VISOR_CODEC_GZIP_PARTS_HPP
#include <memory>
#include <string>
#include <string_view>

namespace visor::codec {

/* Compressed text that refers to nothing before it and ends on a byte. */
struct GzipPart {
  std::string deflated;
  uint64_t size = 0;      /* of the text */
  uint32_t crc = 0;       /* of the text */
  uint32_t crc_shift = 0; /* what joins checksums across `size` bytes */
};

/* Compresses parts; holds zlib's working memory between them. */
class GzipPartMaker {
 public:
  GzipPartMaker();
  ~GzipPartMaker();
  GzipPartMaker(const GzipPartMaker&) = delete;
  GzipPartMaker& operator=(const GzipPartMaker&) = delete;

  GzipPart make(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/* Appends one gzip member to a text, part by part: begin(), add() for each, end(). */
class GzipJoin {
 public:
  void begin(std::string& out) const;
  void add(std::string& out, const GzipPart& part);
  void end(std::string& out) const;

 private:
  uint64_t size_ = 0;
  uint32_t crc_ = 0;
};

}  // namespace visor::codec
#endif  // VISOR_CODEC_GZIP_PARTS_HPP
