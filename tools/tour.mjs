// Takes the pictures of docs/tour.md from the running demo, as people see it: `make tour`, or
//   VISOR=build/release/programs/visor/visor VISOR_CHAT=build/release/clients/tui/visor-chat VISOR_PAGE=build/wasm/web node tools/tour.mjs [NAME...]
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { json, standalone, startBrowser, startDemo } from '../tests/e2e/support.mjs';
import { Terminal, keys } from '../tests/e2e/terminal.mjs';
import { squeeze } from './png.mjs';

const folder = fileURLToPath(new URL('../docs/images', import.meta.url));
const kMaxBytes = 120 * 1024;
const kPlotsMs = 25000;        // the plots fill: a picture needs something to look at
const desk = { width: 1000, height: 860 }, phone = { width: 390, height: 780 };

const openWindow = async (page, name) => {
  await page.click('#menu');
  await page.click(`[role=menu] button:has-text("${name}")`);
};
const alone = async (page, name) => {
  await openWindow(page, name);
  await page.click('.window.front .maximize');
};
/** Two more visors to talk with: the native one, and one in a browser of its own. */
const people = async (page, { gateway, friend }) => {
  const post = (command, args) => json(`${gateway}/api/chat/${command}`, { method: 'POST', body: JSON.stringify(args) });
  const pk = await page.evaluate(() => document.body.dataset.pk);
  const native = (await json(`${gateway}/api/kernel/status`)).key;
  const other = await friend.evaluate(() => document.body.dataset.pk);
  await page.evaluate(([to]) => window.skywireVisor.skychatSend(to, 'Is the relay up again?'), [native]);
  await post('send', { to: pk, text: 'Since this morning. Nothing was lost.' });
  await post('read', { peer: pk });
  const { id, invite } = await page.evaluate((members) => window.skywireVisor.call('chat', 'group_create', { name: 'Friends', members }), [native, other]);
  const sees = (who, text) => who.waitForFunction(([group, words]) => window.skywireVisor.skychatGroupMessages(group).includes(words), [id, text]);
  await post('group_join', { invite });
  await friend.evaluate((link) => window.skywireVisor.skychatGroupJoin(link), invite);
  await page.evaluate((group) => window.skywireVisor.skychatGroupSend(group, 'Welcome! Everybody here follows everybody, so nobody has to stay online.'), id);
  await sees(friend, 'Welcome');
  await friend.evaluate((group) => window.skywireVisor.call('chat', 'group_messages', { group }).then(([first]) => window.skywireVisor.call('chat', 'group_send', { group, text: 'Good to know!', reply_to: first.path })), id);
  await sees(page, 'Good to know');
  await post('group_send', { group: id, text: 'And it works from a browser, a server and a terminal.' });
  await sees(page, 'a terminal');
  await friend.evaluate((to) => window.skywireVisor.skychatSend(to, 'Hi, we met yesterday'), pk);
  await page.waitForFunction(() => window.skywireVisor.skychatMessages().includes('yesterday'));
  await page.evaluate((group) => window.skywireVisor.skychatGroupSend(group, 'See you there.'), id);
};
const chat = async (page, world) => {
  await people(page, world);
  if (await page.locator('[data-opens=chat]').count()) await page.click('[data-opens=chat]');
  else await alone(page, 'Chat');
  await page.click('.room-button:has-text("Friends")');
  await page.mouse.move(0, 0); // nothing is pointed at
};
const kPalette = ['#2e3436', '#ef5350', '#8ae234', '#fce94f', '#729fcf', '#ad7fa8', '#34e2e2', '#d3d7cf',
  '#888a85', '#ff8a80', '#b9f6ca', '#fff59d', '#82b1ff', '#ea80fc', '#84ffff', '#ffffff'];
