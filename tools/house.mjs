// Draws the house from its sources: docs/images/house.svg (rooms, and what each includes) and docs/house.md (the
// picture, what each plugin needs and offers, lines by room).
//   node tools/house.mjs        from the root; see `make house`
import { writeFileSync } from 'node:fs';
import { included, isCpp, listFiles, readLines, roomOf } from '../tests/house/sources.mjs';

const root = '.';
const files = listFiles(root);
const isSource = (file) => isCpp(file) || /\.(js|mjs|css|html|ts)$/.test(file);
const testsOf = /^tests\//;

/** room -> { files, lines } of sources, blank lines left out. */
function countLines() {
  const counts = new Map();
  for (const file of files) {
    if (!isSource(file)) continue;
    const room = testsOf.test(file) ? file.split('/').slice(0, 2).join('/') : roomOf(file, { libraries: true });
    const count = counts.get(room) ?? { files: 0, lines: 0 };
    count.files += 1;
    count.lines += readLines(root, file).filter((line) => line.trim()).length;
    counts.set(room, count);
  }
  return counts;
}

/** [{ from, to, count }]: how many includes lead from a room to another; everybody's of sdk are left out. */
function includesBetweenRooms() {
  const counts = new Map();
  for (const file of files) {
    if (!isCpp(file) || !/^(lib|plugins|kernel|check|programs|clients)\//.test(file)) continue;
    for (const line of readLines(root, file)) {
      const target = included(file, line, files);
      if (!target || target.startsWith('sdk/')) continue;
      const [from, to] = [file, target].map((each) => roomOf(each, { libraries: true }));
      if (from !== to) counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1);
    }
  }
  return [...counts].map(([key, count]) => ({ from: key.split(' ')[0], to: key.split(' ')[1], count }));
}

