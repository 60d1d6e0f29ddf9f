/* The ABI's layout, fixed: every offset, size and number that a plugin was compiled with.  It is checked when this file is
 * compiled, for 64-bit and for wasm32 alike, so sizes are in words of the machine.  Rows are appended, never edited: a
 * row that fails means that a change breaks every plugin that is out there.  Tables grow at the end, so only values, which
 * never grow, have a row for their size.  tests/sdk/abi.test.mjs sees that no field lacks its row. */
#include <stddef.h>
#include <visor/visor.h>

#define WORD sizeof(void *)
#define CONSTANT(name, value) _Static_assert((name) == (value), #name " was renumbered")
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")
#define FIELD(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
/* A table: two u32 (size, caps), then functions, a word each. */
#define TABLE(table) FIELD(table, size, 0); FIELD(table, caps, 4)
#define SLOT(table, function, index) FIELD(table, function, 8 + (index) * WORD)
/* An object: one word that points to its table. */
#define OBJECT(type) _Static_assert(sizeof(type) == WORD && offsetof(type, api) == 0, #type " is one pointer to its table")

/* --- abi.h ----------------------------------------------------------------------------------------------- */
CONSTANT(VISOR_ABI, 1);
CONSTANT(VISOR_OK, 0);
CONSTANT(VISOR_EINVAL, -1);
CONSTANT(VISOR_ENOENT, -2);
CONSTANT(VISOR_EEXIST, -3);
CONSTANT(VISOR_EAGAIN, -4);
CONSTANT(VISOR_ECANCELED, -5);
CONSTANT(VISOR_ETIMEDOUT, -6);
CONSTANT(VISOR_EIO, -7);
CONSTANT(VISOR_ECORRUPT, -8);
CONSTANT(VISOR_ENOSPC, -9);
CONSTANT(VISOR_ENOSYS, -10);
CONSTANT(VISOR_EPERM, -11);
CONSTANT(VISOR_ECLOSED, -12);
CONSTANT(VISOR_EPROTO, -13);
CONSTANT(VISOR_EINTERNAL, -14);
CONSTANT(VISOR_PUT, 1);
CONSTANT(VISOR_DELETE, 2);
CONSTANT(VISOR_TRACE, 0);
CONSTANT(VISOR_DEBUG, 1);
CONSTANT(VISOR_INFO, 2);
CONSTANT(VISOR_WARN, 3);
CONSTANT(VISOR_ERROR, 4);
OBJECT(visor_handle);
TABLE(visor_handle_api);
SLOT(visor_handle_api, close, 0);
SLOT(visor_handle_api, address, 1);
OBJECT(visor_host);
TABLE(visor_host_api);
SLOT(visor_host_api, find, 0);
SLOT(visor_host_api, offer, 1);
SLOT(visor_host_api, withdraw, 2);
SLOT(visor_host_api, watch, 3);
SLOT(visor_host_api, now, 4);
SLOT(visor_host_api, time, 5);
SLOT(visor_host_api, random, 6);
SLOT(visor_host_api, timer, 7);
SLOT(visor_host_api, cancel, 8);
SLOT(visor_host_api, post, 9);
SLOT(visor_host_api, work, 10);
SLOT(visor_host_api, config, 11);
SLOT(visor_host_api, directory, 12);
SLOT(visor_host_api, log, 13);
SLOT(visor_host_api, fail, 14);
SLOT(visor_host_api, error, 15);

/* --- command.h ------------------------------------------------------------------------------------------- */
CONSTANT(VISOR_COMMAND_READS, 1u << 0);
CONSTANT(VISOR_COMMAND_STREAMS, 1u << 1);
CONSTANT(VISOR_COMMAND_HIDDEN, 1u << 2);
OBJECT(visor_call);
TABLE(visor_call_events);
SLOT(visor_call_events, ready, 0);
SLOT(visor_call_events, canceled, 1);
TABLE(visor_call_api);
SLOT(visor_call_api, emit, 0);
SLOT(visor_call_api, finish, 1);
SLOT(visor_call_api, attach, 2);
TABLE(visor_caller);
SLOT(visor_caller, value, 0);
SLOT(visor_caller, finished, 1);
OBJECT(visor_commands);
TABLE(visor_commands_api);
SLOT(visor_commands_api, each, 0);
SLOT(visor_commands_api, call, 1);
SLOT(visor_commands_api, resume, 2);
SLOT(visor_commands_api, cancel, 3);

