/* visor/storage.h - storage drives: ordered key-value maps. */
#ifndef VISOR_STORAGE_H
#define VISOR_STORAGE_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

#define VISOR_DRIVE_1 "visor.drive/1" /* offered under the instance's name, e.g. "disk" */
enum { VISOR_DRIVE_DURABLE = 1u << 0 }; /* caps: survives the process */

typedef struct visor_cursor { /* key and value are plain fields: one call per entry, not three */
  const struct visor_cursor_api *api;
  visor_span key, value; /* lent until the next call on this cursor */
} visor_cursor;

typedef struct visor_cursor_api {
  uint32_t size, caps;
  visor_status (*seek)(visor_cursor *, visor_span key, int32_t how); /* VISOR_ENOENT: nothing */
  visor_status (*step)(visor_cursor *, int32_t direction); /* +1 or -1; VISOR_ENOENT at the end */
  void (*close)(visor_cursor *);
} visor_cursor_api;
enum { VISOR_AT_OR_AFTER = 1, VISOR_AT_OR_BEFORE = -1, VISOR_FIRST = 2, VISOR_LAST = -2 };

typedef struct visor_kv { const struct visor_kv_api *api; } visor_kv;

typedef struct visor_kv_api {
  uint32_t size, caps;
  visor_status (*get)(visor_kv *, visor_span key, visor_span *value);
  visor_status (*write)(visor_kv *, const visor_op *ops, size_t count); /* all or none, in order,
                                                       visible on return, durable after sync;
                                                       a key <= 64 KiB, a value <= 64 MiB */
  visor_status (*cursor)(visor_kv *, visor_cursor **); /* sees the map as it is now */
  visor_status (*snapshot)(visor_kv *, visor_kv **);   /* a read-only visor_kv; close releases it */
  visor_status (*sync)(visor_kv *, visor_done); /* everything written before this is durable */
  visor_status (*stats)(visor_kv *, visor_span *json); /* {"bytes":..}, "keys" where they are known
                                                       without a scan; more welcome */
  void (*close)(visor_kv *); /* closes its cursors and snapshots too */
} visor_kv_api;

typedef struct visor_drive { const struct visor_drive_api *api; } visor_drive;

typedef struct visor_drive_api {
  uint32_t size, caps;
  visor_status (*open)(visor_drive *, visor_span name, visor_done); /* result: visor_kv *, created
                          if missing; VISOR_EEXIST while somebody has it open; a name has 1 to 200
                          bytes */
  visor_status (*erase)(visor_drive *, visor_span name, visor_done); /* VISOR_EEXIST while open; one
                          that is missing is erased already */
} visor_drive_api;

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* VISOR_STORAGE_H */
