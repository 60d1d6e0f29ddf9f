// The page as people use it: one visor for all tabs of a browser, with a key that stays; the desktop and its windows.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { bytesOf, keyOf, measured, openTab, rowsOf } from './page.mjs';
import { demoArguments, json, Program, startBrowser, startDemo, until, visorProgram, wholeFile } from './support.mjs';

const kWithinMs = 30000; // a limit for machines that are busy, never a wait
const kBrowsers = 20;
const kIdleMs = 3000, kMaxIdlePercent = 10; // a visor that spins takes all of one; how little it takes is measured by bench/bench_tab.mjs

/** What every test here has, one after the other: a network, a browser, and the TPD's /metrics. */
const demo = await startDemo(wholeFile);
const { address, bootstrap } = demo;
const browser = await startBrowser(wholeFile);
const ask = () => json(`${address}/metrics?edges=true&days=1`);

const openWindow = async (page, name) => {
  await page.click('#menu');
  await page.getByRole('menuitem', { name }).click();
  return page.getByRole('dialog', { name });
};
const rectOf = (page, id) => page.locator(`#window-${id}`).evaluate(({ offsetLeft: x, offsetTop: y, offsetWidth: width, offsetHeight: height }) => ({ x, y, width, height }));
const focused = (page) => page.evaluate(() => document.activeElement.closest('.window')?.dataset.window ?? document.activeElement.dataset.opens ?? document.activeElement.id);

/** Nanoseconds that the shared workers of a browser have run so far, of every process that has one. */
function workerNanoseconds() {
  const read = (file) => { try { return readFileSync(file, 'utf8'); } catch { return ''; } }; // a process may end meanwhile
  let sum = 0, threads = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (!read(`/proc/${pid}/comm`).startsWith('chrom')) continue;
    let tasks = [];
    try { tasks = readdirSync(`/proc/${pid}/task`); } catch { continue; }
    for (const tid of tasks) {
      if (!read(`/proc/${pid}/task/${tid}/comm`).startsWith('SharedWorker')) continue;
      threads += 1;
      sum += Number(read(`/proc/${pid}/task/${tid}/schedstat`).split(' ')[0]);
    }
  }
  return { sum, threads };
}

test('one browser, one visor', async (t) => {
  const context = await browser.newContext();
  let first;

  // How long its tasks are is measured by bench/bench_tab.mjs; that none of them is the visor's is what keeps them short.
  await t.test('the visor runs beside the page, not on its thread', async () => {
    first = await openTab(context, address);
    for (const name of ['Logs', 'Console', 'Identity']) await openWindow(first.page, name);
    await first.page.waitForFunction(() => document.body.dataset.shownMs);
    const fetched = await first.page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname));
    assert.ok(fetched.includes('/session.js'), `what the page fetched is listed: ${fetched}`);
    assert.deepEqual(fetched.filter((file) => /\.wasm$|visor-host/.test(file)), [], 'the page itself loads nothing of the visor');
    for (const name of ['Logs', 'Console', 'Identity']) await first.page.getByRole('button', { name: `Close ${name}` }).first().click();
  });

  await t.test('an idle visor costs nearly nothing', { skip: process.platform !== 'linux' }, async () => {
    const before = workerNanoseconds();
    const began = performance.now();
    await first.page.waitForTimeout(kIdleMs); // a measurement, not a wait
    const after = workerNanoseconds();
    const percent = (after.sum - before.sum) / 1e4 / (performance.now() - began);
    t.diagnostic(`the idle worker takes ${percent.toFixed(2)} % of a core, sampling each second`);
    assert.equal(after.threads, 1, 'one shared worker');
    assert.ok(percent < kMaxIdlePercent, `${percent} %`);
  });

  await t.test('a second tab shares it', async () => {
    const second = await openTab(context, address);
    assert.equal(second.pk, first.pk);
    assert.equal(await second.page.evaluate(() => document.body.dataset.shared), 'true');
    await second.page.waitForFunction(() => document.querySelector('#state').dataset.state === 'up');
    const metrics = await until(ask, (rows) => measured(rows, first.pk) && rows, kWithinMs, 'its transports');
    assert.equal(rowsOf(metrics, first.pk).length, bootstrap.peers.length, 'one set of transports');
    const native = new Set(bootstrap.peers.map(({ pk }) => pk));
    assert.deepEqual([...new Set(metrics.flatMap(({ edges }) => edges))].filter((pk) => !native.has(pk)), [first.pk], 'one visor');
    const lines = await second.page.evaluate(() => window.skywireLog.all().map(({ text }) => text));
    assert.ok(lines.some((text) => text.startsWith('[visor] kernel: running as')), 'it has what was logged before it came');
    await second.page.close();
    assert.deepEqual(second.problems, []);
    assert.ok(measured(await ask(), first.pk), 'the first goes on');
  });

  await t.test('a reload keeps the key, and what the TPD has counted', async () => {
    const before = bytesOf(rowsOf(await ask(), first.pk));
    await first.page.reload();
    assert.equal(await keyOf(first.page), first.pk);
    const rows = await until(ask, (metrics) => {
      const own = measured(metrics, first.pk);
      return own?.length === 2 && bytesOf(own) > before ? own : null;
    }, kWithinMs, `the reloaded tab on /metrics with more than ${before} bytes`);
    assert.equal(new Set(rows.map(({ id }) => id)).size, 2);
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

  await t.test('another visit has the same key, and an imported one stays too', async () => {
    const { page, pk, problems } = await openTab(context, address);
    assert.equal(pk, first.pk);
    const other = await openTab(context, address);
    await page.bringToFront(); // a tab behind another one draws nothing
    const identity = await openWindow(page, 'Identity');
    const check = async (text) => {
      await identity.getByRole('textbox').fill(text);
      await identity.getByRole('button', { name: 'Check' }).click();
      await page.waitForFunction(() => !/Checking|^$/.test(document.querySelector('#import-says').textContent));
      return page.locator('#import-says').textContent();
    };
    assert.match(await check('abc'), /64 hex digits; got 3/);
    assert.match(await check('00'.repeat(32)), /no secret key/);
    assert.match(await check(`{"sk":"${'1f'.repeat(32)}","pk":"${first.pk}"}`), /but "pk" says/);
    assert.ok(await page.getByRole('button', { name: 'Replace' }).isHidden());
    const imported = (await check('1f'.repeat(32))).match(/0[23][0-9a-f]{64}/)[0];
    assert.notEqual(imported, first.pk);
    await identity.getByRole('button', { name: 'Replace' }).click();
    for (const each of [page, other.page]) await each.waitForFunction((wanted) => document.body.dataset.pk === wanted, imported, { timeout: kWithinMs });
    await until(ask, (metrics) => measured(metrics, imported) && rowsOf(metrics, first.pk).every((row) => !row.live), kWithinMs, 'the imported key in place of the first');
    assert.deepEqual(problems, []);
    await context.close();
  });
});

