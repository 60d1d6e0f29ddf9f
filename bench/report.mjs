// report.mjs ROWS NEW REPORT: adds the new rows to those that are kept (a bench that ran again replaces its row) and
// writes the table that people read.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

const [kept, fresh, report] = process.argv.slice(2);
const read = (file) => readFileSync(file, 'utf8').split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const rows = new Map([...read(kept), ...read(fresh)].map((row) => [row.bench, row]));
const sorted = [...rows.values()].sort((a, b) => (a.bench < b.bench ? -1 : 1));
writeFileSync(kept, sorted.map((row) => JSON.stringify(row)).join('\n') + '\n');

const number = (value) => Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 });
const ratio = (ours, other) => (ours / other).toFixed(2);
const table = sorted.map((row) => `| ${row.bench} | ${row.better} | ${number(row.ours)} ${row.unit} | ${row.floor === null ? '' : `${number(row.floor)} ${row.unit}`} | ` +
  `${row.floor ? ratio(row.ours, row.floor) : ''} | ${row.peer ? `${row.peer}: ${number(row.peer_value)} ${row.unit} (${ratio(row.ours, row.peer_value)})` : ''} |`);
writeFileSync(report, `# Performance

Made by \`make bench\`. Each row's figures are medians of ${sorted[0].runs} runs that took turns, ours beside the floor (the
same work without us) and a peer where there is one; the ratios mean more than the figures, because machines differ.
This machine: ${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.versions.node}.

| bench | better | ours | floor | ours / floor | peer (ours / peer) |
|---|---|---:|---:|---:|---|
${table.join('\n')}
`);
