// Each plugin exports one symbol, visor_plugin_<name>, and nothing of its libraries.
//   node tests/house/symbols.mjs FOLDER
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const folder = process.argv[2];
const plugins = readdirSync(folder).filter((file) => /^visor-.*\.so$/.test(file));
const problems = plugins.length ? [] : [`no plugin in ${folder}`];
for (const file of plugins) {
  const out = execFileSync('nm', ['-D', '--defined-only', path.join(folder, file)], { encoding: 'utf8' });
  const symbols = out.trim().split('\n').filter((line) => !/__asan_|__ubsan_|__odr_asan/.test(line));
  const wanted = `visor_plugin_${file.slice('visor-'.length, -'.so'.length)}`;
  if (symbols.length !== 1 || !symbols[0].endsWith(` ${wanted}`)) problems.push(`${file} must define ${wanted} alone, it defines:\n${symbols.join('\n')}`);
}
for (const problem of problems) console.error(problem);
console.log(`${plugins.length} plugins, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
