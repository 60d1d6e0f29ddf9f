// The JavaScript surface (web/visor.js) where people use it: a page, whose visor is in a worker, and a worker of one's own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { atEnd, startBrowser } from './support.mjs';

const kFolder = process.env.VISOR_PAGE ?? path.resolve('build/wasm/web');
const kTypes = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** A page of the folder that the build lays out, empty but for its scripts. */
async function openPage(t) {
  const server = createServer(async ({ url }, response) => {
    if (url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html><link rel="icon" href="data:,">');
    try {
      const data = await readFile(path.join(kFolder, path.basename(url)));
      return response.setHeader('content-type', kTypes[path.extname(url)] ?? 'application/octet-stream').end(data);
    } catch {
      return response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => server.close());
  const page = await (await (await startBrowser(t)).newContext()).newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  return { page, problems };
}

/** Runs in the browser, in the page and in a worker alike: boots a visor, uses it, and tells what it saw. */
async function useVisor() {
  const { boot, VisorError } = await import(new URL('/visor.js', self.origin ?? location.origin).href);
  const records = [];
  const began = performance.now();
  const visor = await boot({
    config: { plugins: [{ plugin: 'storage_memory', as: 'disk' }] }, secretKey: '1f'.repeat(32),
    onLog: (record) => records.push(record),
  });
  const bootMs = performance.now() - began;
  const openCalls = async () => (await visor.call('kernel', 'status')).calls.open - 1;
  const failure = async (promise) => promise.then(() => null, (error) => ({
    visorError: error instanceof VisorError, code: error.code, status: error.status, message: error.message,
  }));

  const status = await visor.call('kernel', 'status');
  const seen = [];
  for await (const record of visor.stream('kernel', 'log', { tail: 1 })) {
    seen.push(record.text);
    break; // the command itself would stay for new records
  }
  const openAfterBreak = await openCalls();

  const abort = new AbortController();
  const waiting = visor.stream('kernel', 'log', { tail: 0 }, { signal: abort.signal }).next();
  const openWhileWaiting = await openCalls();
  abort.abort();
  const aborted = await failure(waiting);

  const refused = await failure(visor.call('kernel', 'log', { tail: 'many' }));
  const unbootable = await failure(boot({ config: { plugins: [{ plugin: 'storage_memroy' }] } }));
  const open = failure(visor.stream('kernel', 'log', { tail: 0 }).next());
  await openCalls(); // the stream has begun
  await visor.stop();
  return {
    pk: visor.pk, state: status.state, instances: status.instances.map(({ name }) => name), seen, openAfterBreak,
    openWhileWaiting, aborted, refused, unbootable, cut: await open, after: await failure(visor.call('kernel', 'status')),
    logged: records.length, bootMs,
  };
}

function check(result) {
  assert.match(result.pk, /^0[23][0-9a-f]{64}$/);
  assert.equal(result.state, 'running');
  assert.deepEqual(result.instances, ['disk']);
  assert.equal(result.seen.length, 1);
  assert.equal(result.openAfterBreak, 0, 'the loop that was left ended the command');
  assert.equal(result.openWhileWaiting, 1);
  assert.deepEqual([result.aborted.visorError, result.aborted.code, result.aborted.status], [true, 'ECANCELED', -5]);
  assert.deepEqual([result.refused.visorError, result.refused.code], [true, 'EINVAL']);
  assert.match(result.refused.message, /tail: expected integer from 0 to 1000/);
  assert.match(result.unbootable.message, /did you mean "storage_memory"\?/);
  assert.equal(result.cut.code, 'ECANCELED');
  assert.equal(result.after.code, 'ENOENT');
  assert.ok(result.logged > 0);
}

test('a page boots a visor in a worker', async (t) => {
  const { page, problems } = await openPage(t);
  const result = await page.evaluate(useVisor);
  check(result);
  t.diagnostic(`booted in ${Math.round(result.bootMs)} ms`);
  assert.deepEqual(problems, []);
});

test('a worker boots a visor in its own thread', async (t) => {
  const { page, problems } = await openPage(t);
  const result = await page.evaluate((source) => new Promise((resolve, reject) => {
    const code = `(${source})().then(postMessage, (error) => postMessage({ error: String(error) }));`;
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = ({ message }) => reject(new Error(message));
  }), useVisor.toString());
  check(result);
  assert.deepEqual(problems, []);
});

test('a page may run it in its own thread, and is told when a worker cannot be had', async (t) => {
  const { page, problems } = await openPage(t);
  const result = await page.evaluate(async () => {
    const { boot } = await import('/visor.js');
    const wasm = await WebAssembly.compileStreaming(fetch('/visor.wasm'));
    const visor = await boot({ wasm, config: { plugins: [] }, worker: false });
    const { state } = await visor.call('kernel', 'status');
    await visor.stop();
    const failures = [];
    for (const options of [{ worker: true, WebSocket }, { worker: false, shared: true }, { wasm: '/nothing.wasm' }, { wasm: '/nothing.wasm', worker: false }]) {
      await boot({ config: { plugins: [] }, ...options }).catch((error) => failures.push(error.message));
    }
    return { state, failures };
  });
  assert.equal(result.state, 'running');
  assert.match(result.failures[0], /worker: false/);
  assert.match(result.failures[1], /worker: true/);
  assert.match(result.failures[2], /nothing\.wasm answered 404/);
  assert.match(result.failures[3], /nothing\.wasm answered 404/);
  assert.deepEqual(problems, []);
});

test('pages of one origin share a visor', async (t) => {
  const { page, problems } = await openPage(t);
  const other = await page.context().newPage();
  await other.goto(page.url());
  const begin = async (on, secretKey) => on.evaluate(async (key) => {
    const { boot } = await import('/visor.js');
    await window.visor?.stop();
    try {
      const visor = await boot({ config: { plugins: [{ plugin: 'storage_memory', as: 'disk' }] }, secretKey: key, shared: true });
      window.visor = visor;
      const { instances, uptime_ms: upMs } = await visor.call('kernel', 'status');
      return { pk: visor.pk, shared: visor.shared, instances: instances.length, upMs };
    } catch (error) {
      return { code: error.code, message: error.message };
    }
  }, secretKey);
  const key = '2f'.repeat(32);
  const first = await begin(page, key);
  const second = await begin(other, key);
  assert.deepEqual([first.pk, first.shared, second.shared, second.instances], [second.pk, true, true, 1]);
  assert.notEqual((await begin(other, '3f'.repeat(32))).pk, first.pk, 'another key is another visor');

  // Who leaves ends its own calls alone; the last one ends the visor, and the next starts another.
  await begin(other, key);
  await page.evaluate(() => { window.waiting = window.visor.stream('kernel', 'log', { tail: 0 }).next().catch((error) => error.code); });
  const left = await page.evaluate(async () => { await window.visor.stop(); return [await window.waiting, await window.visor.call('kernel', 'status').catch((error) => error.code)]; });
  assert.deepEqual(left, ['ECANCELED', 'ENOENT']);
  const { calls } = await other.evaluate(() => window.visor.call('kernel', 'status'));
  assert.equal(calls.open, 1);
  const stopped = performance.now();
  await other.evaluate(() => window.visor.stop());
  const third = await begin(page, key);
  assert.equal(third.pk, first.pk);
  const sinceMs = Math.ceil(performance.now() - stopped);
  assert.ok(third.upMs <= sinceMs, `a new start: up ${third.upMs} ms, ${sinceMs} ms after the last one's stop began`);
  assert.deepEqual(problems, []);
});
