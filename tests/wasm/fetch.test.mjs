// visor.fetch/1 of a tab's host under Node: the browser's fetch, against a real server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';
import { boot } from '../../web/visor.js';

const { WebSocket } = await import(new URL('../../web/node_modules/ws/wrapper.mjs', import.meta.url));
const probe = await WebAssembly.compile(fs.readFileSync(process.env.VISOR_PROBE_WASM));

async function start(t) {
  const visor = await boot({ WebSocket, wasm: probe, config: { plugins: [{ plugin: 'probe' }] } });
  t.after(() => visor.stop());
  return visor;
}

/** A server that answers by `answer(request, body, response)`; what it heard, and its connections that are open. */
async function serve(t, answer) {
  const heard = [];
  let open = 0;
  const idle = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    heard.push({ method: request.method, url: request.url, headers: request.headers, body });
    answer(request, body, response);
  });
  server.on('connection', (socket) => {
    ++open;
    socket.on('close', () => {
      --open;
      for (const look of idle.splice(0)) look();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const allClosed = async () => {
    while (open) await new Promise((resolve) => { idle.push(resolve); });
  };
  return { url: `http://127.0.0.1:${server.address().port}`, heard, allClosed };
}

const fetches = async (visor) => (await visor.call('kernel', 'status')).services['visor.fetch/1 browser'];

test('a question as it was asked, an answer as it was given', async (t) => {
  const visor = await start(t);
  const { url, heard } = await serve(t, (request, body, response) => {
    response.writeHead(422, { 'Content-Type': 'application/json' });
    response.end('{"message":"no","code":422}');
  });
  const answer = await visor.call('probe', 'fetch', { method: 'POST', url: `${url}/a/b?c=1`, body: '{"x":1}', header: 'yes: it is' });
  assert.deepEqual(answer, { status: 422, bytes: 27, body: '{"message":"no","code":422}', type: 'application/json' });
  assert.equal(heard.length, 1);
  assert.equal(heard[0].method, 'POST');
  assert.equal(heard[0].url, '/a/b?c=1');
  assert.equal(heard[0].body, '{"x":1}');
  assert.equal(heard[0].headers['x-probe'], 'yes: it is');
  const report = await fetches(visor);
  assert.equal(report.answers, 1);
  assert.equal(report.under_way, 0);
});

test('GET without a body, DELETE with one, an answer without', async (t) => {
  const visor = await start(t);
  const { url, heard } = await serve(t, (request, body, response) => {
    response.writeHead(204);
    response.end();
  });
  assert.deepEqual(await visor.call('probe', 'fetch', { url }), { status: 204, bytes: 0, body: '' });
  assert.equal((await visor.call('probe', 'fetch', { method: 'DELETE', url, body: 'gone' })).status, 204);
  assert.deepEqual(heard.map(({ method, body }) => [method, body]), [['GET', ''], ['DELETE', 'gone']]);
});

test('a body above the limit is refused while it is read', async (t) => {
  const visor = await start(t);
  const { url, allClosed } = await serve(t, (request, body, response) => {
    const more = () => { while (!response.destroyed && response.write(Buffer.alloc(65536))); };
    response.on('drain', more);
    more(); // without an end
  });
  await assert.rejects(visor.call('probe', 'fetch', { url, max_body: 100000 }),
    { code: 'EPROTO', message: /longer than 100000 bytes/ });
  await allClosed();
  await assert.rejects(visor.call('probe', 'fetch', { url }), { code: 'EPROTO', message: /longer than 8388608 bytes/ });
  await allClosed();
});

test('a large answer within the limit comes whole', async (t) => {
  const visor = await start(t);
  const { url } = await serve(t, (request, body, response) => response.end(Buffer.alloc(7_000_000)));
  assert.equal((await visor.call('probe', 'fetch', { url })).bytes, 7_000_000);
});

test('no answer in time', async (t) => {
  const visor = await start(t);
  const { url, allClosed } = await serve(t, () => {});
  await assert.rejects(visor.call('probe', 'fetch', { url, timeout_ms: 50 }), { code: 'ETIMEDOUT', message: /within 50 ms/ });
  await allClosed();
  const slow = await serve(t, (request, body, response) => response.write('a beginning'));
  await assert.rejects(visor.call('probe', 'fetch', { url: slow.url, timeout_ms: 50 }), { code: 'ETIMEDOUT' });
  await slow.allClosed();
  assert.equal((await fetches(visor)).failures, 2);
});

test('canceled, its connection is closed', async (t) => {
  const visor = await start(t);
  let arrived;
  const asked = new Promise((resolve) => { arrived = resolve; });
  const { url, allClosed } = await serve(t, () => arrived());
  const controller = new AbortController();
  const call = visor.call('probe', 'fetch', { url }, { signal: controller.signal });
  await asked;
  controller.abort();
  await assert.rejects(call);
  await allClosed();
  assert.equal((await fetches(visor)).under_way, 0);
});

test('nobody there, not HTTP, no address', async (t) => {
  const visor = await start(t);
  await assert.rejects(visor.call('probe', 'fetch', { url: 'http://127.0.0.1:1' }), { code: 'EIO', message: /127\.0\.0\.1:1: the browser has no answer/ });
  await assert.rejects(visor.call('probe', 'fetch', { url: 'ws://127.0.0.1:1' }), { code: 'EINVAL' });
  await assert.rejects(visor.call('probe', 'fetch', { url: 'http://127.0.0.1:1', header: 'a\r\nb: c' }), { code: 'EINVAL' });
});

test('redirects are not followed', async (t) => {
  const visor = await start(t);
  const { url, heard } = await serve(t, (request, body, response) => {
    response.writeHead(302, { Location: '/elsewhere' });
    response.end();
  });
  // Browsers hide where a redirect leads to; Node does not.
  await visor.call('probe', 'fetch', { url }).then((answer) => assert.equal(answer.status, 302), (error) => assert.equal(error.code, 'EPROTO'));
  assert.equal(heard.length, 1);
});

test('so many at once, and no more', async (t) => {
  const visor = await start(t);
  const waiting = [];
  const { url } = await serve(t, (request, body, response) => waiting.push(response));
  const calls = Array.from({ length: 64 }, () => visor.call('probe', 'fetch', { url }));
  await assert.rejects(visor.call('probe', 'fetch', { url }), { code: 'EAGAIN', message: /64 requests/ });
  const settled = Promise.all(calls);
  const release = setInterval(() => { for (const response of waiting.splice(0)) response.end('ok'); }, 5);
  t.after(() => clearInterval(release));
  assert.ok((await settled).every(({ body }) => body === 'ok'));
});

test('a visor that stops, or breaks, ends its requests', async (t) => {
  for (const end of ['stop', 'crash']) {
    const visor = await start(t);
    let arrived;
    const asked = new Promise((resolve) => { arrived = resolve; });
    const { url, allClosed } = await serve(t, () => arrived());
    const call = visor.call('probe', 'fetch', { url });
    const rejected = assert.rejects(call);
    await asked;
    if (end === 'stop') await visor.stop();
    else await assert.rejects(visor.call('probe', 'crash'));
    await rejected;
    await allClosed();
  }
});
