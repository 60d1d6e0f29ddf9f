/* visor/abi.h - values, host and plugin: all that a plugin needs to start.
 *
 * 1. OBJECTS   An object's first word points to a constant table of functions; a table starts with
 *              its size in bytes and capability bits.  Tables grow only at the end.  Ask
 *              VISOR_HAS() before calling anything that the table's first release did not have.
 * 2. THREADS   Everything runs on the loop thread.  Functions marked [any] do not care.
 * 3. MEMORY    Nobody frees what the other side allocated.  A span passed in is lent for the
 *              call; a span handed out is lent until the next call on the same object.
 * 4. ASYNC     A call that takes a visor_done either returns an error and never runs it, or
 *              returns VISOR_OK and runs it exactly once, from the loop, after it has returned.
 * 5. PRESSURE  VISOR_EAGAIN means "full, nothing was taken"; `ready` follows when there is room.
 *              A write that can never fit (see the interface's maximum) is VISOR_EINVAL.
 * 6. ERRORS    Negative status; its text is in host->error, one slot per kernel, valid until the
 *              next failure and throughout the done, closed or finished that reports it.  No
 *              exception, longjmp or signal crosses the boundary.
 * 7. EVENTS    Never run inside a call on the object that they are about.  Every registration
 *              returns a visor_handle; closing it ends the events, at once and for ever.
 * 8. CHANGE    A break is a new id ("visor.kv/2") served beside the old one, never an edit.
 */
