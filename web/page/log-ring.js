/** `window.skywireLog`: the latest lines of this page and of its visor, for the log window and for who debugs. */

export const kMaxLines = 5000;
export const levels = ['debug', 'log', 'info', 'warn', 'error'];

const words = (value) => {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return value.stack ?? value.message;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
};

/** A ring of lines {t, level, text}: t in ms since 1970, level one of `levels`. */
export class LogRing {
  #lines = []; #first = 0; #listeners = new Set();

  /** @returns {{t: number, level: string, text: string}[]} oldest first, at most 5000 */
  all() {
    return [...this.#lines.slice(this.#first), ...this.#lines.slice(0, this.#first)];
  }

  get size() { return this.#lines.length; }

  clear() {
    this.#lines = [];
    this.#first = 0;
    this.#tell(null);
  }

  /**
   * @param {(line: {t: number, level: string, text: string} | null) => void} listener each new line; null: all are gone
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  /** Adds a line, as console does: its arguments one after another. */
  emit(level, args, t = Date.now()) {
    const line = { t, level: levels.includes(level) ? level : 'log', text: [args].flat().map(words).join(' ') };
    if (this.#lines.length < kMaxLines) {
      this.#lines.push(line);
    } else {
      this.#lines[this.#first] = line;
      this.#first = (this.#first + 1) % kMaxLines;
    }
    this.#tell(line);
  }

  #tell(line) {
    for (const listener of [...this.#listeners]) {
      try {
        listener(line);
      } catch { /* its own trouble: it must not end others, and to log it would call it again */ }
    }
  }
}

/** The page's ring: made once, fed by the console, by errors that nobody caught, and by visorLine(). */
export const skywireLog = window.skywireLog ??= install(new LogRing());

function install(ring) {
  for (const level of levels) {
    const original = console[level].bind(console);
    console[level] = (...args) => { original(...args); ring.emit(level, args); };
  }
  addEventListener('error', (event) => ring.emit('error', [event.message ?? 'an element did not load']));
  addEventListener('unhandledrejection', ({ reason }) => ring.emit('error', ['not caught:', reason]));
  return ring;
}

/** Adds a record of the visor's log. */
export function visorLine({ time, level, instance, text }) {
  skywireLog.emit(level === 'trace' ? 'debug' : level, [`[visor] ${instance}: ${text}`], Date.parse(time) || Date.now());
}
