// node --test trace.test.mjs, with NATIVE and WASM naming the two programs of the plugins' tests: the simulated
// network runs in both, and every byte of it must be the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const name = 'a network under loss and cuts has one trace a seed';

function traces(program, args) {
  const text = execFileSync(program, [...args, name], { encoding: 'utf8' });
  const found = [...text.matchAll(/^trace of seed (\d+): (\d+)$/gm)].map(([, seed, trace]) => [seed, trace]);
  assert.equal(found.length, 2, text);
  return found;
}

test('one seed gives one trace, natively and in wasm', () => {
  const { NATIVE, WASM } = process.env;
  const here = path.dirname(fileURLToPath(import.meta.url));
  const run = path.join(here, '../wasm/run.mjs');
  assert.deepEqual(traces(process.execPath, ['--no-warnings', run, WASM, here]), traces(NATIVE, []));
});