/** The interfaces in a plugin's table, as their ids. */
function interfaces() {
  const ids = new Map();
  for (const file of files) {
    if (!/^sdk\/include\/visor\/.*\.h$/.test(file)) continue;
    for (const line of readLines(root, file)) {
      const found = line.match(/^#define (VISOR_\w+_\d+) "(visor\.[^"]+)"/);
      if (found) ids.set(found[1], found[2]);
    }
  }
  const listed = (text, name) => [...(text.match(new RegExp(`${name}\\[\\] = \\{([^}]*)\\}`))?.[1] ?? '').matchAll(/VISOR_\w+/g)]
    .map(([id]) => ids.get(id) ?? id);
  const tables = [...files].filter((file) => /^plugins\/.*\.cpp$/.test(file)).sort()
    .map((file) => ({ file, text: readLines(root, file).join('\n') }))
    .filter(({ text }) => /^VISOR_PLUGIN\(/m.test(text));
  return tables.map(({ file, text }) => ({
    room: roomOf(file),
    summary: text.match(/\.summary =\s*"([^"]*)"/)?.[1] ?? '',
    needs: listed(text, 'kNeeds'),
    offers: listed(text, 'kOffers'),
  }));
}

const kWidth = 1180;
const kLevels = [['programs', 'clients', 'check'], ['kernel'], 'plugins/', 'lib/'];

/** room -> its box; each level is a row, the SDK the ground below all. */
function place(rooms) {
  const boxes = new Map();
  kLevels.forEach((level, row) => {
    const here = rooms.filter((room) => (typeof level === 'string' ? room.startsWith(level) : level.includes(room)));
    const step = kWidth / here.length;
    here.forEach((room, i) => {
      const width = Math.min(150, step - 10);
      boxes.set(room, { x: step * (i + 0.5) - width / 2, y: 20 + row * 140, width, height: 46 });
    });
  });
  boxes.set('sdk', { x: 5, y: 20 + kLevels.length * 140 - 10, width: kWidth - 10, height: 40 });
  return boxes;
}

function drawBox(room, box, count) {
  const name = room.replace(/^(lib|plugins)\//, '');
  const kind = room.split('/')[0];
  const middle = box.x + box.width / 2;
  return `<g class="${kind}"><title>${room}: ${count.files} files, ${count.lines} lines</title>`
    + `<rect x="${box.x.toFixed(1)}" y="${box.y}" width="${box.width.toFixed(1)}" height="${box.height}" rx="6"/>`
    + name.split(/(?<=-)/).map((part, i, all) =>
      `<text x="${middle.toFixed(1)}" y="${box.y + 18 + (i - (all.length - 1) / 2) * 12 + 2}">${part}</text>`).join('')
    + `<text class="lines" x="${middle.toFixed(1)}" y="${box.y + box.height - 5}">${count.lines}</text></g>`;
}

/** From the lower edge to the upper one of a level below; between neighbours of one level round below them. */
function drawInclude({ from, to, count }, boxes) {
  const [a, b] = [boxes.get(from), boxes.get(to)];
  if (!a || !b) return '';
  const [x1, x2] = [a.x + a.width / 2, b.x + b.width / 2];
  const sameLevel = a.y === b.y;
  const y1 = a.y + a.height;
  const y2 = sameLevel ? y1 : b.y;
  const bend = sameLevel ? 14 + Math.abs(x2 - x1) * 0.09 : (y2 - y1) / 2;
  const curve = sameLevel ? `${x1} ${y1 + bend} ${x2} ${y1 + bend}` : `${x1} ${y1 + bend} ${x2} ${y2 - bend}`;
  return `<path class="${from.split('/')[0]}" d="M${x1} ${y1}C${curve} ${x2} ${y2}" stroke-width="${(0.6 + Math.log2(count) * 0.5).toFixed(1)}">`
    + `<title>${from} includes ${to} ${count} times</title></path>`;
}

function draw(counts, includes) {
  const rooms = [...counts.keys()].filter((room) => /^(programs|clients|check|kernel|plugins\/.*|lib\/.*)$/.test(room)).sort();
  const boxes = place(rooms);
  const height = boxes.get('sdk').y + 60;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${height}" role="img" aria-label="Rooms of the tree and what each includes">
<style>
text{font:11px system-ui,sans-serif;text-anchor:middle;fill:#1c2733}.lines{font-size:9px;fill:#5a6b7b}
rect{stroke:#51606e;fill:#eef2f6}.plugins rect{fill:#e2f0e6}.lib rect{fill:#e4ecfa}.kernel rect{fill:#fbeadb}.sdk rect{fill:#f6e3ee}
path{fill:none;stroke:#8496a8;opacity:.55}path.plugins{stroke:#3f8f5a}path.lib{stroke:#4a74c9}path.kernel{stroke:#c27b2e}path:hover{opacity:1;stroke:#c0264b}
</style>
<rect x="0" y="0" width="${kWidth}" height="${height}" style="fill:#fff;stroke:none"/>
${includes.map((each) => drawInclude(each, boxes)).join('\n')}
${[...boxes].map(([room, box]) => drawBox(room, box, counts.get(room))).join('\n')}
</svg>
`;
}

function table(head, rows) {
  return [`| ${head.join(' | ')} |`, `|${head.map((name) => (/^(files|lines)$/.test(name) ? '--:' : '---')).join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function describe(counts) {
  const code = (names) => names.map((name) => `\`${name}\``).join(', ') || 'nothing';
  const rows = [...counts].sort(([a], [b]) => a.localeCompare(b));
  const sum = (wanted) => rows.filter(([room]) => wanted(room)).reduce((total, [, { lines }]) => total + lines, 0);
  return `# The house, drawn from its sources

\`make house\` writes this page.

![Rooms of the tree: programs above, then kernel, plugins, libraries, and the SDK that all stand on; lines are includes](images/house.svg)

Above stand the programs, then the kernel, plugins, libraries; all stand on the SDK, whose includes are not drawn. A number
is a room's lines, a line an include (thicker: more of them).

## Plugins

${table(['plugin', 'what it is', 'needs', 'offers'], interfaces().map(({ room, summary, needs, offers }) =>
    [`[${room.replace('plugins/', '')}](../${room})`, summary, code(needs), code(offers)]))}

## Lines

Sources without blank lines: ${sum((room) => !testsOf.test(room) && room !== 'bench' && room !== 'tools')} of the visor, \
${sum((room) => testsOf.test(room))} of its tests, ${sum((room) => room === 'bench')} of benchmarks.

${table(['room', 'files', 'lines'], rows.map(([room, { files: n, lines }]) => [`\`${room}\``, n, lines]))}
`;
}

const counts = countLines();
writeFileSync('docs/images/house.svg', draw(counts, includesBetweenRooms()));
writeFileSync('docs/house.md', describe(counts));
