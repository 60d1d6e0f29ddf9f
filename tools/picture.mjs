// Takes the pictures of docs/images from the running demo, as people see it.
//   VISOR=build/release/programs/visor/visor node tools/picture.mjs
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { startBrowser, startDemo } from '../tests/e2e/support.mjs';

const folder = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../docs/images');
const endings = [];
const t = { after: (fn) => endings.unshift(fn) };

async function shoot(browser, address, name, viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 2 });
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => document.querySelectorAll('#all-rows tr.own').length >= 2 &&
    [...document.querySelectorAll('#mine-rows .plot path.area')].length >= 6, null, { timeout: 30000 });
  await page.waitForTimeout(12000); // the plots fill: a picture needs something to look at
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  return context;
}

try {
  mkdirSync(folder, { recursive: true });
  const { address } = await startDemo(t);
  const browser = await startBrowser(t);
  await Promise.all([shoot(browser, address, 'dashboard', { width: 1200, height: 800 }, 'light'),
                     shoot(browser, address, 'dashboard-phone', { width: 390, height: 800 }, 'dark')]);
  console.log(`pictures are in ${path.relative('.', folder)}`);
} finally {
  for (const end of endings) await end();
}
