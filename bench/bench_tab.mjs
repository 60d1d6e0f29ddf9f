// A tab's cost, in Debian's Chromium against the demo: how soon it is a visor and has published, what it does when
// nothing happens, how long it keeps the page's thread.  The floor is a page that only fetches and compiles the same
// module; of the idle tab, an empty page.  Rows go to stdout, a table for people to stderr.
//   VISOR=build/release/programs/visor/visor VISOR_PAGE=build/wasm/web node bench/bench_tab.mjs
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openTab } from '../tests/e2e/page.mjs';
import { atEnd, standalone, startBrowser, startDemo } from '../tests/e2e/support.mjs';

const kRuns = 7;
const kIdleMs = 20000;
const page = process.env.VISOR_PAGE;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The module alone, from a server on this machine: what no visor can be faster than. */
async function serveModule(t) {
  const files = { '/': ['text/html', '<!doctype html><title>floor</title>'], '/visor.wasm': ['application/wasm', readFileSync(path.join(page, 'visor.wasm'))] };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', ''];
    response.writeHead(200, { 'Content-Type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

async function compileMs(browser, address) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  await calm(browser);
  await tab.goto(address);
  const ms = await tab.evaluate(async () => {
    await WebAssembly.compileStreaming(fetch('/visor.wasm'));
    return performance.now();
  });
  await context.close();
  return ms;
}

/** Resolves when the browser has drawn its own new window: on two cores that would be measured as the page's time. */
async function calm(browser) {
  const cdp = await browser.newBrowserCDPSession();
  const cpuSeconds = async () => (await cdp.send('SystemInfo.getProcessInfo')).processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  const deadline = performance.now() + 30000;
  for (let last = await cpuSeconds(), used = 1; used > 0.05;) {
    if (performance.now() > deadline) throw new Error(`the browser uses ${Math.round(200 * used)} % of a processor before the page is opened; measure on a machine that does nothing else`);
    await new Promise((done) => { setTimeout(done, 500); });
    const now = await cpuSeconds();
    [used, last] = [now - last, now];
  }
  await cdp.detach();
}

/** One fresh browser profile's first visit: {bootMs, rootMs, longTasks}. */
async function visit(browser, address) {
  const context = await browser.newContext();
  const { page: tab, pk } = await openTab(context, address, async (made) => {
    await made.addInitScript(() => {
      window.longTasks = [];
      new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask', buffered: true });
    });
    await calm(browser);
  });
  const seen = await tab.evaluate(async (owner) => {
    const bootMs = Number(document.body.dataset.bootMs);
    const [{ boot }, { loadKey }, { findNetwork, tabConfiguration }] = await Promise.all(['/visor.js', '/key-store.js', '/tab-visor.js'].map((file) => import(file)));
    const { secretKey } = await loadKey();
    const visor = await boot({ config: tabConfiguration(await findNetwork()), secretKey, shared: true }); // the page's own
    for (;;) {
      const { feeds } = await visor.call('feeds', 'list');
      if (feeds.some((feed) => feed.owner === owner && feed.seq !== undefined && feed.members > 0)) break;
    }
    return { bootMs, rootMs: performance.now() };
  }, pk);
  await tab.evaluate(() => new Promise((done) => { setTimeout(done, 3000); })); // the page draws; is its thread ever held?
  const longTasks = await tab.evaluate(() => window.longTasks);
  await context.close();
  return { ...seen, longTasks };
}

/** Percent of a processor that the browser's processes for pages use while nobody does anything. */
async function idlePercent(browser, open) {
  const context = await browser.newContext();
  const tab = await open(context);
  const cdp = await browser.newBrowserCDPSession();
  const cpuSeconds = async () => (await cdp.send('SystemInfo.getProcessInfo')).processInfo
    .filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  await tab.waitForTimeout(5000); // until what starts has started
  const before = await cpuSeconds();
  const began = performance.now();
  await tab.waitForTimeout(kIdleMs);
  const percent = ((await cpuSeconds()) - before) / (performance.now() - began) * 1e5;
  await context.close();
  return percent;
}

function report(bench, unit, ours, floor, runs) {
  console.error(`${bench.padEnd(24)} ${ours.toFixed(2).padStart(9)} ${unit}  floor ${floor === null ? '-' : floor.toFixed(2)}`);
  console.log(JSON.stringify({ bench, unit, better: 'less', ours, floor, peer: null, peer_value: null, runs }));
}

await standalone(async (t) => {
  const { address } = await startDemo(t, { intervalMs: 60000 });
  const browser = await startBrowser(t);
  const module = await serveModule(t);
  const visits = [];
  const floors = [];
  for (let run = 0; run < kRuns; ++run) {
    floors.push(await compileMs(browser, module));
    visits.push(await visit(browser, address));
  }
  report('tab.boot_ms', 'ms', median(visits.map(({ bootMs }) => bootMs)), median(floors), kRuns);
  report('tab.first_root_ms', 'ms', median(visits.map(({ rootMs }) => rootMs)), median(floors), kRuns);
  report('tab.longest_task_ms', 'ms', Math.max(0, ...visits.flatMap(({ longTasks }) => longTasks)), null, kRuns);
  const empty = await idlePercent(browser, async (context) => context.newPage());
  const idle = await idlePercent(browser, async (context) => (await openTab(context, address)).page);
  report('tab.idle_cpu_percent', '%', idle, empty, 1);
});
