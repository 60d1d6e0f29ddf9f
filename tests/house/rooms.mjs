// Who may know whom (docs/design.md): fails when a file includes a room that its own room must not know, when a
// plugin names another plugin, or when a promise is left in the tree.
//   node tests/house/rooms.mjs [ROOT]
import path from 'node:path';
import { included, isCpp, listFiles, readLines, roomOf } from './sources.mjs';

const root = path.resolve(process.argv[2] ?? '.');

// room -> what it may include besides itself, the standard library and third-party headers
const allowed = {
  sdk: [],
  lib: ['sdk', 'lib'],
  kernel: ['sdk', 'lib/crypto'],
  check: ['sdk', 'kernel', 'lib/crypto'],
  plugins: ['sdk', 'lib'],
  programs: ['sdk', 'lib', 'kernel', 'check'],
  clients: ['sdk', 'lib', 'kernel'],
};

const files = listFiles(root);
const problems = [];
let checked = 0;

for (const file of files) {
  const top = file.split('/')[0];
  if (!(top in allowed) || !isCpp(file)) continue;
  checked += 1;
  readLines(root, file).forEach((line, i) => {
    const target = included(file, line, files);
    if (target && roomOf(target) !== roomOf(file)) {
      const known = allowed[top].some((room) => target === room || target.startsWith(`${room}/`));
      if (!known) problems.push(`${file}:${i + 1}: ${top} must not know ${target} (it may know ${allowed[top].join(', ') || 'nobody'})`);
    }
    if (/\b(TODO|FIXME|XXX)\b/.test(line)) problems.push(`${file}:${i + 1}: a promise is left in the tree: ${line.trim()}`);
  });
}

// What a peer, a log or a file says is text on the page, never HTML.
for (const file of files) {
  if (!/^web\/.*\.(js|html)$/.test(file)) continue;
  readLines(root, file).forEach((line, i) => {
    const found = line.match(/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|createContextualFragment|DOMParser|eval\s*\(|setHTMLUnsafe)/);
    if (found) problems.push(`${file}:${i + 1}: ${found[1]} reads text as HTML or as a script; see web/page/elements.js`);
  });
}

// Debian 12 has Node 18.
for (const file of files) {
  if (!/\.(mjs|js)$/.test(file) || file.startsWith('tests/house/')) continue;
  readLines(root, file).forEach((line, i) => {
    const found = line.match(/import\.meta\.(dirname|filename)|\.getImportObject\(/);
    if (found) problems.push(`${file}:${i + 1}: ${found[0]} is not in Node 18, which Debian 12 has`);
  });
}

if (checked === 0) problems.push(`no source file found below ${root}`);
for (const problem of problems) console.error(problem);
console.log(`${checked} files, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
