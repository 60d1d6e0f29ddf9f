// node sizes.mjs LIMITS.json FILE...: what each file weighs, raw and compressed as gateways serve it, and whether that
// stays within LIMITS ({"visor.wasm": {"raw": bytes, "gzip": bytes, "brotli": bytes}}), which are a few percent above
// what was committed: whoever makes a tab load more says so by raising a limit.
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [limitsFile, ...files] = process.argv.slice(2);
if (!limitsFile || files.length === 0) {
  console.error('usage: sizes.mjs LIMITS.json FILE...');
  process.exit(2);
}
const limits = JSON.parse(fs.readFileSync(limitsFile, 'utf8'));

function weigh(file) {
  const data = fs.readFileSync(file);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
  };
  return { raw: data.length, gzip: gzipSync(data, { level: 9 }).length, brotli: brotliCompressSync(data, { params }).length };
}

console.log(`${'file'.padEnd(24)}${['raw', 'gzip', 'brotli'].map((kind) => kind.padStart(12)).join('')}`);
for (const file of files) {
  const name = path.basename(file);
  const sizes = weigh(file);
  console.log(`${name.padEnd(24)}${Object.values(sizes).map((size) => String(size).padStart(12)).join('')}`);
  if (!limits[name]) {
    console.error(`${limitsFile} has no limit for ${name}`);
    process.exitCode = 1;
    continue;
  }
  for (const [kind, size] of Object.entries(sizes)) {
    const limit = limits[name][kind];
    if (size <= limit) continue;
    console.error(`${name}: ${size} bytes ${kind}, ${(100 * (size / limit - 1)).toFixed(1)} % above the limit of ${limit}; ` +
      `find what grew (docs/design.md, "What a tab loads"), or raise the limit in ${limitsFile} and say why`);
    process.exitCode = 1;
  }
  if (name === 'visor.wasm') {
    console.log(JSON.stringify({ bench: 'size.tab_brotli_kb', unit: 'kB', better: 'less', ours: sizes.brotli / 1000, floor: null, peer: null, peer_value: null, runs: 1 }));
  }
}
