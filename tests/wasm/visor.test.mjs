// The module of a tab under Node, through what pages use (web/visor.js), against a real WebSocket server.
import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ModuleHost } from '../../web/visor-host.js';
import { boot, Visor, VisorError } from '../../web/visor.js';

const { WebSocket, WebSocketServer } = await import(new URL('../../web/node_modules/ws/wrapper.mjs', import.meta.url));
const bundle = await WebAssembly.compile(fs.readFileSync(process.env.VISOR_WASM));
const probe = await WebAssembly.compile(fs.readFileSync(process.env.VISOR_PROBE_WASM));
const status = { EINVAL: -1, EAGAIN: -4, ECANCELED: -5, EPROTO: -13, ECLOSED: -12 };

/** A visor that is stopped when the test ends. */
async function start(t, options) {
  const visor = await boot({ WebSocket, config: { plugins: [] }, ...options });
  t.after(() => visor.stop());
  return visor;
}

function bootProbe(t, options) {
  return start(t, { wasm: probe, config: { plugins: [{ plugin: 'probe' }] }, ...options });
}

/** Tells each value of a command; its last when it has finished. */
async function follow(visor, instance, command, args, onValue, options) {
  let last;
  for await (last of visor.stream(instance, command, args, options)) onValue(last);
  return last;
}

/** A server, and the connection that comes next. */
async function listen(t) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const accepted = once(server, 'connection').then(([connection]) => connection);
  return { url: `ws://127.0.0.1:${server.address().port}/skywire`, accepted };
}

/** The probe's socket: the events so far, and waiting for one. */
function openSocket(host, url) {
  const events = [];
  const waiting = [];
  const finished = follow(host, 'probe', 'open', { url }, (event) => {
    events.push(event);
    for (const look of waiting.splice(0)) look();
  });
  const until = async (wanted) => {
    for (;;) {
      const found = events.find((event) => event.event === wanted);
      if (found) return found;
      await new Promise((resolve) => { waiting.push(resolve); });
    }
  };
  return { events, finished, until };
}

/** The probe's socket to a server, open, and the server's side of it. */
async function connect(t, host) {
  const { url, accepted } = await listen(t);
  const socket = openSocket(host, url);
  const peer = await accepted;
  const opened = await socket.until('open');
  return { url, socket, peer, opened };
}

test('the bundle boots, and its key is that of the secret it was given', async (t) => {
  const secretKey = '1f'.repeat(32);
  const host = await start(t, { wasm: bundle, config: { plugins: [{ plugin: 'storage_memory' }] }, secretKey });
  const { pk } = host;
  const curve = createECDH('secp256k1');
  curve.setPrivateKey(Buffer.from(secretKey, 'hex'));
  assert.equal(pk, curve.getPublicKey('hex', 'compressed'));

  const report = await host.call('kernel', 'status');
  assert.equal(report.key, pk);
  assert.equal(report.state, 'running');
  assert.deepEqual(report.instances.map(({ name, state }) => [name, state]), [['storage_memory', 'running']]);
  const { plugins } = await host.call('kernel', 'plugins');
  assert.ok(plugins.length >= 1, JSON.stringify(plugins));
});

test('without a secret each visor draws its own key', async (t) => {
  const keys = [];
  for (let i = 0; i < 2; ++i) {
    keys.push((await start(t, { wasm: bundle })).pk);
  }
  assert.notEqual(keys[0], keys[1]);
});

