// A stranger's plugin in a tab: built for wasm against the installed SDK, hosted by the installed visor-host.js.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { buildProject, copyTemplate, install, prefix, tidy } from './support.mjs';

before(install);
after(tidy);

test('the template: a bundle of its plugin and of ours', async (t) => {
  const out = buildProject(copyTemplate('template'), '--toolchain', path.join(prefix, 'lib/cmake/Visor/wasm32-wasi.cmake'));
  const { VisorHost } = await import(pathToFileURL(path.join(prefix, 'share/visor/web/visor-host.js')));
  const host = await VisorHost.load({ wasm: readFileSync(path.join(out, 'hello_tab.wasm')) });
  t.after(() => host.stop());
  await host.boot({ config: { plugins: [{ plugin: 'storage_memory' }, { plugin: 'hello', config: { greeting: 'Good day' } }] } });
  assert.deepEqual(await host.call('hello', 'greet', { name: 'Ada' }), { text: 'Good day, Ada' });
  const counted = [];
  await host.call('hello', 'count', { to: 3 }, (value) => { counted.push(value); });
  assert.deepEqual(counted, [1, 2, 3]);
  await assert.rejects(host.call('hello', 'greet', {}), /name/);
  assert.equal((await host.call('hello', 'status')).greeted, 1);
});
