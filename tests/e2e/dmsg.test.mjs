// The relay network as people run it: processes that are killed, and a tab.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { client, startDiscovery, startServer } from './relay-network.mjs';
import { atEnd, json, startBrowser, until } from './support.mjs';

const kWithinMs = 1000; // a new dial, after a server was killed
const kEcho = 7;

/** Dials until one succeeds; the milliseconds since `began`. */
async function reachAgain(from, to, began, limitMs) {
  let last;
  while (performance.now() - began < limitMs) {
    try {
      await from.echo(to.pk, kEcho, `again ${Math.round(performance.now())}`, limitMs);
      return performance.now() - began;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`not reached within ${limitMs} ms: ${last?.message}`);
}

test('processes are killed, one of each role, and the others stay healthy', async (t) => {
  const discovery = await startDiscovery(t);
  const servers = [await startServer(t, 'server 1', discovery), await startServer(t, 'server 2', discovery)];
  const a = await client(t, 'client a', discovery), b = await client(t, 'client b', discovery);
  await a.ready();
  await b.ready();
  await b.serveEcho(kEcho);
  const first = await a.echo(b.pk, kEcho, 'hello');
  const second = await a.echo(b.pk, kEcho, 'hello again');
  t.diagnostic(`first dial and echo ${first.toFixed(1)} ms, the next ${second.toFixed(1)} ms`);
  const entryOf = (visor) => json(`${discovery.gateway}/dmsg-discovery/entry/${visor.pk}`);
  const serverOf = async (visor) => (await visor.status()).servers[0];

  await t.test('kill -9 of the server between them: streams end, a new dial succeeds, the entry follows', async () => {
    const held = a.stream('dmsg', 'dial', { pk: b.pk, port: kEcho, text: 'held' });
    assert.equal((await held.next()).value.event, 'connected');
    assert.equal((await held.next()).value.text, 'held');
    const used = await serverOf(b);
    const killed = servers.find((server) => server.pk === used);
    const left = servers.find((server) => server !== killed);
    const began = performance.now();
    await killed.kill();
    const took = await reachAgain(a, b, began, 10000);
    t.diagnostic(`a new dial ${took.toFixed(1)} ms after its server was killed`);
    assert.ok(took < kWithinMs, `a new dial took ${took} ms`);
    await until(() => entryOf(b), (entry) => entry.client.delegated_servers.join() === left.pk, 5000, "b's entry");
    await assert.rejects((async () => { for await (const value of held) assert.notEqual(value.event, 'data'); })(), undefined, 'the held stream ends, with a reason');
    await killed.start();
  });

  await t.test('kill -9 of the discovery: who is connected still dials; entries are there again after its restart', async () => {
    await discovery.kill();
    await a.echo(b.pk, kEcho, 'without a discovery');
    await discovery.start();
    await until(() => entryOf(b).catch(() => null), (entry) => entry?.client.delegated_servers.length > 0, 30000, "b's entry");
    await a.echo(b.pk, kEcho, 'with one again');
  });

  await t.test('kill -9 of a client: the other ends its stream, and reaches it when it is back', async () => {
    const held = a.stream('dmsg', 'dial', { pk: b.pk, port: kEcho, text: 'held' });
    assert.equal((await held.next()).value.event, 'connected');
    assert.equal((await held.next()).value.text, 'held');
    await b.kill();
    for await (const value of held) assert.fail(`the held stream ends; got ${JSON.stringify(value)}`);
    await assert.rejects(a.echo(b.pk, kEcho, 'anybody?'), /cannot reach/);
    await b.start();
    await b.ready();
    await b.serveEcho(kEcho);
    const took = await reachAgain(a, b, performance.now(), 10000);
    t.diagnostic(`the restarted client was reached in ${took.toFixed(1)} ms`);
  });

  await until(() => a.status(), (status) => status.dials.now === 0 && status.pipes.now === 0, 5000, 'nothing left at a');
});

const kStreams = 500; // through each of two servers, at once

/** One command that opens many streams; follows what becomes of them. */
function manyStreams(from, to) {
  const abort = new AbortController();
  const seen = { connected: 0, data: 0, ended: 0, failed: 0, over: false };
  (async () => {
    const terms = { pk: to.pk, port: kEcho, count: kStreams, text: 'held' };
    for await (const value of from.stream('dmsg', 'dial', terms, abort.signal)) seen[value.event] += 1;
    seen.over = true;
  })().catch((error) => { seen.error = error.message; });
  atEnd(from.t, () => abort.abort());
  return seen;
}

test('a thousand streams at once over two servers, one of which is killed', async (t) => {
  const discovery = await startDiscovery(t);
  const servers = await Promise.all(['server 1', 'server 2'].map((name) => startServer(t, name, discovery)));
  const limits = { pipe_streams: 2 * kStreams };
  const b = await client(t, 'client b', discovery, { sessions: 0, limits });
  // Without a discovery, each through the one server that it knows.
  const callers = await Promise.all(servers.map((server, i) => client(t, `caller ${i}`, {}, {
    servers: [{ pk: server.pk, address: `tcp://${server.address}` }], limits })));
  const a = await client(t, 'client a', discovery, { sessions: 0 });
  for (const each of [...callers, a]) await each.ready(1);
  await b.ready(2);
  await b.serveEcho(kEcho);

  const began = performance.now();
  const held = callers.map((caller) => manyStreams(caller, b));
  await until(() => held, (all) => all.every((seen) => seen.data === kStreams), 60000, 'every stream has said and heard something');
  t.diagnostic(`${2 * kStreams} streams set up, each with an echo, in ${(performance.now() - began).toFixed(0)} ms`);
  const relayed = async (server) => (await server.status()).streams.connected_now;
  assert.deepEqual(await Promise.all(servers.map(relayed)), [kStreams, kStreams]);

  const killedAt = performance.now();
  await servers[0].kill();
  const took = await reachAgain(a, b, killedAt, 10000);
  t.diagnostic(`a new dial ${took.toFixed(1)} ms after its server was killed`);
  assert.ok(took < kWithinMs, `a new dial took ${took} ms`);
  await until(() => held[0], (seen) => seen.over, 10000, 'the streams of the killed server have ended');
  assert.deepEqual(held[0], { connected: kStreams, data: kStreams, ended: kStreams, failed: 0, over: true });
  await until(() => json(`${discovery.gateway}/dmsg-discovery/entry/${b.pk}`),
    (entry) => entry.client.delegated_servers.join() === servers[1].pk, 5000, "b's entry");
  assert.deepEqual(held[1], { connected: kStreams, data: kStreams, ended: 0, failed: 0, over: false });
  assert.equal(await relayed(servers[1]), kStreams);
  const status = await b.status();
  assert.equal(status.accepting.now, 0);
});

test('a tab dials a native visor, and is dialled by it', async (t) => {
  const folder = process.env.VISOR_PAGE ?? path.resolve('build/wasm/web');
  const types = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
  const server = createServer(async ({ url }, response) => {
    if (url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html><link rel="icon" href="data:,">');
    try {
      const data = await readFile(path.join(folder, path.basename(url)));
      return response.setHeader('content-type', types[path.extname(url)] ?? 'application/octet-stream').end(data);
    } catch {
      return response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => server.close());

  const relay = await startServer(t, 'server', null);
  const native = await client(t, 'native', { gateway: undefined }, { servers: [{ pk: relay.pk, address: `tcp://${relay.address}` }] });
  await native.ready();
  await native.serveEcho(kEcho);

  const page = await (await (await startBrowser(t)).newContext()).newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const seen = await page.evaluate(async ({ pk, address, peer, port }) => {
    const { boot } = await import(new URL('/visor.js', location.origin).href);
    const visor = await boot({
      config: { plugins: [{ plugin: 'dmsg', config: { servers: [{ pk, address: `tcp://${address}` }] } }] },
    });
    globalThis.visor = visor;
    globalThis.listening = visor.stream('dmsg', 'listen', { port, echo: true });
    await globalThis.listening.next();
    (async () => { for await (const value of globalThis.listening) globalThis.heard = value; })();
    const began = performance.now();
    const values = [];
    for await (const value of visor.stream('dmsg', 'dial', { pk: peer, port, text: 'from a tab' })) {
      values.push(value);
      if (value.event === 'data') break;
    }
    const took = performance.now() - began;
    return { pk: visor.pk, values, took, sessions: await visor.call('dmsg', 'sessions') };
  }, { pk: relay.pk, address: relay.address, peer: native.pk, port: kEcho });
  assert.equal(seen.values.at(-1).text, 'from a tab');
  assert.equal(seen.sessions[0].address, `ws://${relay.address}/dmsg`);
  const back = await native.echo(seen.pk, kEcho, 'to a tab');
  t.diagnostic(`a tab's first dial and echo ${seen.took.toFixed(1)} ms (its session included), a dial to the tab ${back.toFixed(1)} ms`);
  assert.deepEqual(problems, []);
});
