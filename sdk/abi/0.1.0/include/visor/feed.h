/* visor/feed.h - feeds: replicated, signed, ordered maps of leaves. */
#ifndef VISOR_FEED_H
#define VISOR_FEED_H
#include "net.h"
#include "storage.h"
#ifdef __cplusplus
extern "C" {
#endif

#define VISOR_FEEDS_1 "visor.feeds/1"

typedef struct visor_feed { const struct visor_feed_api *api; } visor_feed;

typedef struct visor_feed_events {
  uint32_t size, caps;
  /* A whole new root is stored; `ops` is the difference to the one before.  With
   * VISOR_FEED_PARTIAL a root is still arriving, or broke off: these verified leaves are in it,
   * and nothing is said of what is absent. */
  void (*changed)(void *ctx, visor_feed *, uint64_t sequence, uint32_t flags, const visor_op *ops,
                  size_t count);
  void (*closed)(void *ctx, visor_feed *, visor_status); /* always last */
} visor_feed_events;

enum { VISOR_FEED_PARTIAL = 1u << 0 };

typedef struct visor_feed_api {
  uint32_t size, caps;
  visor_status (*write)(visor_feed *, const visor_op *ops, size_t count, visor_done); /* merged
                          into the next root; VISOR_EPERM if not the owner */
  visor_status (*get)(visor_feed *, visor_span path, visor_span *value);
  visor_status (*cursor)(visor_feed *, visor_span prefix, visor_cursor **);
  visor_status (*subscribe)(visor_feed *, visor_span prefix, uint32_t flags,
                            const visor_feed_events *, void *ctx, visor_handle **); /* flags:
                            VISOR_FEED_PARTIAL to be told early, prefix fetched first */
  void (*pause)(visor_feed *, bool paused); /* roots are merged while paused, never dropped */
  visor_status (*admit)(visor_feed *, const visor_key *keys, size_t count); /* who may subscribe:
                          keys NULL: anybody; count 0: nobody */
  void (*close)(visor_feed *);
} visor_feed_api;

typedef struct visor_feed_options {
  uint32_t size, flags;
  const visor_key *owner; /* NULL: one's own */
  visor_span network;     /* "dmsg", "skynet", "tcp" */
  uint16_t port;          /* feeds of one owner differ by port */
  uint32_t batch_ms;      /* own feeds: how long changes are gathered before a root; 0: not */
  visor_span drive;       /* storage drive to keep it on; empty: the plugin's default */
} visor_feed_options;

typedef struct visor_feeds { const struct visor_feeds_api *api; } visor_feeds;
typedef struct visor_feeds_api {
  uint32_t size, caps;
  /* Uses any live connection to the owner, whoever opened it; dials only where there is none.
   * Result: visor_feed *. */
  visor_status (*open)(visor_feeds *, const visor_feed_options *, visor_done);
  void (*cancel)(visor_feeds *, void *done_ctx);
  /* Keep a connection to `peer`, so that it can subscribe back to what is published here; `state`
   * hears VISOR_OK when it stands and the reason each time it does not. */
  visor_status (*announce)(visor_feeds *, visor_span network, const visor_addr *peer,
                           void (*state)(void *ctx, visor_status), void *ctx, visor_handle **);
  /* Accept feed connections on a port; `fn` hears of every peer that comes and goes, so that an
   * aggregator can subscribe back. */
  visor_status (*serve)(visor_feeds *, visor_span network, uint16_t port,
                        void (*fn)(void *ctx, const visor_addr *peer, bool here), void *ctx,
                        visor_handle **);
} visor_feeds_api;

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* VISOR_FEED_H */