/* --- storage.h ------------------------------------------------------------------------------------------- */
CONSTANT(VISOR_DRIVE_DURABLE, 1u << 0);
CONSTANT(VISOR_AT_OR_AFTER, 1);
CONSTANT(VISOR_AT_OR_BEFORE, -1);
CONSTANT(VISOR_FIRST, 2);
CONSTANT(VISOR_LAST, -2);
TABLE(visor_cursor_api);
SLOT(visor_cursor_api, seek, 0);
SLOT(visor_cursor_api, step, 1);
SLOT(visor_cursor_api, close, 2);
OBJECT(visor_kv);
TABLE(visor_kv_api);
SLOT(visor_kv_api, get, 0);
SLOT(visor_kv_api, write, 1);
SLOT(visor_kv_api, cursor, 2);
SLOT(visor_kv_api, snapshot, 3);
SLOT(visor_kv_api, sync, 4);
SLOT(visor_kv_api, stats, 5);
SLOT(visor_kv_api, close, 6);
OBJECT(visor_drive);
TABLE(visor_drive_api);
SLOT(visor_drive_api, open, 0);
SLOT(visor_drive_api, erase, 1);

/* --- net.h ----------------------------------------------------------------------------------------------- */
CONSTANT(VISOR_SOCKETS_TCP, 1u << 0);
CONSTANT(VISOR_SOCKETS_WEBSOCKET, 1u << 1);
CONSTANT(VISOR_SOCKETS_LISTEN, 1u << 2);
CONSTANT(VISOR_TRANSPORT_SETTLING, 1);
CONSTANT(VISOR_TRANSPORT_SERVING, 2);
CONSTANT(VISOR_TRANSPORT_CLOSED, 3);
OBJECT(visor_identity);
TABLE(visor_identity_api);
SLOT(visor_identity_api, key, 0);
SLOT(visor_identity_api, sign, 1);
SLOT(visor_identity_api, agree, 2);
OBJECT(visor_stream);
TABLE(visor_stream_events);
SLOT(visor_stream_events, data, 0);
SLOT(visor_stream_events, ready, 1);
SLOT(visor_stream_events, closed, 2);
TABLE(visor_stream_api);
SLOT(visor_stream_api, attach, 0);
SLOT(visor_stream_api, write, 1);
SLOT(visor_stream_api, pause, 2);
SLOT(visor_stream_api, end, 3);
SLOT(visor_stream_api, close, 4);
SLOT(visor_stream_api, peer, 5);
SLOT(visor_stream_api, origin, 6);
OBJECT(visor_sockets);
TABLE(visor_sockets_api);
SLOT(visor_sockets_api, connect, 0);
SLOT(visor_sockets_api, listen, 1);
SLOT(visor_sockets_api, cancel, 2);
OBJECT(visor_fetch);
TABLE(visor_fetch_api);
SLOT(visor_fetch_api, send, 0);
SLOT(visor_fetch_api, cancel, 1);
OBJECT(visor_net);
TABLE(visor_net_api);
SLOT(visor_net_api, dial, 0);
SLOT(visor_net_api, listen, 1);
SLOT(visor_net_api, cancel, 2);
OBJECT(visor_transports);
TABLE(visor_transports_api);
SLOT(visor_transports_api, each, 0);
SLOT(visor_transports_api, watch, 1);
SLOT(visor_transports_api, save, 2);
SLOT(visor_transports_api, cancel, 3);
SLOT(visor_transports_api, remove, 4);

/* --- feed.h ---------------------------------------------------------------------------------------------- */
CONSTANT(VISOR_FEED_PARTIAL, 1u << 0);
CONSTANT(VISOR_FEED_BRANCH, 1u << 1);
OBJECT(visor_feed);
TABLE(visor_feed_events);
SLOT(visor_feed_events, changed, 0);
SLOT(visor_feed_events, closed, 1);
TABLE(visor_feed_api);
SLOT(visor_feed_api, write, 0);
SLOT(visor_feed_api, get, 1);
SLOT(visor_feed_api, cursor, 2);
SLOT(visor_feed_api, subscribe, 3);
SLOT(visor_feed_api, pause, 4);
SLOT(visor_feed_api, admit, 5);
SLOT(visor_feed_api, close, 6);
OBJECT(visor_feeds);
TABLE(visor_feeds_api);
SLOT(visor_feeds_api, open, 0);
SLOT(visor_feeds_api, cancel, 1);
SLOT(visor_feeds_api, announce, 2);
SLOT(visor_feeds_api, serve, 3);

/* --- http.h ---------------------------------------------------------------------------------------------- */
CONSTANT(VISOR_HTTP_PUBLIC, 1u << 0);
OBJECT(visor_exchange);
TABLE(visor_exchange_api);
SLOT(visor_exchange_api, request, 0);
SLOT(visor_exchange_api, respond, 1);
SLOT(visor_exchange_api, stream, 2);
SLOT(visor_exchange_api, upgrade, 3);
OBJECT(visor_http);
TABLE(visor_http_api);
SLOT(visor_http_api, mount, 0);

