// What the tests of an installed SDK share: the prefix, and projects of strangers that are built against it.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** The build folder under test; ctest names it. */
export const build = process.env.VISOR_BUILD ?? path.join(root, 'build/dev');
/** Everything below is removed when the tests begin anew. */
export const work = path.join(build, 'tests/sdk/work');
export const prefix = path.join(work, 'prefix');

/** Runs a program to its end and gives what it printed; an error shows everything it said. */
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26, ...options });
  } catch (error) {
    throw new Error(`${[command, ...args].join(' ')}: ${error.status ?? error.code}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  }
}

/** Installs the build into a prefix, which is then moved: nothing in it may remember where it was. */
export function install() {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  run('cmake', ['--install', build, '--prefix', path.join(work, 'first')]);
  renameSync(path.join(work, 'first'), prefix);
}

/** A prefix is as large as the build; what failed is in the test's output. */
export function tidy() {
  rmSync(work, { recursive: true, force: true });
}

/** Writes a project: {name: text}. */
export function project(name, files) {
  const folder = path.join(work, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  return folder;
}

/** The template, as it is installed, copied to where a stranger works. */
export function copyTemplate(name) {
  const folder = path.join(work, name);
  cpSync(path.join(prefix, 'share/visor/template'), folder, { recursive: true });
  return folder;
}

/** Configures and builds a project against the prefix alone; gives its build folder. */
export function buildProject(folder, ...options) {
  const out = path.join(folder, 'build');
  run('cmake', ['-G', 'Ninja', '-S', folder, '-B', out, '-DCMAKE_BUILD_TYPE=Release', ...options]);
  run('cmake', ['--build', out, '-j', '2']);
  const plan = readFileSync(path.join(out, 'build.ninja'), 'utf8');
  for (const room of ['sdk', 'kernel', 'lib', 'plugins', 'cmake']) {
    if (plan.includes(`${root}/${room}/`)) throw new Error(`${folder} is built with files of this tree: ${root}/${room}`);
  }
  return out;
}

/** The code blocks of a document: {language, text}, in order. */
export function codeBlocks(file, heading) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${file} has no heading "${heading}"`);
  const section = text.slice(start + heading.length + 2).split(/\n#{1,2} /)[0];
  return [...section.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, block]) => ({ language, text: block }));
}

