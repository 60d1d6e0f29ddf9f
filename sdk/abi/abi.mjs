// What a release of the headers promised, and whether headers still keep it.
//   node sdk/abi/abi.mjs keep VERSION      at a release: keeps its headers, their description and the template in
//                                        sdk/abi/VERSION/
//   node sdk/abi/abi.mjs check [INCLUDE]   fails if the headers break what a kept release promised
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const todaysHeaders = path.resolve(here, '../include');

/** The releases that are kept: their versions. */
export function keptReleases() {
  return readdirSync(here).filter((name) => /^\d+\.\d+\.\d+$/.test(name)).sort();
}
export const keptFolder = (version) => path.join(here, version);

/** Every struct of the headers with its members: {visor_op: ['kind', 'zero', 'key', 'value'], ...}. */
export function structs(include) {
  const found = {};
  const folder = path.join(include, 'visor');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.h')).sort()) {
    const text = readFileSync(path.join(folder, file), 'utf8').replace(/\/\*[^]*?\*\//g, '');
    for (const [, name, body] of text.matchAll(/^typedef struct (visor_\w+) \{([^}]*)\}/gm)) {
      found[name] = body.split(';').flatMap((declaration) => {
        const fn = declaration.match(/^\s*[^(]*\(\*(\w+)\)\s*\(/);
        if (fn) return [fn[1]];
        return [...declaration.matchAll(/\*?(\w+)(?:\[\w+\])?\s*(?:,|$)/g)].map((match) => match[1]);
      });
    }
  }
  return found;
}

/** A shared object with a variable for every struct: an ABI of tables has no functions that a comparison could see. */
export function buildProbe(include, folder) {
  const source = path.join(folder, 'probe.c');
  const object = path.join(folder, 'libvisor-probe.so');
  const variables = Object.keys(structs(include)).map((name) => `${name} *probe_of_${name};\n`);
  writeFileSync(source, `#include <visor/visor.h>\n${variables.join('')}`);
  // Names of files are in what is kept: none of this machine's.
  execFileSync('cc', ['-std=c11', '-g', '-shared', '-fPIC', `-I${include}`, `-ffile-prefix-map=${include}=include`,
    `-ffile-prefix-map=${folder}=.`, 'probe.c', '-o', object], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  return object;
}

function inFolder(fn) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'visor-abi-'));
  try {
    return fn(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// What may grow, at its end: tables, and the rows and options that say their own size.
const grows = /^visor_(\w+_(api|events|options)|caller|plugin|command|transport)$/;

/** The entries of abidiff's report, without those that only say that a struct has grown at its end. */
function withoutAppends(report) {
  const [summary, ...entries] = report.split(/\n(?='struct |\S.* changed:)/);
  const others = entries.filter((entry) => {
    const lines = entry.trim().split('\n');
    const name = lines.shift().match(/^'struct (visor_\w+)/)?.[1];
    const oldBits = Number(lines.shift()?.match(/^ *type size changed from (\d+) to \d+ \(in bits\)$/)?.[1]);
    const count = lines.shift()?.match(/^ *(\d+) data member insertions?:$/)?.[1];
    const appended = lines.filter((line) => Number(line.match(/^ *'.*', at offset (\d+) \(in bits\)/)?.[1]) >= oldBits);
    return !(grows.test(name) && appended.length === Number(count) && appended.length === lines.length);
  });
  const elsewhere = /^Removed\/Changed\/Added \w+ summary: (?!0 Removed, 0 Changed\b)/m.test(summary); // a struct that went, whole
  return others.length || elsewhere || entries.length === 0 ? [summary, ...others].join('\n') : '';
}

/** What headers change of a kept release that breaks plugins, in abidiff's words; empty if nothing does. */
export function breaks(version, include) {
  return inFolder((folder) => {
    const probe = buildProbe(include, folder);
    const { status, stdout, stderr, error } = spawnSync('abidiff',
      ['--leaf-changes-only', '--no-added-syms', '--no-show-locs', path.join(keptFolder(version), 'visor.abixml'), probe], { encoding: 'utf8' });
    if (error) throw new Error(`abidiff (Debian's abigail-tools) compares the ABI: ${error.message}`);
    if (status & 3) throw new Error(`abidiff failed: ${stderr}`); // its bits: 1 error, 2 usage, 4 change, 8 break
    return status === 0 ? '' : withoutAppends(stdout);
  });
}

function keep(version) {
  if (!/^\d+\.\d+\.\d+$/.test(version ?? '')) throw new Error('keep which VERSION? for example 0.2.0');
  const target = keptFolder(version);
  if (existsSync(target)) throw new Error(`${version} is kept already; what a release promised does not change`);
  inFolder((folder) => {
    const probe = buildProbe(todaysHeaders, folder);
    mkdirSync(target);
    cpSync(todaysHeaders, path.join(target, 'include'), { recursive: true });
    cpSync(path.resolve(here, '../template/hello.cpp'), path.join(target, 'template/hello.cpp'));
    execFileSync('abidw', ['--no-corpus-path', '--no-comp-dir-path', '--no-show-locs', probe, '--out-file', path.join(target, 'visor.abixml')]);
  });
  console.log(`kept: ${path.relative(process.cwd(), target)}`);
}

function check(include) {
  let broken = 0;
  for (const version of keptReleases()) {
    const report = breaks(version, include);
    console.log(report ? `plugins built against ${version} break:\n${report}` : `plugins built against ${version} still fit`);
    broken += report ? 1 : 0;
  }
  return broken ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [command, argument] = process.argv.slice(2);
  try {
    if (command === 'keep') keep(argument);
    else if (command === 'check') process.exitCode = check(path.resolve(argument ?? todaysHeaders));
    else throw new Error('expected: keep VERSION, or check [INCLUDE]');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