test('what is wrong at the start is said, and a right start of the same module follows', async (t) => {
  const host = await ModuleHost.load({ wasm: bundle, WebSocket });
  t.after(() => host.stop());
  const visor = new Visor(host, '');
  const refused = async (options, code, words) => {
    await assert.rejects(host.boot(options), (error) => error.code === code && words.test(error.message));
  };
  await refused({ config: { plugins: [{ plugin: 'storage_memroy' }] } }, 'EINVAL', /storage_memory/);
  await refused({ config: { plugin: [] } }, 'EINVAL', /plugins/);
  await refused({ config: { plugins: [] }, secretKey: '00'.repeat(32) }, 'EINVAL', /key/);
  await refused({ config: { plugins: [] }, secretKey: 'abc' }, 'EINVAL', /64 hex digits/);
  await refused({}, 'EINVAL', /expected \{"config"/);
  await refused({ config: { plugins: [], text: 'x'.repeat(17 << 20) } }, 'EINVAL', /too long/);

  await host.boot({ config: { plugins: [] } });
  await refused({ config: { plugins: [] } }, 'EEXIST', /runs already/);
  await host.stop();
  await assert.rejects(visor.call('kernel', 'status'), { code: 'ENOENT' });
  await host.boot({ config: { plugins: [] } });
  assert.equal((await visor.call('kernel', 'status')).state, 'running');
});

test('boot() finds the module in a file, and says what is wrong', async (t) => {
  const visor = await start(t, { wasm: pathToFileURL(process.env.VISOR_WASM) });
  assert.match(visor.pk, /^0[23][0-9a-f]{64}$/);
  await assert.rejects(boot({ wasm: bundle, config: { plugins: [{ plugin: 'nothing' }] } }), (error) =>
    error instanceof VisorError && error.status === status.EINVAL && error.code === 'EINVAL' && /there is no plugin/.test(error.message));
  for (const absent of [pathToFileURL('/no/such/visor.wasm'), 'no/such/visor.wasm']) {
    await assert.rejects(boot({ wasm: absent, config: { plugins: [] } }), (error) =>
      error instanceof VisorError && error.code === 'EIO' && /ENOENT/.test(error.message));
  }
  await start(t, { wasm: path.relative('.', process.env.VISOR_WASM) });
  await assert.rejects(boot({ wasm: bundle, config: { plugins: 5n } }), { name: 'VisorError', code: 'EINVAL' });
});

test('a command that is not there, or is called wrongly, is refused with the reason', async (t) => {
  const host = await bootProbe(t);
  await assert.rejects(host.call('nobody', 'status'), { code: 'ENOENT' });
  await assert.rejects(host.call('kernel', 'statsu'), (error) => error.code === 'ENOENT' && /status/.test(error.message));
  await assert.rejects(host.call('kernel', 'log', { tail: -1 }), { code: 'EINVAL' });
  await assert.rejects(host.call('kernel', 'log', 'x'.repeat(17 << 20)), { code: 'EINVAL' });
  await assert.rejects(host.call('kernel', 'log', { tail: 5n }), { name: 'VisorError', code: 'EINVAL' });
});

test('log records reach the host', async (t) => {
  const records = [];
  const { pk } = await start(t, { wasm: bundle, onLog: (record) => records.push(record) });
  const last = records.at(-1);
  assert.equal(last.instance, 'kernel');
  assert.equal(last.level, 'info');
  assert.ok(last.text.includes(pk), last.text);
  assert.ok(Math.abs(Date.parse(last.time) - Date.now()) < 60000, last.time);
});

const openCalls = async (visor) => (await visor.call('kernel', 'status')).calls.open - 1; // less the one that asks

test('calls and streams that are aborted end', async (t) => {
  const host = await bootProbe(t);
  const abort = new AbortController();
  const following = follow(host, 'kernel', 'log', {}, () => abort.abort(), { signal: abort.signal });
  await assert.rejects(following, { name: 'VisorError', code: 'ECANCELED', status: status.ECANCELED });
  await assert.rejects(host.call('kernel', 'log', {}, { signal: AbortSignal.abort() }), { code: 'ECANCELED' });
  await assert.rejects(host.stream('kernel', 'log', {}, { signal: AbortSignal.abort() }).next(), { code: 'ECANCELED' });
  assert.equal(await openCalls(host), 0);
});

test('a loop over a stream that is left ends the command', async (t) => {
  const host = await bootProbe(t);
  for await (const { n } of host.stream('probe', 'count', { to: 1e6 })) {
    if (n === 500) break;
  }
  assert.equal(await openCalls(host), 0);
  await assert.rejects(follow(host, 'kernel', 'log', {}, () => { throw new Error('listener'); }), /listener/);
  assert.equal(await openCalls(host), 0);

  const never = host.stream('kernel', 'log');
  await never.return();
  assert.deepEqual(await never.next(), { done: true, value: undefined });

  const waiting = host.stream('kernel', 'log', { tail: 0 });
  const next = waiting.next();
  assert.equal(await openCalls(host), 1);
  assert.deepEqual(await waiting.return('left'), { done: true, value: 'left' });
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.equal(await openCalls(host), 0);
});

test('a stream that fails throws once, then is over', async (t) => {
  const host = await bootProbe(t);
  const stream = host.stream('kernel', 'log', { tail: -1 });
  await assert.rejects(stream.next(), { code: 'EINVAL' });
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  await assert.rejects(host.stream('kernel', 'log', { tail: 1n }).next(), { name: 'VisorError', code: 'EINVAL' });
  assert.deepEqual(await host.call('kernel', 'log', { tail: 0, follow: false }), undefined);
});

test('a reader that takes its time holds the command back, and gets every value in order', async (t) => {
  const host = await bootProbe(t);
  const to = 20000;
  let taken = 0;
  let furthest = 0;
  for await (const { n } of host.stream('probe', 'count', { to })) {
    assert.equal(n, taken++);
    if (taken % 1000 !== 1) continue;
    await new Promise((resolve) => { setImmediate(resolve); });
    const { next } = await host.call('probe', 'counted');
    furthest = Math.max(furthest, next - taken);
  }
  assert.equal(taken, to);
  assert.ok(furthest > 0 && furthest <= 64 + 256, `the command was ${furthest} values ahead`);
  assert.deepEqual(await host.call('probe', 'count', { to }), { n: to - 1 }, 'a call gives the last');
});

test('readers that ask for several values at once get them in order', async (t) => {
  const host = await bootProbe(t);
  const stream = host.stream('probe', 'count', { to: 3 });
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => stream.next()));
  assert.deepEqual(results.map(({ value }) => value?.n), [0, 1, 2, undefined, undefined]);
  assert.deepEqual(results.map(({ done }) => done), [false, false, false, true, true]);
});