/* --- values and rows, which have no table ------------------------------------------------------------- */
SIZE(visor_span, 2 * WORD);
FIELD(visor_span, data, 0);
FIELD(visor_span, size, WORD);
SIZE(visor_done, 2 * WORD);
FIELD(visor_done, fn, 0);
FIELD(visor_done, ctx, WORD);
SIZE(visor_key, 33);
SIZE(visor_op, 8 + 4 * WORD);
FIELD(visor_op, kind, 0);
FIELD(visor_op, zero, 4);
FIELD(visor_op, key, 8);
FIELD(visor_op, value, 8 + 2 * WORD);
FIELD(visor_key, bytes, 0);
SIZE(visor_addr, 36);
FIELD(visor_addr, key, 0);
FIELD(visor_addr, port, 34);
FIELD(visor_cursor, api, 0);
FIELD(visor_cursor, key, WORD);
FIELD(visor_cursor, value, 3 * WORD);
SIZE(visor_cursor, 5 * WORD);

FIELD(visor_plugin, size, 0);
FIELD(visor_plugin, abi, 4);
FIELD(visor_plugin, name, 8);
FIELD(visor_plugin, version, 8 + WORD);
FIELD(visor_plugin, summary, 8 + 2 * WORD);
FIELD(visor_plugin, license, 8 + 3 * WORD);
FIELD(visor_plugin, schema, 8 + 4 * WORD);
FIELD(visor_plugin, needs, 8 + 5 * WORD);
FIELD(visor_plugin, offers, 8 + 6 * WORD);
FIELD(visor_plugin, commands, 8 + 7 * WORD);
FIELD(visor_plugin, command_count, 8 + 8 * WORD);
FIELD(visor_plugin, command_size, 12 + 8 * WORD);
FIELD(visor_plugin, start, 16 + 8 * WORD);
FIELD(visor_plugin, stop, 16 + 9 * WORD);
FIELD(visor_plugin, configure, 16 + 10 * WORD);

FIELD(visor_command, name, 0);
FIELD(visor_command, summary, WORD);
FIELD(visor_command, params, 2 * WORD);
FIELD(visor_command, flags, 3 * WORD);
FIELD(visor_command, zero, 4 + 3 * WORD);
FIELD(visor_command, run, 8 + 3 * WORD);

FIELD(visor_transport, size, 0);
FIELD(visor_transport, state, 4);
FIELD(visor_transport, id, 8);
FIELD(visor_transport, edges, 24);
#define AFTER_EDGES ((24 + 2 * 33 + WORD - 1) / WORD * WORD)
FIELD(visor_transport, type, AFTER_EDGES);
FIELD(visor_transport, label, AFTER_EDGES + 2 * WORD);
#define AFTER_LABEL ((AFTER_EDGES + 4 * WORD + 7) / 8 * 8)
FIELD(visor_transport, sent_bytes, AFTER_LABEL);
FIELD(visor_transport, received_bytes, AFTER_LABEL + 8);
FIELD(visor_transport, latency_min_ms, AFTER_LABEL + 16);
FIELD(visor_transport, latency_max_ms, AFTER_LABEL + 24);
FIELD(visor_transport, latency_avg_ms, AFTER_LABEL + 32);
FIELD(visor_transport, throughput_bytes_per_s, AFTER_LABEL + 40);
FIELD(visor_transport, since, AFTER_LABEL + 48);
FIELD(visor_transport, epoch, AFTER_LABEL + 56);

FIELD(visor_request, method, 0);
FIELD(visor_request, url, 2 * WORD);
FIELD(visor_request, body, 4 * WORD);
FIELD(visor_request, headers, 6 * WORD);
FIELD(visor_request, header_count, 7 * WORD);
FIELD(visor_request, timeout_ms, 8 * WORD);
FIELD(visor_request, max_body, 8 * WORD + 8);
SIZE(visor_request, 8 * WORD + 16);
FIELD(visor_response, status, 0);
FIELD(visor_response, body, WORD);
FIELD(visor_response, headers, 3 * WORD);
FIELD(visor_response, header_count, 4 * WORD);
SIZE(visor_response, 5 * WORD);

FIELD(visor_feed_options, size, 0);
FIELD(visor_feed_options, flags, 4);
FIELD(visor_feed_options, owner, 8);
FIELD(visor_feed_options, network, 8 + WORD);
FIELD(visor_feed_options, port, 8 + 3 * WORD);
FIELD(visor_feed_options, batch_ms, 12 + 3 * WORD);
FIELD(visor_feed_options, drive, 16 + 3 * WORD);

FIELD(visor_http_request, method, 0);
FIELD(visor_http_request, path, 2 * WORD);
FIELD(visor_http_request, query, 4 * WORD);
FIELD(visor_http_request, body, 6 * WORD);
FIELD(visor_http_request, origin, 8 * WORD);
FIELD(visor_http_request, headers, 10 * WORD);
FIELD(visor_http_request, header_count, 11 * WORD);
SIZE(visor_http_request, 12 * WORD);
