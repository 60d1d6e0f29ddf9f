// A stranger's plugin in a tab: built for wasm against the installed SDK, booted by the installed visor.js.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { buildProject, copyTemplate, install, prefix, tidy } from './support.mjs';

before(install);
after(tidy);

test('the template: a bundle of its plugin and of ours', async (t) => {
  const out = buildProject(copyTemplate('template'), '--toolchain', path.join(prefix, 'lib/cmake/Visor/wasm32-wasi.cmake'));
  const { boot } = await import(pathToFileURL(path.join(prefix, 'share/visor/web/visor.js')));
  process.chdir(out); // as docs/plugin-guide.md has it
  const visor = await boot({
    wasm: 'hello_tab.wasm',
    config: { plugins: [{ plugin: 'storage_memory' }, { plugin: 'hello', config: { greeting: 'Good day' } }] },
  });
  t.after(() => visor.stop());
  assert.deepEqual(await visor.call('hello', 'greet', { name: 'Ada' }), { text: 'Good day, Ada' });
  const counted = [];
  for await (const value of visor.stream('hello', 'count', { to: 3 })) counted.push(value);
  assert.deepEqual(counted, [1, 2, 3]);
  await assert.rejects(visor.call('hello', 'greet', {}), /name/);
  assert.equal((await visor.call('hello', 'status')).greeted, 1);
});