test('timers come when they are due, not before', async (t) => {
  const host = await bootProbe(t);
  const times = [];
  await follow(host, 'probe', 'tick', { ms: 20, times: 5 }, ({ ms }) => times.push(ms));
  assert.equal(times.length, 5);
  times.forEach((ms, i) => assert.ok(ms >= 20 * (i + 1), `tick ${i} after ${ms} ms`));
});

test('a WebSocket carries bytes both ways and ends in order', async (t) => {
  const host = await bootProbe(t);
  const { url, socket, peer, opened } = await connect(t, host);
  assert.equal(opened.origin, url);

  const message = once(peer, 'message');
  assert.deepEqual(await host.call('probe', 'write', { bytes: 3, times: 2 }), { accepted: 2, status: 0 });
  const [data, binary] = await message;
  assert.ok(binary);
  assert.deepEqual([...data], [0, 1, 2, 0, 1, 2], 'writes of one turn are one message');

  peer.send(Buffer.from([7, 8, 9]));
  const { hex, size } = await socket.until('data');
  assert.deepEqual([hex, size], ['070809', 3]);

  peer.close(1000);
  await socket.finished;
  assert.deepEqual(socket.events.slice(-2), [{ event: 'end' }, { event: 'closed', status: 0, text: '' }]);
  assert.deepEqual(await host.call('probe', 'write', { bytes: 1, times: 1 }), { accepted: 0, status: status.ECLOSED });
});

test('an end that the visor says lets what was written go first', async (t) => {
  const host = await bootProbe(t);
  const { socket, peer } = await connect(t, host);
  let received = 0;
  peer.on('message', (data) => { received += data.length; });
  const closed = once(peer, 'close');
  await host.call('probe', 'write', { bytes: 1 << 20, times: 1 });
  await host.call('probe', 'end');
  assert.equal((await closed)[0], 1000);
  assert.equal(received, 1 << 20);
  await socket.finished;
  assert.equal(socket.events.at(-1).status, 0);
});

test('a connection that breaks is told from one that ends', async (t) => {
  const host = await bootProbe(t);
  const { url, accepted } = await listen(t);
  const socket = openSocket(host, url);
  (await accepted).terminate();
  await socket.finished;
  const { status: last, text } = socket.events.at(-1);
  assert.equal(last, status.ECLOSED);
  assert.match(text, /1006/);
});

test('a peer that reads slowly is felt: EAGAIN, then ready', async (t) => {
  const host = await bootProbe(t);
  const { socket, peer } = await connect(t, host);
  let received = 0;
  peer.on('message', (data) => { received += data.length; });
  peer.pause();
  let written = 0;
  let refused = false;
  for (let i = 0; i < 1000 && !refused; ++i) {
    const { accepted: taken, status: last } = await host.call('probe', 'write', { bytes: 65536, times: 8 });
    written += taken * 65536;
    refused = last === status.EAGAIN;
  }
  assert.ok(refused, `${written} bytes were taken without a reader`);
  const { services } = await host.call('kernel', 'status');
  const sockets = services['visor.sockets/1 websocket'];
  assert.ok(sockets.queued_bytes > 0 && sockets.queued_bytes <= sockets.queued_bytes_limit_each, JSON.stringify(sockets));

  peer.resume();
  await socket.until('ready');
  assert.deepEqual(await host.call('probe', 'write', { bytes: 65536, times: 1 }), { accepted: 1, status: 0 });
  await host.call('probe', 'end');
  await socket.finished;
  assert.equal(received, written + 65536);
});

