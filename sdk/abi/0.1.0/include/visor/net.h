/* visor/net.h - identity, streams, sockets, networks, transports.  One stream interface serves a
 * raw socket, a relayed stream and everything between. */
#ifndef VISOR_NET_H
#define VISOR_NET_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

/* --- identity: the secret key never leaves the host ---------------------------------------- */

#define VISOR_IDENTITY_1 "visor.identity/1"

typedef struct visor_identity { const struct visor_identity_api *api; } visor_identity;
typedef struct visor_identity_api {
  uint32_t size, caps;
  const visor_key *(*key)(visor_identity *); /* [any] */
  visor_status (*sign)(visor_identity *, const uint8_t digest[32],
                       uint8_t signature[65]); /* [any] recoverable: r, s (low), recovery id */
  visor_status (*agree)(visor_identity *, const visor_key *peer,
                        uint8_t secret[32]); /* [any] SHA-256 of the compressed shared point */
} visor_identity_api;

/* --- streams ------------------------------------------------------------------------------- */

typedef struct visor_addr {
  visor_key key;
  uint16_t port;
} visor_addr;

typedef struct visor_stream { const struct visor_stream_api *api; } visor_stream;

typedef struct visor_stream_events {
  uint32_t size, caps;
  void (*data)(void *ctx, visor_stream *, visor_span); /* size 0: the peer will send no more */
  void (*ready)(void *ctx, visor_stream *); /* after VISOR_EAGAIN: half of the queue is free */
  void (*closed)(void *ctx, visor_stream *, visor_status); /* always last; the stream is gone */
} visor_stream_events;

typedef struct visor_stream_api {
  uint32_t size, caps;
  void (*attach)(visor_stream *, const visor_stream_events *, void *ctx); /* nothing flows before;
                again: the newest events hear it from now on, so a stream can be handed on; NULL:
                nobody listens, and a stream closed so is gone at once.  Who is handed a stream
                attaches to it or closes it */
  visor_status (*write)(visor_stream *, const visor_span *parts, size_t count); /* all or none,
                                                                                   <= 1 MiB */
  void (*pause)(visor_stream *, bool paused); /* stop `data`; the peer sees the pressure.  A tab's
                WebSocket cannot stop its peer: what it holds is bounded by the windows of the
                multiplexer above it, and closed when a peer ignores them */
  void (*end)(visor_stream *);   /* no more writes; what is queued still goes */
  void (*close)(visor_stream *); /* now; leads to `closed` */
  const visor_addr *(*peer)(visor_stream *); /* authenticated; NULL on a raw socket */
  visor_span (*origin)(visor_stream *); /* where it comes from, for logs and limits: "[::1]:4242" */
} visor_stream_api;

/* --- sockets: the host's own, the only way to the outside -------------------------------------
 * Natively over libuv, in a tab over the browser's WebSocket, in the simulated host over a
 * simulated network, so that all code above runs unchanged in each. */

#define VISOR_SOCKETS_1 "visor.sockets/1"
enum { VISOR_SOCKETS_TCP = 1u << 0, VISOR_SOCKETS_WEBSOCKET = 1u << 1, VISOR_SOCKETS_LISTEN = 1u << 2 };

typedef struct visor_sockets { const struct visor_sockets_api *api; } visor_sockets;
typedef struct visor_sockets_api {
  uint32_t size, caps; /* caps: VISOR_SOCKETS_* */
  visor_status (*connect)(visor_sockets *, visor_span url, visor_done); /* result: visor_stream *;
                 "tcp://host:port"; in a tab "ws://" and "wss://", binary messages as bytes */
  visor_status (*listen)(visor_sockets *, visor_span url, void (*fn)(void *ctx, visor_stream *),
                         void *ctx, visor_handle **); /* "tcp://127.0.0.1:0" */
  void (*cancel)(visor_sockets *, void *done_ctx); /* a connect under way: its done runs, later,
                                       with VISOR_ECANCELED and never with a stream */
} visor_sockets_api;

/* --- fetch: one HTTP request; the browser's in a tab, lib/http over sockets natively --------- */

#define VISOR_FETCH_1 "visor.fetch/1"

typedef struct visor_request {
  visor_span method, url, body;
  const visor_span *headers; /* name, value, name, value ... */
  size_t header_count;       /* spans, so twice the number of headers */
  uint64_t timeout_ms, max_body;
} visor_request;

typedef struct visor_response { /* lent for the callback */
  int32_t status;
  visor_span body;
  const visor_span *headers;
  size_t header_count;
} visor_response;

typedef struct visor_fetch { const struct visor_fetch_api *api; } visor_fetch;
typedef struct visor_fetch_api {
  uint32_t size, caps;
  visor_status (*send)(visor_fetch *, const visor_request *, visor_done); /* visor_response * */
  void (*cancel)(visor_fetch *, void *done_ctx);
} visor_fetch_api;

/* --- networks -------------------------------------------------------------------------------- */

#define VISOR_NET_1 "visor.net/1" /* offered under the network's name: "dmsg", "skynet" */

typedef struct visor_net { const struct visor_net_api *api; } visor_net;
typedef struct visor_net_api {
  uint32_t size, caps;
  visor_status (*dial)(visor_net *, const visor_addr *, visor_done); /* result: visor_stream * */
  visor_status (*listen)(visor_net *, uint16_t port, void (*fn)(void *ctx, visor_stream *),
                         void *ctx, visor_handle **);
  void (*cancel)(visor_net *, void *done_ctx); /* a dial under way: as for sockets */
} visor_net_api;

/* --- transports: what the telemetry measures ------------------------------------------------ */

#define VISOR_TRANSPORTS_1 "visor.transports/1"

enum { VISOR_TRANSPORT_SETTLING = 1, VISOR_TRANSPORT_SERVING = 2, VISOR_TRANSPORT_CLOSED = 3 };

typedef struct visor_transport { /* lent; grows at the end, so look at size */
  uint32_t size, state;
  uint8_t id[16];
  visor_key edges[2]; /* ascending */
  visor_span type, label;
  uint64_t sent_bytes, received_bytes;                         /* payload, since it was created */
  double latency_min_ms, latency_max_ms, latency_avg_ms;      /* 0: not measured yet */
  double throughput_bytes_per_s;                               /* observed high-water mark */
  int64_t since;                                               /* Unix nanoseconds */
  uint64_t epoch; /* differs when the counters began anew */
} visor_transport;

typedef struct visor_transports { const struct visor_transports_api *api; } visor_transports;
typedef struct visor_transports_api {
  uint32_t size, caps;
  void (*each)(visor_transports *, void (*fn)(void *ctx, const visor_transport *), void *ctx);
  visor_status (*watch)(visor_transports *, void (*changed)(void *ctx), void *ctx, visor_handle **);
  visor_status (*save)(visor_transports *, const visor_key *remote, visor_span type,
                       visor_span address, visor_span label, visor_done); /* address "ws://h:p/path",
                       "tcp://h:p", empty: resolve; result: const visor_transport * */
  void (*cancel)(visor_transports *, void *done_ctx);
  visor_status (*remove)(visor_transports *, const uint8_t id[16]);
} visor_transports_api;

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* VISOR_NET_H */
