/**
 * `window.skywireVisor`: what scripts and testers of such pages ask for, under the names that they know, on visor.call().
 * Everything is asynchronous.  Members of others' answers that say nothing of a program without garbage collection, routes
 * or apps are left out or empty.
 *
 *   boot([secretKey])                    the visor's key, when it runs; the page starts it by itself
 *   status()                             {pk, booted, dmsg, dmsg_sessions, dmsg_connected, tpManager, router, procManager,
 *                                        hypervisor, transports, routes}
 *   visorStats()                         JSON text: {variant, uptime_sec, pk, dmsg_sessions, transports, routes, transport_registration}
 *   tpdEdge(pk)                          JSON text: the entries that the TPD has of a visor
 *   dialTransport(pk, type[, url])       the transport's row; without an address the one that the gateway told
 *   hvApi(method, path[, body])          {status, body}: body is bytes, JSON; the paths are listed with `routes` below
 *   skychat...()                         chat, see chat/hooks.js
 *   call(instance, command[, args])      and stream(...): the visor's own (visor.d.ts)
 */
import { chatHooks } from './chat/hooks.js';
import { VisorError, status as statuses } from './visor-error.js';

const kHttpStatuses = { ENOENT: 404, EINVAL: 400, EEXIST: 409, EPERM: 403, ETIMEDOUT: 408, EAGAIN: 503, ENOSYS: 501 };

class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** A transport as hypervisors show it. */
const hypervisorRow = (pk) => (row) => ({
  id: row.id, local_pk: pk, remote_pk: row.remote, type: row.type, label: row.label, is_up: row.state === 'serving',
  log: { sent: row.sent_bytes, recv: row.received_bytes }, latency_ms: row.latency_ms,
});

export function installHooks(session) {
  const call = (...args) => {
    if (!session.visor) return Promise.reject(new VisorError(statuses.ENOENT, `the visor is ${session.phase}; await skywireVisor.boot() first`));
    return session.visor.call(...args);
  };
  const relaySessions = async () => {
    if (!session.hasInstance('dmsg')) return 0;
    const { sessions } = await call('dmsg', 'status');
    return Array.isArray(sessions) ? sessions.length : Number(sessions) || 0;
  };
  const transports = () => call('transports', 'list');

  async function visorSummary() {
    const { uptime_ms: upMs, key } = await call('kernel', 'status');
    const rows = await transports();
    return { overview: { local_pk: key, build_info: { version: 'wasm' }, transports: rows.map(hypervisorRow(key)), apps: [], routes_count: 0 },
             health: { status: session.phase === 'failed' ? 'failed' : 'connected', services_health: session.phase }, uptime: upMs / 1000, online: true, is_hypervisor: true,
             version: 'js:wasm' };
  }

  const ownOnly = (pk) => { if (pk !== session.pk) throw new HttpError(404, `visor ${pk} is not here; this one is ${session.pk}`); };
  /** [method, path, answer]: what hvApi answers. */
  const routes = [
    ['GET', /^\/api\/about$/, () => ({ public_key: session.pk, build: { version: 'wasm' } })],
    ['GET', /^\/api\/visors(?:-summary)?$/, async () => [await visorSummary()]],
    ['GET', /^\/api\/visors\/([0-9a-f]{66})(?:\/summary)?$/, async (pk) => { ownOnly(pk); return visorSummary(); }],
    ['GET', /^\/api\/visors\/([0-9a-f]{66})\/health$/, async (pk) => { ownOnly(pk); return (await visorSummary()).health; }],
    ['GET', /^\/api\/visors\/([0-9a-f]{66})\/uptime$/, async (pk) => { ownOnly(pk); return (await visorSummary()).uptime; }],
    ['GET', /^\/api\/visors\/([0-9a-f]{66})\/(?:apps|routes)$/, (pk) => { ownOnly(pk); return []; }],
    ['GET', /^\/api\/visors\/([0-9a-f]{66})\/transports$/, async (pk) => { ownOnly(pk); return (await transports()).map(hypervisorRow(pk)); }],
    ['POST', /^\/api\/visors\/([0-9a-f]{66})\/transports$/, async (pk, body) => {
      ownOnly(pk);
      return hypervisorRow(pk)(await dial(body.remote_pk, body.transport_type, body.address));
    }],
    ['DELETE', /^\/api\/visors\/([0-9a-f]{66})\/transports\/([0-9a-f-]{36})$/, (pk, id) => { ownOnly(pk); return call('transports', 'remove', { id }); }],
    ['GET', /^\/api\/([\w-]+)\/([\w-]+)$/, (instance, command, body) => call(instance, command, body)],
    ['POST', /^\/api\/([\w-]+)\/([\w-]+)$/, (instance, command, body) => call(instance, command, body)],
  ];

  function dial(pk, type, url) {
    const address = url ?? session.network?.peers?.find((peer) => peer.pk === pk && peer.type === type)?.address;
    return call('transports', 'add', { pk, type, ...(address && { address }) });
  }

  async function answer(method, path, body) {
    const pathname = path.split('?')[0];
    for (const [verb, pattern, act] of routes) {
      const match = verb === method.toUpperCase() && pathname.match(pattern);
      if (match) return act(...match.slice(1), body ? JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) : {});
    }
    throw new HttpError(404, `there is nothing at ${method} ${path}`);
  }

  window.skywireVisor = {
    async boot(secretKey) {
      await session.ready;
      if (secretKey && secretKey !== session.secretKey) throw new VisorError(statuses.EEXIST, 'the visor of another key runs; import the key in the identity window');
      return session.pk;
    },
    async status() {
      const sessions = session.visor ? await relaySessions() : 0;
      const rows = session.visor ? await transports() : [];
      return { pk: session.pk, booted: Boolean(session.visor), dmsg: session.hasInstance('dmsg'), dmsg_sessions: sessions, dmsg_connected: sessions > 0,
               tpManager: session.hasInstance('transports'), router: false, procManager: false, hypervisor: false, transports: rows.length, routes: 0 };
    },
    async visorStats() {
      const { uptime_ms: upMs } = await call('kernel', 'status');
      const { transport_registration: registration } = session.hasInstance('telemetry') ? await call('telemetry', 'status') : {};
      return JSON.stringify({ variant: 'c++ wasm', uptime_sec: upMs / 1000, pk: session.pk, dmsg_sessions: await relaySessions(), transports: (await transports()).length,
                              routes: 0, transport_registration: registration });
    },
    async tpdEdge(pk) {
      const response = await fetch(new URL(`/v3/transports/edge:${encodeURIComponent(pk)}`, new URL(session.tpd.url, location.href)));
      if (!response.ok) throw new Error(`the TPD answered ${response.status}: ${await response.text()}`);
      return response.text();
    },
    dialTransport: dial,
    async hvApi(method, path, body) {
      const bytes = (value) => new TextEncoder().encode(JSON.stringify(value) ?? '');
      try {
        return { status: 200, body: bytes(await answer(method, path, body)) };
      } catch (error) {
        return { status: error instanceof HttpError ? error.status : kHttpStatuses[error.code] ?? (error instanceof SyntaxError ? 400 : 500), body: bytes({ error: error.message }) };
      }
    },
    ...chatHooks(session.chat),
    call,
    stream: (...args) => session.visor.stream(...args),
  };
}