test('what comes while the reader pauses is held, up to a bound', async (t) => {
  const host = await bootProbe(t);
  const { socket, peer } = await connect(t, host);
  await host.call('probe', 'pause', { paused: 1 });
  peer.send(Buffer.from([1]));
  peer.send(Buffer.from([2]));
  const pong = once(peer, 'pong');
  peer.ping(); // answered behind the messages
  await pong;
  assert.ok(!socket.events.some(({ event }) => event === 'data'));
  await host.call('probe', 'pause', { paused: 0 });
  await socket.until('data');
  assert.deepEqual(socket.events.filter(({ event }) => event === 'data').map(({ hex }) => hex), ['01', '02']);

  await host.call('probe', 'pause', { paused: 1 });
  for (let i = 0; i < 6; ++i) peer.send(Buffer.alloc(1 << 20));
  await socket.finished;
  const { status: last, text } = socket.events.at(-1);
  assert.equal(last, status.EPROTO);
  assert.match(text, /nobody was ready/);
});

test('text and messages without measure end the connection', async (t) => {
  const host = await bootProbe(t);
  for (const [message, words] of [['hello', /text/], [Buffer.alloc((1 << 20) + 1), /at most 1048576/], [Buffer.alloc(17 << 20), /17825792 bytes/]]) {
    const { socket, peer } = await connect(t, host);
    const closed = once(peer, 'close');
    peer.send(message);
    await socket.finished;
    const { status: last, text } = socket.events.at(-1);
    assert.equal(last, status.EPROTO);
    assert.match(text, words);
    await closed;
  }
});

test('addresses that lead nowhere fail with the reason', async (t) => {
  const host = await bootProbe(t);
  const attempt = async (url) => {
    const socket = openSocket(host, url);
    await socket.finished;
    return socket.events.at(-1);
  };
  const { url, accepted } = await listen(t);
  accepted.catch(() => {});
  const dead = new URL(url);
  dead.port = '1';
  const refused = await attempt(dead.href);
  assert.equal(refused.status, status.ECLOSED);
  assert.ok(refused.text.includes(dead.href), refused.text);
  await assert.rejects(attempt('tcp://127.0.0.1:1'), { code: 'ENOSYS' });
  await assert.rejects(attempt('ws://not a host/'), { code: 'EINVAL' });
  await assert.rejects(attempt(`ws://127.0.0.1/${'x'.repeat(3000)}`), { code: 'EINVAL' });
});

test('a connect under way can be cancelled', async (t) => {
  const host = await bootProbe(t);
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, verifyClient: () => {} }); // never answers
  await once(server, 'listening');
  t.after(() => server.close());
  const abort = new AbortController();
  const opening = host.call('probe', 'open', { url: `ws://127.0.0.1:${server.address().port}/` }, { signal: abort.signal });
  abort.abort();
  await assert.rejects(opening, { code: 'ECANCELED' });
  const { services } = await host.call('kernel', 'status');
  assert.equal(services['visor.sockets/1 websocket'].connecting, 0);
});

test('a stop closes what is open and leaves nothing behind', async (t) => {
  const host = await bootProbe(t);
  const { socket, peer } = await connect(t, host);
  const closed = once(peer, 'close');
  const open = assert.rejects(socket.finished, { code: 'ECANCELED' });
  await host.stop();
  await Promise.all([closed, open]);
});

test('a module that breaks says so to everybody who waits', async (t) => {
  const records = [];
  let stopped;
  const host = await bootProbe(t, { onStop: (error) => { stopped = error; }, onLog: (record) => records.push(record) });
  const { socket, peer } = await connect(t, host);
  const gone = once(peer, 'close');
  const lost = assert.rejects(socket.finished, { code: 'EINTERNAL' });
  await assert.rejects(host.call('probe', 'crash'), { code: 'EINTERNAL' });
  await Promise.all([gone, lost]);
  assert.match(stopped.message, /the visor broke/);
  await assert.rejects(host.call('kernel', 'status'), { code: 'EINTERNAL' });
  await host.stop();
});
