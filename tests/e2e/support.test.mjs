// What a test leaves is put away in the reverse order: a program ends before the folder goes that it writes to.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, temporaryFolder } from './support.mjs';

const support = fileURLToPath(new URL('support.mjs', import.meta.url));

/** Runs a file of tests of its own; what it printed. */
async function runTests(t, source) {
  const file = path.join(temporaryFolder(t), 'inner.test.mjs');
  writeFileSync(file, `import * as support from ${JSON.stringify(support)};\nimport { test } from 'node:test';\n${source}`);
  const { NODE_TEST_CONTEXT, ...env } = process.env; // it is a run of its own
  return (await run(t, 'node', ['--test', '--test-reporter=tap', file], { env, timeout: 60000, killSignal: 'SIGKILL' })).text;
}

/* Writes without pause into folders that it makes, as a drive does, and says where it is. */
const writer = `const fs = require('node:fs'), folder = process.argv[1];
  for (let i = 0; ; ++i) {
    fs.mkdirSync(folder + '/' + i % 50, { recursive: true });
    fs.writeFileSync(folder + '/' + i % 50 + '/' + i % 1000, 'x');
    if (i === 1000) console.log('writing');
  }`;

for (const [whose, t] of [['a test', 't'], ['a whole file', 'support.wholeFile']]) {
  test(`the folder and the program of ${whose}`, async (context) => {
    const text = await runTests(context, `
      test('writes', async (t) => {
        const folder = support.temporaryFolder(${t});
        console.log('folder ' + folder);
        const program = new support.Program(${t}, 'node', ['-e', ${JSON.stringify(writer)}, folder]);
        await program.line(/writing/);
        console.log('process ' + program.process.pid);
      });`);
    const [, folder] = text.match(/folder (\S+)/), [, pid] = text.match(/process (\d+)/);
    const runs = existsSync(`/proc/${pid}`);
    if (runs) process.kill(Number(pid), 'SIGKILL');
    assert.equal(runs, false, `the program still ran:\n${text}`);
    assert.equal(existsSync(folder), false, `the folder was still there:\n${text}`);
    assert.match(text, /# fail 0/);
  });
}

test('a step that fails is told, and keeps no other from running', async (t) => {
  const text = await runTests(t, `
    test('fails', (t) => {
      support.atEnd(t, () => console.log('first, put away last'));
      support.atEnd(t, () => { throw new Error('the step that fails'); });
      support.atEnd(t, async () => { await new Promise(setImmediate); console.log('last, put away first'); });
    });`);
  assert.match(text, /last, put away first[^]*first, put away last/);
  assert.match(text, /the step that fails/);
  assert.match(text, /# fail 1/);
});
