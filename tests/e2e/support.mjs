// What the end-to-end tests share: programs started and ended by their id, folders that go away, a browser.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

/** The program under test; VISOR names it (ctest sets it). */
export const visorProgram = process.env.VISOR ?? path.resolve('build/dev/programs/visor/visor');

/** Stands for the file where a test is asked for: what it starts is there for every test of the file, and ends after the last. */
export const wholeFile = { after };

const endings = new WeakMap(); // of each test, the last step first

/**
 * Runs `step` when the test ends, before the steps that were given earlier: a program stops before its folder goes.  (Hooks
 * of node:test run in the order of their registration, and the first that fails keeps the others from running.)  Each step
 * has its turn, whatever became of another; what failed fails the test.
 * @param {{after(fn: () => unknown): void}} t the test, or wholeFile
 */
export function atEnd(t, step) {
  let steps = endings.get(t);
  if (!steps) {
    endings.set(t, steps = []);
    t.after(() => putAway(steps));
  }
  steps.unshift(step);
}

async function putAway(steps) {
  const errors = [];
  while (steps.length > 0) {
    try { await steps.shift()(); } catch (error) { errors.push(error); }
  }
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors, errors.map(({ message }) => message).join('; '));
}

/** Runs `work` with what stands for a test where there is none: what it starts ends with it. */
export async function standalone(work) {
  const ends = [];
  try { return await work({ after: (end) => ends.push(end) }); } finally { for (const end of ends) await end(); }
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'visor-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A started program: its lines so far, and waiting for the next that matters. */
export class Program {
  /** @param {{after(fn: () => unknown): void}} t the test, at whose end the program is stopped */
  constructor(t, command, args, options = {}) {
    this.lines = [];
    this.waiting = new Set();
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        this.exit = { code, signal };
        for (const waiter of this.waiting) waiter.reject(new Error(`${command} ended (${code ?? signal}) before it said ${waiter.pattern}:\n${this.text()}`));
        this.waiting.clear();
        resolve(this.exit);
      });
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#heard(line));
    }
    atEnd(t, () => this.stop());
  }

  text() { return this.lines.join('\n'); }

  #heard(line) {
    this.lines.push(line);
    for (const waiter of [...this.waiting]) {
      const match = line.match(waiter.pattern);
      if (match) { this.waiting.delete(waiter); waiter.resolve(match); }
    }
  }

  /** The first line, said already or still to come, that matches. */
  line(pattern, timeoutMs = 30000) {
    for (const line of this.lines) {
      const match = line.match(pattern);
      if (match) return Promise.resolve(match);
    }
    return new Promise((resolve, reject) => {
      const waiter = { pattern, resolve, reject };
      this.waiting.add(waiter);
      setTimeout(() => {
        if (this.waiting.delete(waiter)) reject(new Error(`nothing matched ${pattern} within ${timeoutMs} ms:\n${this.text()}`));
      }, timeoutMs).unref();
    });
  }

  /** Ends it as an operator would; a second signal follows only if it does not go. */
  async stop(signal = 'SIGTERM') {
    if (this.exit) return this.exit;
    this.process.kill(signal);
    const late = setTimeout(() => this.process.kill('SIGKILL'), 15000);
    const exit = await this.exited;
    clearTimeout(late);
    return exit;
  }
}

/** Runs a program to its end. */
export async function run(t, command, args, options) {
  const program = new Program(t, command, args, options);
  const exit = await program.exited;
  return { ...exit, text: program.text() };
}

/** What every run of the demo is told. */
export function demoArguments(port, data, intervalMs = 1000) {
  const page = process.env.VISOR_PAGE ? ['--page', process.env.VISOR_PAGE] : [];
  return ['run', 'demo', '--port', String(port), '--interval-ms', String(intervalMs), '--data', data, ...page];
}

/** Starts the demo; its addresses as it prints them. */
export async function startDemo(t, { intervalMs } = {}) {
  const data = temporaryFolder(t);
  const program = new Program(t, visorProgram, demoArguments(0, data, intervalMs));
  const [, address] = await program.line(/^a tab opened here is a visor: (http:\S+)$/);
  const bootstrap = await json(`${address}/bootstrap.json`);
  return { program, address, bootstrap, data };
}

export async function json(url, options) {
  const response = await fetch(url, { headers: { accept: 'application/json' }, ...options });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Asks until `found` gives something; what it gave, or an error that shows the last answer. */
export async function until(ask, found, timeoutMs, what) {
  const end = performance.now() + timeoutMs;
  let last;
  for (;;) {
    last = await ask();
    const result = found(last);
    if (result) return result;
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms; last answer ${JSON.stringify(last)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Chromium of this machine, headless and quiet: it looks up nobody. */
export async function startBrowser(t) {
  const { chromium } = await import(new URL('../../web/node_modules/playwright-core/index.mjs', import.meta.url));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync'],
  });
  atEnd(t, () => browser.close());
  return browser;
}
