// The page as the end-to-end tests open it, and the TPD's /metrics as they read it.

/** Opens the page; resolves when its visor runs and its desktop is drawn, whichever is first.  `problems` gathers what a
 *  developer would see in red. */
export async function openTab(context, address, prepare = () => {}, timeout = 30000) {
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
  await prepare(page);
  const opened = performance.now();
  await page.goto(address, { timeout });
  const pk = await keyOf(page, timeout);
  await page.waitForSelector('#state', { state: 'attached', timeout });
  return { page, pk, opened, problems };
}

/** The key of the page's visor, as soon as it runs. */
export async function keyOf(page, timeout = 30000) {
  await page.waitForFunction(() => document.body.dataset.pk, null, { timeout });
  return page.evaluate(() => document.body.dataset.pk);
}

/** The transports of a visor. */
export function rowsOf(metrics, pk) { return metrics.filter((row) => row.edges?.includes(pk)); }

/** What went over transports, by whichever edge saw more. */
export function bytesOf(rows) {
  return rows.reduce((total, row) => total + (row.daily ?? []).reduce(
    (sum, day) => sum + Math.max(day.a.sent + day.a.recv, day.b.sent + day.b.recv), 0), 0);
}

/** Bytes that `pk` itself reported of its transports, all days and both directions. */
export function reportedBy(metrics, pk) {
  let total = 0;
  for (const row of metrics) {
    const side = row.edges?.[0] === pk ? 'a' : row.edges?.[1] === pk ? 'b' : null;
    if (side) for (const day of row.daily ?? []) total += day[side].sent + day[side].recv;
  }
  return total;
}

/** What the page's visor has counted since it started. */
export function countedBy(page) {
  return page.evaluate(async () => {
    const [{ boot }, { loadKey }, { findNetwork, tabConfiguration }] = await Promise.all(['/visor.js', '/key-store.js', '/tab-visor.js'].map((file) => import(file)));
    const { secretKey } = await loadKey();
    const visor = await boot({ config: tabConfiguration(await findNetwork()), secretKey, shared: true }); // the page's own
    const transports = await visor.call('transports', 'list');
    return transports.reduce((sum, transport) => sum + transport.sent_bytes + transport.received_bytes, 0);
  });
}

/** The first leaves that the page's visor hears of a feed over skynet: paths and sizes. */
export function followedBy(page, owner, port) {
  return page.evaluate(async ([owner, port]) => {
    const [{ boot }, { loadKey }, { findNetwork, tabConfiguration }] = await Promise.all(['/visor.js', '/key-store.js', '/tab-visor.js'].map((file) => import(file)));
    const { secretKey } = await loadKey();
    const visor = await boot({ config: tabConfiguration(await findNetwork()), secretKey, shared: true }); // the page's own
    for await (const { changes } of visor.stream('feeds', 'watch', { owner, port, network: 'skynet' })) {
      if (changes.length > 0) return changes;
    }
    return [];
  }, [owner, port]);
}

/** The transports of a visor if each is live and has been measured, or null. */
export function measured(metrics, pk) {
  const rows = rowsOf(metrics, pk);
  return rows.length > 0 && rows.every((row) => row.live && row.latency?.avg > 0) && bytesOf(rows) > 0 ? rows : null;
}
