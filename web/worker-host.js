/** A visor in a worker, as the page reaches it: what ModuleHost does, by messages (web/worker.js lists them). */
import { VisorError, status } from './visor-error.js';

export class WorkerHost {
  #worker; #wasm; #onLog; #onStop;
  #calls = new Map(); #lastCall = 0;
  #boot = null; #stopped = null; #onDown = () => {}; #gone = null;

  /**
   * @param {object} options
   * @param {string|BufferSource|WebAssembly.Module} options.wasm the module, or its whole address
   * @param {(record: {time: string, level: string, instance: string, text: string}) => void} options.onLog
   * @param {(error: VisorError) => void} options.onStop the visor broke, or its worker did
   */
  constructor({ wasm, onLog, onStop }) {
    this.#wasm = wasm;
    this.#onLog = onLog;
    this.#onStop = onStop;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }) => this.#heard(data));
    this.#worker.addEventListener('error', (event) =>
      this.#down(new VisorError(status.EINTERNAL, `the visor's worker: ${event.message ?? 'it did not load'}`)));
  }

  /** As ModuleHost.boot(); once. */
  boot({ config, secretKey }) {
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(this.#gone);
        return;
      }
      this.#boot = { resolve, reject };
      this.#worker.postMessage({ t: 'boot', wasm: this.#wasm, config, secretKey });
    });
  }

  /** As ModuleHost.open(). */
  open(instance, command, args, events) {
    const id = ++this.#lastCall;
    const post = (message) => { if (this.#calls.has(id)) this.#worker.postMessage({ id, ...message }); };
    if (this.#gone) {
      queueMicrotask(() => events.finished(this.#gone));
    } else {
      this.#worker.postMessage({ t: 'call', id, instance, command, args });
      this.#calls.set(id, events);
    }
    return { taken: (count = 1) => post({ t: 'taken', count }), cancel: () => post({ t: 'cancel' }) };
  }

  /** Stops the visor and ends its worker. */
  stop() {
    this.#stopped ??= new Promise((resolve) => {
      if (this.#gone) {
        resolve();
        return;
      }
      this.#onDown = resolve;
      this.#worker.postMessage({ t: 'stop' });
    });
    return this.#stopped;
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

  /** error null: as it was asked to. */
  #down(error) {
    if (this.#gone) return;
    this.#gone = error ?? new VisorError(status.ENOENT, 'the visor is not running; boot another');
    this.#worker.terminate();
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
