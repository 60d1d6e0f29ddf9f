// The page as people use it: one visor for all tabs of a browser, with a key that stays; the desktop and its windows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, keyOf, measured, openTab, rowsOf } from './page.mjs';
import { json, startBrowser, startDemo, until } from './support.mjs';

const kWithinMs = 10000;
const asker = (address) => () => json(`${address}/metrics?edges=true&days=1`);
const tabsOf = (bootstrap) => new Set(bootstrap.peers.map(({ pk }) => pk));

/** The keys of the tabs that have a live transport. */
function liveTabs(metrics, bootstrap) {
  const native = tabsOf(bootstrap);
  return new Set(metrics.filter((row) => row.live).flatMap((row) => row.edges).filter((pk) => !native.has(pk)));
}

test('one browser, one visor', async (t) => {
  const { address, bootstrap } = await startDemo(t);
  const browser = await startBrowser(t);
  const context = await browser.newContext();
  const ask = asker(address);
  const first = await openTab(context, address);
  await until(ask, (metrics) => measured(metrics, first.pk)?.length === 2, kWithinMs, "the tab's transports on /metrics");

  await t.test('a second tab shares it', async () => {
    const second = await openTab(context, address);
    assert.equal(second.pk, first.pk);
    assert.equal(await second.page.evaluate(() => document.body.dataset.shared), 'true');
    await second.page.waitForFunction(() => document.querySelector('#state').dataset.state === 'up');
    const metrics = await until(ask, (rows) => measured(rows, first.pk) && rows, kWithinMs, 'its transports');
    assert.equal(rowsOf(metrics, first.pk).length, bootstrap.peers.length, 'one set of transports');
    assert.deepEqual([...liveTabs(metrics, bootstrap)], [first.pk]);
    await second.page.close();
    assert.deepEqual(second.problems, []);
    assert.equal((await ask()).filter((row) => row.live && row.edges.includes(first.pk)).length, 2, 'the first goes on');
  });

  await t.test('a reload keeps the key, and what the TPD has counted', async () => {
    const before = bytesOf(rowsOf(await ask(), first.pk));
    await first.page.reload();
    assert.equal(await keyOf(first.page), first.pk);
    const rows = await until(ask, (metrics) => {
      const own = measured(metrics, first.pk);
      return own?.length === 2 && bytesOf(own) > before ? own : null;
    }, kWithinMs, `the reloaded tab on /metrics with more than ${before} bytes`);
    assert.deepEqual(new Set(rows.map(({ id }) => id)).size, 2);
    assert.deepEqual(first.problems, []);
  });

  await t.test('when the last tab is closed it ends', async () => {
    const second = await openTab(context, address);
    await first.page.close();
    await until(ask, (metrics) => measured(metrics, first.pk), kWithinMs, 'still there with the second tab');
    await second.page.close();
    const closed = performance.now();
    await until(ask, (metrics) => rowsOf(metrics, first.pk).every((row) => !row.live), kWithinMs, 'gone with the last tab');
    t.diagnostic(`gone ${Math.round(performance.now() - closed)} ms after the last tab`);
  });

  await t.test('another visit has the same key', async () => {
    const again = await openTab(context, address);
    assert.equal(again.pk, first.pk);
    await context.close();
  });
});

test('without a SharedWorker each tab has a visor of its own', async (t) => {
  const { address, bootstrap } = await startDemo(t);
  const browser = await startBrowser(t);
  const ask = asker(address);

  await t.test('where there is none', async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => { delete window.SharedWorker; });
    const first = await openTab(context, address);
    const second = await openTab(context, address);
    assert.notEqual(second.pk, first.pk, 'two visors of one key would take each other\'s connections');
    await until(ask, (metrics) => measured(metrics, first.pk) && measured(metrics, second.pk), kWithinMs, 'both on /metrics');
    await first.page.reload();
    assert.equal(await keyOf(first.page), first.pk);
    assert.equal(liveTabs(await ask(), bootstrap).size, 2);
    await context.close();
  });

  await t.test('where its script fails', async () => {
    const context = await browser.newContext();
    await context.route('**/shared-worker.js', (route) => route.fulfill({ status: 404 }));
    const { page, pk } = await openTab(context, address);
    assert.equal(await page.evaluate(() => document.body.dataset.shared), 'false');
    await until(ask, (metrics) => measured(metrics, pk), kWithinMs, 'it on /metrics');
    await context.close();
  });

  await t.test('where nothing can be stored the key goes with the tab', async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError'); } }));
    const first = await openTab(context, address);
    const second = await openTab(context, address);
    assert.notEqual(first.pk, second.pk);
    assert.deepEqual(first.problems, []);
    await context.close();
  });
});
