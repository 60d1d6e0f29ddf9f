/** A visor in a worker, as a page reaches it: what ModuleHost does, by messages (web/worker-service.js lists them). */
import { holdLifeline, whenEnded } from './lifeline.js';
import { VisorError, status } from './visor-error.js';
import { openLink } from './worker-link.js';

export class WorkerHost {
  #link; #wasm; #onLog; #onStop;
  #calls = new Map(); #lastCall = 0;
  #boot = null; #stopped = null; #onDown = () => {}; #gone = null;
  #watching = new AbortController();

  /**
   * Starts a worker, or finds the one that this origin's tabs share.
   * @param {object} options
   * @param {string|BufferSource|WebAssembly.Module} options.wasm the module, or its whole address
   * @param {boolean} options.shared whether the worker should be that of every tab with this key
   * @param {string} [options.secretKey]
   * @param {(record: {time: string, level: string, instance: string, text: string}) => void} options.onLog
   * @param {(error: VisorError) => void} options.onStop the visor broke, or its worker did
   */
  static async open({ wasm, shared, secretKey, onLog, onStop }) {
    const host = new WorkerHost();
    host.#wasm = wasm;
    host.#onLog = onLog;
    host.#onStop = onStop;
    host.#link = await openLink(shared, secretKey, (message) => host.#heard(message), (why) => host.#lost(why));
    if (host.shared) host.#keepTrack();
    return host;
  }

  /** Whether other tabs have the same visor. */
  get shared() {
    return this.#link.shared;
  }

  /** As ModuleHost.boot(); once. */
  async boot({ config, secretKey, shared }) {
    const lifeline = this.shared ? await holdLifeline() : undefined;
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(this.#gone);
        return;
      }
      this.#boot = { resolve, reject };
      this.#link.post({ t: 'boot', wasm: this.#wasm, config, secretKey, shared, lifeline });
    });
  }

  /** As ModuleHost.open(). */
  open(instance, command, args, events) {
    const id = ++this.#lastCall;
    const post = (message) => { if (this.#calls.has(id)) this.#link.post({ id, ...message }); };
    if (this.#gone) {
      queueMicrotask(() => events.finished(this.#gone));
    } else {
      this.#link.post({ t: 'call', id, instance, command, args });
      this.#calls.set(id, events);
    }
    return { taken: (count = 1) => post({ t: 'taken', count }), cancel: () => post({ t: 'cancel' }) };
  }

  /** Stops the visor and ends its worker; of a shared one, leaves it: it ends with the last tab. */
  stop() {
    this.#stopped ??= new Promise((resolve) => {
      if (this.#gone) {
        resolve();
        return;
      }
      this.#onDown = resolve;
      this.#link.post({ t: 'stop' });
    });
    return this.#stopped;
  }

  /** A shared worker outlives this page, and may end without it. */
  #keepTrack() {
    addEventListener('pagehide', () => this.stop(), { signal: this.#watching.signal });
    if (this.#link.lifeline) whenEnded(this.#link.lifeline, () => this.#lost('it ended'), this.#watching.signal);
  }

  #heard(message) {
    const call = this.#calls.get(message.id);
    switch (message.t) {
      case 'up': this.#boot.resolve({ pk: message.pk }); break;
      case 'failed': this.#boot.reject(errorOf(message)); break;
      case 'log': this.#onLog(message.record); break;
      case 'down': this.#down(errorOf(message)); break;
      case 'value': call?.value(message.value); break;
      case 'finished':
        this.#calls.delete(message.id);
        call?.finished(errorOf(message));
        break;
    }
  }

  #lost(why) {
    this.#down(new VisorError(status.EINTERNAL, `the visor's worker: ${why}`));
  }

  /** error null: as it was asked to. */
  #down(error) {
    if (this.#gone) return;
    this.#gone = error ?? new VisorError(status.ENOENT, 'the visor is not running; boot another');
    this.#watching.abort();
    this.#link.close();
    this.#boot?.reject(this.#gone);
    this.#onDown();
    for (const call of this.#calls.values()) call.finished(this.#gone);
    this.#calls.clear();
    if (error) this.#onStop(error);
  }
}

function errorOf({ status: number, message }) {
  return number ? new VisorError(number, message) : null;
}
