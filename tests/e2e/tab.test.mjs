// The line this project exists for: a tab opens the demo's page and its transports are on the TPD's /metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, countedBy, followedBy, measured, openTab, reportedBy, rowsOf } from './page.mjs';
import { json, startBrowser, startDemo, until } from './support.mjs';

const kWithinMs = 5000;
const kExpiryMs = 5000; // of what a visor says, at the demo's rhythm: five seconds instead of five minutes
const kGoodbyeBytes = 2048; // counted between the last look at a tab and its end

test('a tab is on /metrics with latency and growing bytes', async (t) => {
  const { address, bootstrap } = await startDemo(t);
  const browser = await startBrowser(t);
  const context = await browser.newContext();
  const ask = () => json(`${address}/metrics?edges=true&days=1`);

  const tab = await openTab(context, address);
  const rows = await until(ask, (metrics) => measured(metrics, tab.pk), kWithinMs, "the tab's transports on /metrics");
  const shownMs = Math.round(performance.now() - tab.opened);
  assert.ok(shownMs <= kWithinMs, `shown ${shownMs} ms after the page was opened`);
  const booted = await tab.page.evaluate(() => Number(document.body.dataset.bootMs));
  t.diagnostic(`visor up ${booted} ms, on /metrics ${shownMs} ms after the page was opened`);

  await t.test('it holds a swsr transport to each native visor', async () => {
    const all = await until(ask, (metrics) => {
      const own = measured(metrics, tab.pk);
      return own?.length === bootstrap.peers.length ? own : null;
    }, kWithinMs, 'a transport to each peer');
    const remotes = all.map((row) => row.edges.find((pk) => pk !== tab.pk)).sort();
    assert.deepEqual(remotes, bootstrap.peers.map((peer) => peer.pk).sort());
    assert.deepEqual([...new Set(all.map((row) => row.type))], ['swsr']);
  });

  await t.test('its bytes grow', async () => {
    const before = bytesOf(rows);
    await until(ask, (metrics) => bytesOf(rowsOf(metrics, tab.pk)) > before, kWithinMs, `more than ${before} bytes`);
  });

  await t.test('it follows the feed of a native visor', async () => {
    const leaves = await followedBy(tab.page, bootstrap.peers.at(-1).pk, 50);
    assert.ok(leaves.some(({ path, bytes }) => path === 'transports/telemetry/meta' && bytes > 0), JSON.stringify(leaves));
  });

  await t.test('another browser is a visor of its own', async () => {
    const second = await openTab(await browser.newContext(), address);
    assert.notEqual(second.pk, tab.pk);
    await until(ask, (metrics) => measured(metrics, second.pk) && measured(metrics, tab.pk), kWithinMs, 'both on /metrics');
    assert.deepEqual(second.problems, []);
    await second.page.close();
  });

  await t.test('a reload keeps key and history, and counts nothing twice', async () => {
    const history = reportedBy(await ask(), tab.pk);
    const lived = await countedBy(tab.page);
    assert.ok(history > 0 && history <= lived, `the TPD has ${history} bytes, the tab had counted ${lived}`);
    await tab.page.reload();
    await tab.page.waitForFunction(() => document.body.dataset.pk, null, { timeout: 15000 });
    assert.equal(await tab.page.evaluate(() => document.body.dataset.pk), tab.pk);
    await until(ask, (metrics) => measured(metrics, tab.pk) && reportedBy(metrics, tab.pk) > lived + kGoodbyeBytes,
      4 * kWithinMs, 'the reloaded tab on /metrics, with more bytes than before');
    const total = reportedBy(await ask(), tab.pk), again = await countedBy(tab.page);
    assert.ok(total <= lived + kGoodbyeBytes + again, `the TPD has ${total} bytes of ${lived} before and ${again} after the reload`);
  });

  await t.test('the page shows the same', async () => {
    await tab.page.waitForFunction(() => document.querySelectorAll('#all tr.own').length > 0 && document.querySelector('#state').dataset.state === 'up' &&
      /swsr.*serving.* ms/s.test(document.querySelector('#mine tbody').textContent), null, { timeout: kWithinMs });
    assert.deepEqual(tab.problems, []);
  });

  await t.test('a tab that is closed is live no more', async () => {
    await tab.page.close();
    const closed = performance.now();
    await until(ask, (metrics) => rowsOf(metrics, tab.pk).every((row) => !row.live), kExpiryMs + kWithinMs, 'the closed tab not live');
    t.diagnostic(`gone ${Math.round(performance.now() - closed)} ms after it was closed`);
    assert.ok(rowsOf(await ask(), tab.pk).length > 0, 'its history stays');
  });
});