const kPaper = '#16191d', kInk = '#d3d7cf';
/** What visor-chat shows of the native visor's chat, drawn in the page's place. */
const terminal = async (page, world) => {
  await people(page, world);
  const shown = new Terminal(world.t, `--gateway ${world.gateway}`, 96, 20);
  await shown.shows(/# Friends/);
  for (let i = 0; i < 8 && !/See you there/.test(shown.lines().join('\n')); ++i) {
    shown.type(keys.tab);
    await page.waitForTimeout(300);
  }
  await shown.shows(/See you there/);
  shown.type('Bring the maps');
  await shown.shows(/> Bring the maps/);
  await page.setContent(`<style>body { margin: 0; padding: 12px 16px; background: ${kPaper}; color: ${kInk}; } pre { margin: 0; font: 15px/1.3 "DejaVu Sans Mono", monospace; }</style><pre></pre>`);
  await page.evaluate(([lines, palette, paper, ink]) => {
    const colour = (index, otherwise) => palette[index] ?? otherwise;
    for (const line of lines) {
      for (const { text, fg, bg, inverse, bold, dim, underlined } of line) {
        const span = document.createElement('span');
        span.textContent = text;
        const [front, back] = [colour(fg, ink), colour(bg, paper)];
        Object.assign(span.style, { color: inverse ? back : front, background: inverse ? front : back, fontWeight: bold ? 'bold' : '', opacity: dim ? 0.65 : '', textDecoration: underlined ? 'underline' : '' });
        document.querySelector('pre').append(span);
      }
      document.querySelector('pre').append('\n');
    }
  }, [shown.runs(), kPalette, kPaper, kInk]);
};
const type = async (page, line) => {
  await page.fill('.command', line);
  await page.press('.command', 'Escape');
  await page.press('.command', 'Enter');
  await page.waitForTimeout(500);
};

/** name: {viewport, dark?, layout? (rectangles by window), prepare(page)}; each is a browser of its own, so that there is a network to see. */
const pictures = {
  dashboard: { viewport: desk, prepare: (page) => page.click('.window.front .maximize') },
  'dashboard-dark': { viewport: desk, dark: true, prepare: (page) => page.click('.window.front .maximize') },
  desktop: {
    viewport: { width: 1200, height: 760 },
    layout: { dashboard: [20, 20, 660, 684], console: [560, 60, 620, 330], logs: [620, 420, 560, 284] },
    async prepare(page) {
      await openWindow(page, 'Logs');
      await openWindow(page, 'Console');
      for (const line of ['clear', 'net']) await type(page, line);
    },
  },
  logs: { viewport: { width: 900, height: 460 }, prepare: (page) => alone(page, 'Logs') },
  console: {
    viewport: { width: 960, height: 640 },
    async prepare(page) {
      await alone(page, 'Console');
      for (const line of ['clear', 'transports list', 'help kernel log', 'transports lst']) await type(page, line);
      await page.type('.command', 'kernel log --level ');
    },
  },
  identity: {
    viewport: { width: 720, height: 720 },
    async prepare(page) {
      await alone(page, 'Identity');
      await page.click('text="Draw a new one"');
      await page.waitForSelector('.danger:not([hidden])');
    },
  },
  'chat-terminal': { viewport: { width: 900, height: 416 }, prepare: terminal }, // before the native visor has the others' groups
  chat: { viewport: { width: 900, height: 560 }, prepare: chat },
  'chat-invite': {
    viewport: { width: 900, height: 760 }, dark: true,
    async prepare(page, world) {
      await chat(page, world);
      await page.click('[aria-label=Details]');
      await page.click('text="QR code"');
      await page.waitForSelector('.qr');
    },
  },
  'chat-phone': { viewport: phone, prepare: chat },
  'dashboard-phone': { viewport: phone, prepare: async () => {} },
  'console-phone': {
    viewport: phone, dark: true,
    async prepare(page) {
      await page.click('[data-opens=console]');
      for (const line of ['clear', 'kernel status']) await type(page, line);
    },
  },
};

async function openPage(browser, address, { viewport, dark, layout = {} }) {
  const context = await browser.newContext({ viewport, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', deviceScaleFactor: viewport.width < 500 ? 1.5 : 1 });
  const windows = Object.fromEntries(Object.entries(layout).map(([id, [x, y, width, height]]) => [id, { rect: { x, y, width, height } }]));
  await context.addInitScript((kept) => { localStorage['visor-desktop'] ??= kept; }, JSON.stringify({ windows }));
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => document.body.dataset.shownMs, null, { timeout: 60000 });
  return page;
}

async function shoot(page, name, world) {
  await page.bringToFront();
  await pictures[name].prepare(page, world);
  await page.waitForTimeout(800);
  const file = path.join(folder, `${name}.png`);
  const png = squeeze(await page.screenshot());
  if (png.length > kMaxBytes) throw new Error(`${name}.png has ${png.length} bytes; at most ${kMaxBytes}: make its viewport smaller`);
  writeFileSync(file, png);
  console.log(`${path.relative('.', file)} ${Math.round(png.length / 1024)} KB`);
}

await standalone(async (t) => {
  mkdirSync(folder, { recursive: true });
  const { address, bootstrap } = await startDemo(t);
  const browser = await startBrowser(t);
  const pages = [];
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(pictures)) pages.push([await openPage(browser, address, pictures[name]), name]);
  const friend = await openPage(browser, address, { viewport: desk });
  const world = { gateway: `http://${new URL(bootstrap.peers.at(-1).address).host}`, friend, t };
  await new Promise((resolve) => { setTimeout(resolve, kPlotsMs); });
  for (const [page, name] of pages) await shoot(page, name, world);
});
