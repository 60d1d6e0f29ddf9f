// The tree's own source files, what they include, and the rooms that they are in (docs/design.md).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Every file that is tracked, or would be. */
export function listFiles(root) {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  return new Set(listed.split('\n').filter(Boolean));
}

export const isCpp = (file) => /\.(h|hpp|c|cpp)$/.test(file);

export const readLines = (root, file) => readFileSync(path.join(root, file), 'utf8').split('\n');

/** 'plugins/feeds' for a plugin's file, the top folder for any other; with `libraries` also 'lib/noise'. */
export function roomOf(file, { libraries = false } = {}) {
  const parts = file.split('/');
  const inner = parts[0] === 'plugins' || (libraries && parts[0] === 'lib');
  return inner ? parts.slice(0, 2).join('/') : parts[0];
}

/** The project's file that a line of `file` includes, or null: no include, the standard library, third parties. */
export function included(file, line, files) {
  const name = line.match(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/)?.[1];
  if (!name) return null;
  if (name.startsWith('visor/')) return `sdk/include/${name}`;
  const beside = path.posix.normalize(path.posix.join(path.posix.dirname(file), name));
  return [beside, name].find((candidate) => files.has(candidate)) ?? null;
}
