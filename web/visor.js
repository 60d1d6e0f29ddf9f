/**
 * A visor in a page, in a worker or in Node (18 or later):
 *
 *   import { boot } from './visor.js';
 *   const visor = await boot({ config: { plugins: [{ plugin: 'storage_memory' }] } });
 *   const { instances } = await visor.call('kernel', 'status');
 *   for await (const record of visor.stream('kernel', 'log', { level: 'warn' })) console.log(record.text);
 *   await visor.stop();
 *
 * In a page the visor runs in a worker of its own, so that the page stays at ease, or, with `shared: true`, in one worker for
 * every tab of the origin; elsewhere in the thread that boots it.
 * visor.d.ts has the types: every plugin's configuration and commands, from the plugins' own rows.
 */
import { VisorError, status } from './visor-error.js';
import { WorkerHost } from './worker-host.js';

export { VisorError };

const inPage = typeof document !== 'undefined' && typeof Worker !== 'undefined';

/**
 * Starts a visor.
 * @param {object} options
 * @param {object} options.config as the kernel's configuration file: {plugins: [{plugin, as?, config?}], ...}
 * @param {string} [options.secretKey] 64 hex digits; without it a key is drawn that lasts as long as the visor
 * @param {string|URL|BufferSource|WebAssembly.Module} [options.wasm] the module or where it is; visor.wasm beside this
 *   file if not said
 * @param {boolean} [options.worker] whether it runs in a worker of its own; true in a page, false elsewhere if not said
 * @param {boolean} [options.shared] whether all tabs of this origin that boot with this key share one visor, in a
 *   SharedWorker: the first says what runs, the others find it running, and it ends with the last of them.  Where there is no
 *   SharedWorker, or its script fails, this page has a worker of its own, and a second tab is refused with EEXIST: boot it with
 *   another key
 * @param {typeof WebSocket} [options.WebSocket] the class of its sockets, not with a worker; Node before 22 has none
 * @param {(record: {time: string, level: string, instance: string, text: string}) => void} [options.onLog] each record
 *   of its log
 * @param {(error: VisorError) => void} [options.onStop] it broke: nothing of it runs any more
 * @returns {Promise<Visor>} when every plugin has started; rejects with a VisorError that says what is wrong with the
 *   configuration, or which plugin did not start
 */
export async function boot({ config, secretKey, wasm = new URL('./visor.wasm', import.meta.url), worker = inPage,
  shared = false, WebSocket, onLog = () => {}, onStop = () => {} } = {}) {
  if (worker && WebSocket) throw new VisorError(status.EINVAL, 'WebSocket is a class of this thread; boot with worker: false');
  if (shared && !worker) throw new VisorError(status.EINVAL, 'tabs share a visor that runs in a worker; boot with worker: true');
  const source = typeof wasm === 'string' && inPage ? new URL(wasm, document.baseURI) : wasm;
  const options = { wasm: source instanceof URL ? source.href : source, onLog, onStop };
  const host = worker ? await WorkerHost.open({ ...options, shared, secretKey })
    : await loadHere({ ...options, WebSocket: WebSocket ?? globalThis.WebSocket });
  try {
    const { pk } = await host.boot({ config, secretKey, shared });
    return new Visor(host, pk);
  } catch (error) {
    await host.stop();
    throw error;
  }
}

/** In this thread: a page that has a worker loads nothing of it. */
async function loadHere(options) {
  const { ModuleHost } = await import('./visor-host.js');
  return ModuleHost.load(options);
}

/** A running visor.  boot() makes it. */
export class Visor {
  #host;
  /** The public key, 66 hex digits. */
  pk;
  /** Whether other tabs have the same visor. */
  shared;

  constructor(host, pk) {
    this.#host = host;
    this.pk = pk;
    this.shared = host.shared ?? false;
  }

  /**
   * Calls a command of a running instance.
   * @param {string} instance for example "kernel"
   * @param {string} command for example "status"
   * @param {object} [args] the command's arguments, as its JSON Schema says
   * @param {{signal?: AbortSignal}} [options] aborting ends the call with ECANCELED
   * @returns {Promise<any>} when the command has finished, its last value; rejects with a VisorError
   */
  call(instance, command, args = {}, { signal } = {}) {
    return new Promise((resolve, reject) => {
      let last;
      let opened = null;
      let early = 0; // values that come before open() returns
      const cancel = () => opened.cancel();
      opened = this.#host.open(instance, command, args, {
        value: (value) => {
          last = value;
          if (opened) opened.taken();
          else ++early;
        },
        finished: (error) => {
          signal?.removeEventListener('abort', cancel);
          if (error) reject(error);
          else resolve(last);
        },
      });
      if (early > 0) opened.taken(early);
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel);
    });
  }

  /**
   * Calls a command that answers more than once.  The call begins with the first next(), goes as fast as values are
   * taken (64 wait at most), and ends when the loop over it is left.
   * @param {string} instance
   * @param {string} command
   * @param {object} [args]
   * @param {{signal?: AbortSignal}} [options] aborting ends the stream with ECANCELED, values that wait are dropped
   * @returns {AsyncIterableIterator<any>} its values; throws a VisorError where the command fails
   */
  stream(instance, command, args = {}, { signal } = {}) {
    return new CommandStream((events) => this.#host.open(instance, command, args, events), signal);
  }

  /**
   * Stops the visor; one that tabs share is left by this one, and stops with the last.  Calls that are open end with ECANCELED.
   * @returns {Promise<void>} when no timer, socket or call of it is left
   */
  stop() {
    return this.#host.stop();
  }
}

/** The values of a call, one by one. */
class CommandStream {
  #open; #signal; #call = null;
  #values = []; #readers = [];
  #ended = false; #error = null; #left = null;
  #aborted = false;
  #abort = () => {
    this.#aborted = true;
    this.#values = [];
    this.#call.cancel();
  };

  constructor(open, signal) {
    this.#open = open;
    this.#signal = signal;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next() {
    return new Promise((resolve, reject) => {
      if (!this.#call && !this.#ended) this.#begin();
      this.#readers.push({ resolve, reject });
      this.#serve();
    });
  }

  /** Ends the call; resolves when the command has heard of it and finished. */
  async return(value) {
    await this.#leave();
    return { done: true, value };
  }

  async throw(error) {
    await this.#leave();
    throw error;
  }

  #begin() {
    this.#call = this.#open({
      value: (value) => {
        if (this.#aborted) return;
        this.#values.push(value);
        this.#serve();
      },
      finished: (error) => {
        this.#ended = true;
        this.#error = this.#left ? null : error; // who leaves knows that it is cancelled
        this.#signal?.removeEventListener('abort', this.#abort);
        this.#left?.();
        this.#serve();
      },
    });
    if (this.#signal?.aborted) this.#abort();
    else if (!this.#ended) this.#signal?.addEventListener('abort', this.#abort);
  }

  #serve() {
    while (this.#readers.length && this.#values.length && this.#call) {
      this.#readers.shift().resolve({ done: false, value: this.#values.shift() });
      this.#call.taken();
    }
    if (!this.#ended || this.#values.length) return;
    for (const reader of this.#readers.splice(0)) {
      const error = this.#error;
      this.#error = null; // told once; then the stream is over
      if (error) reader.reject(error);
      else reader.resolve({ done: true, value: undefined });
    }
  }

  async #leave() {
    if (!this.#ended && this.#call) {
      const ended = new Promise((resolve) => { this.#left = resolve; });
      this.#call.cancel();
      await ended;
    }
    this.#ended = true;
    this.#values = [];
    this.#error = null;
    this.#serve();
  }
}
