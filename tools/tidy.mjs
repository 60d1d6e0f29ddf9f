// tidy.mjs FOLDER_WITH_compile_commands.json [--newest N] [--jobs N] [FILE...]: clang-tidy with .clang-tidy over our
// sources, or those given, or the N outside of tests/ that were committed last.  What it finds is on stdout, and then the
// exit code is 1.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { newest: { type: 'string' }, jobs: { type: 'string', default: String(os.cpus().length) } },
});
const [folder, ...given] = positionals;
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).split('\n').filter(Boolean);

// One command a file, also where several targets compile it, and none of the options that only g++ knows.
const commands = new Map();
for (const command of JSON.parse(readFileSync(path.join(folder, 'compile_commands.json'), 'utf8'))) {
  command.command = command.command.replace(/ -fno-gnu-unique| -Wno-restrict| -Wno-maybe-uninitialized/g, '');
  commands.set(path.relative('.', command.file), command);
}

function chosen() {
  if (given.length > 0) return given.map((file) => path.relative('.', file));
  if (!values.newest) return git('ls-files', '*.cpp');
  const sources = ['*.cpp', ':!tests/'];
  const newest = new Set(git('log', '-n', '1000', '--format=', '--name-only', '--diff-filter=AM', '--', ...sources));
  return [...newest].filter((file) => commands.has(file)).slice(0, Number(values.newest));
}
const files = chosen().filter((file) => commands.has(file));

const database = mkdtempSync(path.join(os.tmpdir(), 'visor-tidy-'));
// As where clang compiles: -Wconversion means more to it than to g++, and libstdc++ 12's own std::stable_sort calls what
// is deprecated.
const options = ['--quiet', '-p', database, '--extra-arg=-Wno-sign-conversion', '--extra-arg=-Wno-deprecated-declarations'];
let failed = 0;
try {
  writeFileSync(path.join(database, 'compile_commands.json'), JSON.stringify([...commands.values()]));
  const left = [...files];
  const run = promisify(execFile);
  async function work() {
    for (let file = left.shift(); file; file = left.shift()) {
      try {
        await run('clang-tidy-19', [...options, file], { maxBuffer: 1 << 26 });
      } catch (error) {
        failed += 1;
        process.stdout.write(error.stdout || `${file}: ${error.stderr || error.message}\n`);
      }
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
} finally {
  rmSync(database, { recursive: true });
}
console.log(`clang-tidy: ${files.length} files, ${failed} with findings`);
process.exitCode = failed > 0 || files.length === 0 ? 1 : 0;