test('windows by keyboard, on a phone, and without a SharedWorker', async (t) => {
  const keyboard = t.test('windows by keyboard alone', async () => {
    const { page, problems } = await openTab(await browser.newContext(), address);
    const { keyboard: keys } = page;
    const press = async (...names) => { for (const name of names) await keys.press(name); };
    await page.waitForSelector('#window-dashboard.front');
    await press('Tab', 'Tab');
    assert.equal(await focused(page), 'menu', 'the menu comes first after the link past it');
    await press('Enter', 'ArrowDown', 'Enter');
    assert.equal(await focused(page), 'logs', 'the focus is in the window that was opened');
    await press('F6');
    assert.equal(await focused(page), 'dashboard');
    await press('F6');
    assert.equal(await focused(page), 'logs');
    const before = await rectOf(page, 'logs');
    await press('ArrowRight', 'ArrowDown', 'ArrowDown');
    const moved = await rectOf(page, 'logs');
    assert.deepEqual(moved, { ...before, x: before.x + 24, y: before.y + 48 });
    await press('Shift+ArrowRight', 'Shift+ArrowUp');
    const resized = await rectOf(page, 'logs');
    assert.deepEqual(resized, { ...moved, width: moved.width + 24, height: moved.height - 24 });
    await page.waitForFunction(() => /Logs: left \d+, top \d+/.test(document.querySelector('#desktop > [role=status]').textContent));
    await press('Escape');
    assert.deepEqual(await rectOf(page, 'logs'), before, 'Escape takes it back');
    for (let i = 0; i < 60; ++i) await press('ArrowUp');
    assert.equal((await rectOf(page, 'logs')).y, 0, 'not under the task bar');
    await press('Enter');
    assert.equal((await rectOf(page, 'logs')).x, 0, 'maximized');
    await press('Enter', 'Tab', 'Tab', 'Escape'); // from a button of the window
    assert.equal(await page.evaluate(() => document.activeElement.dataset.opens), 'logs', 'Escape leads to the task bar');
    const kept = await rectOf(page, 'logs');
    await page.reload();
    await page.waitForSelector('#window-logs');
    assert.deepEqual(await rectOf(page, 'logs'), kept, 'the layout is remembered');
    await page.focus('[data-opens=logs]');
    await press('Delete');
    assert.equal(await page.locator('#window-logs').count(), 0);
    assert.equal(await focused(page), 'dashboard', 'the focus goes on to the next window');
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  const phone = t.test('a phone has sheets, and tabs for them', async () => {
    const { page, problems } = await openTab(await browser.newContext({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true }), address);
    const tab = (name) => page.getByRole('tab', { name });
    await page.waitForSelector('#window-dashboard:not([hidden])');
    assert.equal(await tab('Dashboard').getAttribute('aria-selected'), 'true');
    for (const name of ['Console', 'Logs', 'Identity', 'Services']) {
      await tab(name).tap();
      assert.equal(await tab(name).getAttribute('aria-selected'), 'true');
      const sheet = await rectOf(page, name.toLowerCase());
      assert.deepEqual([sheet.x, sheet.y, sheet.width], [0, 0, 390], `${name} fills the screen`);
      assert.equal(await page.locator('.window:not([hidden])').count(), 1);
    }
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390), 'nothing sticks out');
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  const services = t.test('services: who is listed, and what the filter leaves', async () => {
    const { page, problems } = await openTab(await browser.newContext(), address);
    const window = await openWindow(page, 'Services');
    const native = bootstrap.peers.find(({ name }) => name === 'native visor');
    const row = window.getByRole('row').filter({ has: page.locator(`code[title="${native.pk}"]`) });
    await row.waitFor();
    assert.match(await row.textContent(), /visor.*native visor.*stcpr tcp:\/\/127\.0\.0\.1:\d+/s);
    await window.getByRole('searchbox', { name: 'Filter services' }).fill('no such service');
    await window.getByText('No service matches the filter.').waitFor();
    await window.getByRole('searchbox', { name: 'Filter services' }).fill('native');
    await row.waitFor();
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  const contents = t.test('logs, console and hooks', async () => {
    const { page, pk, problems } = await openTab(await browser.newContext(), address);
    const logs = await openWindow(page, 'Logs');
    await page.evaluate(() => {
      for (let i = 0; i < 5100; ++i) window.skywireLog.emit(i % 100 ? 'debug' : 'warn', [`line ${i}`, { i }]);
      window.skywireLog.subscribe(() => { throw new Error('a listener of somebody else'); });
      window.skywireLog.emit('error', ['<img src=x onerror="document.title=1"><b>bold</b>']);
    });
    const lines = () => logs.locator('.log-lines li').count();
    await until(lines, (count) => count === 5000, kWithinMs, 'the ring of 5000 lines');
    assert.match(await logs.locator('.log-lines li').last().textContent(), /<img src=x/, 'words stay words');
    assert.equal(await page.locator('img').count(), 0);
    await logs.getByLabel('Level').selectOption('warn');
    const severe = await page.evaluate(() => window.skywireLog.all().filter(({ level }) => level === 'warn' || level === 'error').length);
    assert.ok(severe >= 50, `${severe} warnings and errors`);
    await until(lines, (count) => count === severe, kWithinMs, `${severe} warnings and errors`);
    await logs.getByLabel('Filter').fill('line 4900');
    await until(lines, (count) => count === 1, kWithinMs, 'the one that matches');
    await logs.getByRole('button', { name: 'Clear' }).click();
    await until(lines, (count) => count === 0, kWithinMs, 'none');

    await page.waitForFunction(() => window.skywireVisor.status().then(({ transports }) => transports === 2));
    const shell = await openWindow(page, 'Console');
    const line = shell.getByRole('combobox');
    const entry = shell.locator('.entry').last();
    await line.pressSequentially('tra');
    await line.press('Tab');
    await line.pressSequentially('li');
    await line.press('Tab');
    assert.equal(await line.inputValue(), 'transports list ');
    await line.press('Enter');
    await until(() => entry.locator('tbody tr').count(), (count) => count === 2, kWithinMs, 'a table of two transports');
    await line.fill('kernel log --level loud --tail 1');
    await line.press('Enter');
    await until(() => entry.textContent(), (text) => /level.*EINVAL/s.test(text), kWithinMs, "the kernel's own refusal");
    await line.fill('transports wacth');
    await line.press('Enter');
    await until(() => entry.textContent(), (text) => /did you mean "watch"/.test(text), kWithinMs, 'what was meant');
    await line.press('ArrowUp');
    await line.press('ArrowUp');
    assert.equal(await line.inputValue(), 'kernel log --level loud --tail 1');
    await line.fill('transports watch');
    await line.press('Enter');
    await until(() => entry.textContent(), (text) => /[2-9] so far/.test(text), kWithinMs, 'a stream that goes on');
    await line.press('Control+c');
    await until(() => entry.textContent(), (text) => /stopped/.test(text), kWithinMs, 'the stream stopped');

    const answers = await page.evaluate(async () => {
      const { skywireVisor: visor } = window;
      const text = ({ status, body }) => [status, JSON.parse(new TextDecoder().decode(body))];
      const pk = await visor.boot();
      return {
        pk, status: await visor.status(), stats: JSON.parse(await visor.visorStats()),
        about: text(await visor.hvApi('GET', '/api/about')), transports: text(await visor.hvApi('GET', `/api/visors/${pk}/transports`)),
        command: text(await visor.hvApi('POST', '/api/kernel/log', '{"tail":1,"follow":false}')), nothing: text(await visor.hvApi('GET', '/nothing')),
        edge: JSON.parse(await visor.tpdEdge(pk)), refused: await visor.boot('00').catch(({ code }) => code),
        dialled: await visor.dialTransport((await (await fetch('/bootstrap.json')).json()).peers[0].pk, 'swsr'),
      };
    });
    assert.deepEqual([answers.pk, answers.status.pk, answers.stats.pk, answers.about[1].public_key], [pk, pk, pk, pk]);
    assert.deepEqual([answers.status.booted, answers.status.transports, answers.stats.transports, answers.transports[1].length], [true, 2, 2, 2]);
    assert.equal(answers.stats.transport_registration.live_count, 2);
    assert.deepEqual([answers.transports[0], answers.command[0], answers.nothing[0], answers.refused], [200, 200, 404, 'EEXIST']);
    assert.equal(answers.command[1].level, 'info');
    assert.ok(answers.edge.every((row) => row.edges.includes(pk)));
    assert.equal(answers.dialled.state, 'serving');
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  const own = t.test('without a SharedWorker each tab has a visor of its own', async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => { delete window.SharedWorker; });
    const first = await openTab(context, address);
    const second = await openTab(context, address);
    assert.notEqual(second.pk, first.pk, 'two visors of one key would take each other\'s connections');
    await until(ask, (metrics) => measured(metrics, first.pk) && measured(metrics, second.pk), kWithinMs, 'both on /metrics');
    await first.page.reload();
    assert.equal(await keyOf(first.page), first.pk);
    await context.close();
  });

  const failing = t.test('a shared worker whose script fails is replaced', async () => {
    const context = await browser.newContext();
    await context.route('**/shared-worker.js', (route) => route.fulfill({ status: 404 }));
    const { page, pk } = await openTab(context, address);
    assert.equal(await page.evaluate(() => document.body.dataset.shared), 'false');
    await until(ask, (metrics) => measured(metrics, pk), kWithinMs, 'it on /metrics');
    await context.close();
  });

  const refused = t.test('where nothing can be stored the key goes with the tab', async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError'); } }));
    const first = await openTab(context, address);
    const second = await openTab(context, address);
    assert.notEqual(first.pk, second.pk);
    assert.deepEqual(first.problems, []);
    await context.close();
  });

  await Promise.all([keyboard, phone, services, contents, own, failing, refused]);
});

test('many browsers at once, and a network that goes away', async (t) => {
  await t.test(`${kBrowsers} browsers are all on /metrics`, async () => {
    const began = performance.now();
    const contexts = await Promise.all(Array.from({ length: kBrowsers }, () => browser.newContext()));
    for (const context of contexts) await context.addInitScript(() => { localStorage['visor-desktop'] = '{"order":[]}'; }); // nobody looks at them
    const tabs = await Promise.all(contexts.map((context) => openTab(context, address, undefined, 2 * kWithinMs)));
    assert.equal(new Set(tabs.map(({ pk }) => pk)).size, kBrowsers);
    await until(ask, (metrics) => tabs.every(({ pk }) => measured(metrics, pk)?.length === bootstrap.peers.length), kWithinMs, 'each with its transports');
    t.diagnostic(`${kBrowsers} browsers on /metrics ${Math.round(performance.now() - began)} ms after the first was opened`);
    assert.deepEqual(tabs.flatMap(({ problems }) => problems), []);
    await Promise.all(contexts.map((context) => context.close()));
  });

  await t.test('the page shows that the network is away, and is back with it', async () => {
    const context = await browser.newContext();
    const { page, pk } = await openTab(context, address);
    const phase = (name) => page.waitForFunction((wanted) => document.querySelector('#state').dataset.state === wanted, name, { timeout: kWithinMs });
    await phase('up');
    await demo.program.stop();
    await phase('reconnecting');
    await context.setOffline(true);
    await phase('offline');
    const again = new Program(t, visorProgram, demoArguments(new URL(address).port, demo.data));
    await again.line(/^a tab opened here is a visor/);
    await context.setOffline(false);
    await phase('up');
    assert.equal(await page.evaluate(() => document.body.dataset.pk), pk);
    await until(ask, (metrics) => rowsOf(metrics, pk).some((row) => row.live), kWithinMs, 'it on /metrics again');
    await context.close();
  });
});
