/* gzip, and the framing of feed leaves: version byte | gzip of the payload (specification cxo.md, 4.4). */
#ifndef VISOR_CODEC_GZIP_HPP
#define VISOR_CODEC_GZIP_HPP
#include <visor/value.hpp>

namespace visor::codec {

/* One gzip member (RFC 1952) without a time or a file name: the same input always gives the same bytes.
 * Empty input gives empty output. */
Bytes gzip(ByteView data);

/* Strict: all of `data` must be gzip members, each whole, together inflating to at most `max_bytes`.
 * VISOR_EPROTO when it is not gzip, is cut or is damaged; VISOR_ENOSPC when it inflates to more. */
Result<Bytes> inflate_gzip(ByteView data, size_t max_bytes);

/* Lenient, as leaves are read: what is not sound gzip is returned unchanged.  VISOR_ENOSPC when it inflates
 * to more than `max_bytes`. */
Result<Bytes> gunzip(ByteView data, size_t max_bytes);

struct VersionedPayload {
  uint8_t version = 0;
  Bytes payload;
};

Bytes frame_gzip(uint8_t version, ByteView payload);

/* VISOR_EPROTO when `frame` is empty, VISOR_ENOSPC as gunzip().  The caller checks the version. */
Result<VersionedPayload> unframe_gzip(ByteView frame, size_t max_bytes);

}  // namespace visor::codec
#endif  // VISOR_CODEC_GZIP_HPP
