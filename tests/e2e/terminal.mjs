// visor-chat in a pseudo-terminal, whose screen is read as a terminal shows it.
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { atEnd, until } from './support.mjs';

const { Terminal: Screen } = createRequire(new URL('../../web/package.json', import.meta.url))('@xterm/headless');
export const kWithinMs = 20000; // a limit for machines that are busy, never a wait
export const keys = { enter: '\r', tab: '\t', leave: '\x11', answer: '\x12', network: '\x0e', help: '\x1bOP', pageUp: '\x1b[5~' };

/** A program in a terminal of its own (util-linux' script(1) makes it). */
export class Terminal {
  constructor(t, args, columns, rows, env = {}) {
    this.screen = new Screen({ cols: columns, rows, allowProposedApi: true });
    const line = `stty cols ${columns} rows ${rows}; tty; exec "$VISOR_CHAT" ${args}`;
    this.process = spawn('script', ['-qfec', line, '/dev/null'], { env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env } });
    this.said = '';
    this.process.stdout.on('data', (data) => { this.said += data; this.screen.write(data); });
    this.exited = new Promise((resolve) => { this.process.on('close', (code) => resolve(code)); });
    atEnd(t, () => { this.process.kill(); return this.exited; });
  }
  type(text) { this.process.stdin.write(text); }
  lines() {
    const { active } = this.screen.buffer;
    return Array.from({ length: this.screen.rows }, (_, y) => active.getLine(active.viewportY + y)?.translateToString(true) ?? '');
  }
  shows(pattern) { return until(() => this.lines().join('\n'), (text) => text.match(pattern), kWithinMs, `${pattern} on the screen`); }
  resize(columns, rows) {
    this.screen.resize(columns, rows);
    const [tty] = this.said.match(/\/dev\/pts\/\d+/);
    execFileSync('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]);
  }
  /** The screen in runs of one look: [{text, fg, bg (numbers of the palette of 256, or null), inverse, bold, dim, underlined}] for each line. */
  runs() {
    const { active } = this.screen.buffer;
    return Array.from({ length: this.screen.rows }, (_, y) => {
      const line = active.getLine(active.viewportY + y), row = [];
      for (let x = 0; x < this.screen.cols; ++x) {
        const cell = line.getCell(x);
        if (cell.getWidth() === 0) continue; // the second half of a wide one
        const look = { fg: cell.isFgPalette() ? cell.getFgColor() : null, bg: cell.isBgPalette() ? cell.getBgColor() : null, inverse: Boolean(cell.isInverse()), bold: Boolean(cell.isBold()), dim: Boolean(cell.isDim()), underlined: Boolean(cell.isUnderline()) };
        const last = row.at(-1);
        if (last && Object.keys(look).every((key) => last[key] === look[key])) last.text += cell.getChars() || ' ';
        else row.push({ text: cell.getChars() || ' ', ...look });
      }
      return row;
    });
  }
}