#ifndef VISOR_ABI_H
#define VISOR_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define VISOR_EXPORT __declspec(dllexport)
#else
#define VISOR_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define VISOR_EXTERN extern "C"
extern "C" {
#else
#define VISOR_EXTERN extern
#endif

#define VISOR_ABI 1u /* incompatible generations; everything else is negotiated per table */

/* True when `object` is there and its table is new enough to hold `function`. */
#define VISOR_HAS(object, function)                                                           \
  ((object) != NULL &&                                                                        \
   (size_t)((const char *)(&(object)->api->function + 1) - (const char *)(object)->api) <=    \
       (object)->api->size &&                                                                 \
   (object)->api->function != NULL)

/* --- values ------------------------------------------------------------------------------- */

typedef int32_t visor_status;
enum {
  VISOR_OK = 0,
  VISOR_EINVAL = -1,    /* the caller broke the contract */
  VISOR_ENOENT = -2,    /* no such key, command, service; end of a cursor */
  VISOR_EEXIST = -3,
  VISOR_EAGAIN = -4,    /* full: nothing was taken, wait for `ready` */
  VISOR_ECANCELED = -5, /* the object was closed first */
  VISOR_ETIMEDOUT = -6,
  VISOR_EIO = -7,
  VISOR_ECORRUPT = -8,  /* stored data failed its checksum */
  VISOR_ENOSPC = -9,
  VISOR_ENOSYS = -10,   /* not supported by this provider */
  VISOR_EPERM = -11,    /* read-only view, or not allowed by the configuration */
  VISOR_ECLOSED = -12,  /* the other end has gone */
  VISOR_EPROTO = -13,   /* the peer broke the protocol */
  VISOR_EINTERNAL = -14 /* a bug; an exception stopped at the boundary */
};

/* Bytes, or UTF-8 text without a terminating NUL. */
typedef struct visor_span {
  const void *data;
  size_t size;
} visor_span;

typedef struct visor_done {
  void (*fn)(void *ctx, visor_status, void *result); /* result: what the call documents, or NULL */
  void *ctx;
} visor_done;

/* What a registration returns: a listener, a subscription, a mounted route, a watch. */
typedef struct visor_handle { const struct visor_handle_api *api; } visor_handle;
typedef struct visor_handle_api {
  uint32_t size, caps;
  void (*close)(visor_handle *);          /* no event after this returns */
  visor_span (*address)(visor_handle *);  /* listeners: what was bound, "tcp://127.0.0.1:40123" */
} visor_handle_api;

typedef struct visor_key { uint8_t bytes[33]; } visor_key; /* compressed secp256k1 public key */

/* One change to an ordered map.  Drives and feeds take the same batches.  Frozen for ever. */
typedef struct visor_op {
  uint32_t kind;
  uint32_t zero;
  visor_span key;
  visor_span value; /* empty for VISOR_DELETE */
} visor_op;
enum { VISOR_PUT = 1, VISOR_DELETE = 2 };

/* --- host: one per plugin instance, so everything asked is attributed to that plugin ------ */

enum { VISOR_TRACE = 0, VISOR_DEBUG = 1, VISOR_INFO = 2, VISOR_WARN = 3, VISOR_ERROR = 4 };

typedef struct visor_host { const struct visor_host_api *api; } visor_host;

typedef struct visor_host_api {
  uint32_t size, caps; /* every table starts so */

  /* Services.  Every capability, the host's own included, is an object found by interface id
   * (VISOR_NET_1) and name ("dmsg").  A NULL name finds the default provider, the first offered,
   * and offers under the instance's own name.  The host stops plugins in reverse order of need, so
   * what `find` returned stays valid until `watch` reports it gone (object NULL, synchronously,
   * before the provider goes) or this plugin's stop completes.  Before it stops an instance, the
   * host refuses new calls to its commands, cancels the open ones and delivers what was posted. */
  void *(*find)(visor_host *, const char *id, const char *name);
  visor_status (*offer)(visor_host *, const char *id, const char *name, void *object);
  void (*withdraw)(visor_host *, void *object);
  visor_status (*watch)(visor_host *, const char *id,
                        void (*fn)(void *ctx, const char *name, void *object), void *ctx,
                        visor_handle **);

  /* The loop. */
  uint64_t (*now)(visor_host *); /* [any] monotonic nanoseconds */
  int64_t (*time)(visor_host *); /* [any] Unix nanoseconds; both clocks are the host's, so that a
                                    simulated host can run a whole network in virtual time */
  void (*random)(visor_host *, void *bytes, size_t size); /* [any] cryptographic; seeded only in
                                    a simulated host */
  uint64_t (*timer)(visor_host *, uint64_t first_ms, uint64_t repeat_ms, void (*fn)(void *ctx),
                    void *ctx); /* a number, never reused; repeat_ms 0: once */
  void (*cancel)(visor_host *, uint64_t timer); /* harmless for one that has gone */
  void (*post)(visor_host *, void (*fn)(void *ctx), void *ctx); /* [any] run fn on the loop */
  visor_status (*work)(visor_host *, void (*fn)(void *ctx), void *ctx, visor_done); /* fn may
                              block and reports through ctx; in a bundle without threads it
                              runs on a later turn */

  /* Configuration and diagnosis. */
  visor_span (*config)(visor_host *);    /* this instance's JSON, already checked by its schema */
  visor_span (*directory)(visor_host *); /* where this instance may keep files; empty: nowhere */
  void (*log)(visor_host *, int32_t level, visor_span text); /* [any] */
  visor_status (*fail)(visor_host *, visor_status, visor_span text); /* record the text, return
                                                                        the status */
  visor_span (*error)(visor_host *); /* text of the latest failure */
} visor_host_api;

/* --- plugin ------------------------------------------------------------------------------- */

struct visor_command; /* visor/command.h */

typedef struct visor_plugin {
  uint32_t size, abi; /* sizeof(visor_plugin), VISOR_ABI */
  const char *name;   /* [a-z][a-z0-9_]*, the same as in VISOR_PLUGIN(name) */
  const char *version;
  const char *summary;
  const char *license;      /* SPDX */
  const char *schema;       /* JSON Schema of the configuration, or NULL */
  const char *const *needs;  /* interface ids that must be there first, NULL-terminated, or NULL */
  const char *const *offers; /* interface ids that it provides, likewise.  The host orders the
                                start by both, and by instance names that a configuration uses */
  const struct visor_command *commands;
  uint32_t command_count, command_size; /* stride, so that visor_command may grow */

  /* One call per configured instance; state goes in *self, never in globals.  On failure nothing
   * may be left behind, and stop is not called. */
  visor_status (*start)(visor_host *, void **self, visor_done);
  /* Cannot fail.  Withdraw, close, finish; once done has run, no code of this instance runs. */
  void (*stop)(void *self, visor_done);
  /* Optional: accept a new configuration without a restart. */
  visor_status (*configure)(void *self, visor_span json);
} visor_plugin;

/* The only symbol a plugin exports.  The same object file is linked into visor-<name>.so, where
 * the loader looks the symbol up, and into a static bundle, where a generated table refers to
 * it. */
#define VISOR_PLUGIN(name)                                      \
  VISOR_EXTERN VISOR_EXPORT const visor_plugin visor_plugin_##name; \
  const visor_plugin visor_plugin_##name
#define VISOR_PLUGIN_HEAD .size = sizeof(visor_plugin), .abi = VISOR_ABI

/* --- conveniences: no ABI, compiled into the plugin --------------------------------------- */

static inline visor_span visor_bytes(const void *data, size_t size) {
  visor_span s;
  s.data = data;
  s.size = size;
  return s;
}

#define VISOR_TEXT(literal) visor_bytes("" literal, sizeof(literal) - 1)

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* VISOR_ABI_H */
