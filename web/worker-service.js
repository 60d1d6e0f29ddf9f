/**
 * A visor in a worker, for the pages that reach it by messages: one page and a worker of its own (web/worker.js), or
 * every tab of an origin and the worker that they share (web/shared-worker.js).  Each page has a port; its calls are its own.
 *
 * From the page                                           To the page
 *                                                         {t: 'hello', lifeline}: the worker runs
 *   {t: 'boot', wasm, config, secretKey, shared, lifeline}  {t: 'up', pk} or {t: 'failed', status, message}
 *   {t: 'call', id, instance, command, args}              {t: 'value', id, value} each, then
 *                                                         {t: 'finished', id}, with status and message if it failed
 *   {t: 'taken', id, count}: as many values more may come {t: 'log', record: {time, level, instance, sequence, text}}
 *   {t: 'cancel', id}
 *   {t: 'stop'}                                           {t: 'down'}; with status and message when the visor broke
 *
 * `wasm` is the module or its address, `id` a number of the page's choice; statuses are the visor's, negative.  The first
 * page that boots says what runs; who comes later gets the visor that runs.  It ends with the last page that leaves, by
 * 'stop' or by the end of its lifeline (web/lifeline.js).
 */
import { claimIdentity, holdLifeline, whenEnded } from './lifeline.js';
import { VisorError, status } from './visor-error.js';
import { ModuleHost } from './visor-host.js';

const describe = (error) => error && { status: error.status ?? status.EINTERNAL, message: error.message };

/** The visor of this worker, for all of its pages. */
class RunningVisor {
  #pages = new Set();
  #running = null;              // Promise of {host, pk, release}, from the first boot to the last page's leaving
  #stopped = Promise.resolve(); // when what ran before is gone
  #secretKey;

  /** @returns {Promise<{host: ModuleHost, pk: string}>} the visor that runs, or else one that is started now */
  join(page, options) {
    if (this.#running && options.secretKey !== this.#secretKey) {
      return Promise.reject(new VisorError(status.EEXIST, 'the visor of another key runs in this worker'));
    }
    this.#pages.add(page);
    if (!this.#running) {
      this.#secretKey = options.secretKey;
      const running = this.#stopped.then(() => this.#start(options));
      this.#running = running;
      running.catch(() => { if (this.#running === running) this.#running = null; });
    }
    return this.#running;
  }

  /** @returns {Promise<void>} when the page has left; if it was the last one, when nothing of the visor is left */
  leave(page) {
    if (!this.#pages.delete(page) || this.#pages.size || !this.#running) return Promise.resolve();
    const running = this.#running;
    this.#running = null;
    this.#stopped = running.then(async ({ host, release }) => {
      await host.stop();
      release();
    }, () => {});
    return this.#stopped;
  }

  async #start({ wasm, config, secretKey, shared }) {
    const release = shared && secretKey ? await claimIdentity(secretKey) : () => {};
    try {
      const host = await ModuleHost.load({
        wasm,
        onLog: (record) => { for (const page of this.#pages) page.post({ t: 'log', record }); },
        onStop: (error) => this.#broke(error, release),
      });
      const { pk } = await host.boot({ config, secretKey });
      return { host, pk, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #broke(error, release) {
    this.#running = null;
    release();
    for (const page of this.#pages) page.post({ t: 'down', ...describe(error) });
    this.#pages.clear();
  }
}

const visor = new RunningVisor();
const lifeline = holdLifeline();

/** One page, at its end of a port. */
class Page {
  #port; #host = null;
  #calls = new Map(); // id -> what ModuleHost.open() gave
  #watching = new AbortController();

  constructor(port) {
    this.#port = port;
    port.addEventListener('message', ({ data }) => this.#heard(data));
    port.start?.();
    lifeline.then((name) => this.post({ t: 'hello', lifeline: name }));
  }

  post(message) {
    this.#port.postMessage(message);
  }

  #heard(message) {
    switch (message.t) {
      case 'boot': this.#boot(message); break;
      case 'call': this.#call(message); break;
      case 'taken': this.#calls.get(message.id)?.taken(message.count); break;
      case 'cancel': this.#calls.get(message.id)?.cancel(); break;
      case 'stop': this.#leave().then(() => this.post({ t: 'down' })); break;
    }
  }

  async #boot(options) {
    if (options.lifeline) whenEnded(options.lifeline, () => this.#leave(), this.#watching.signal);
    try {
      const { host, pk } = await visor.join(this, options);
      this.#host = host;
      this.post({ t: 'up', pk });
    } catch (error) {
      this.#leave();
      this.post({ t: 'failed', ...describe(error) });
    }
  }

  #call({ id, instance, command, args }) {
    const value = (one) => this.post({ t: 'value', id, value: one });
    const finished = (error) => {
      this.#calls.delete(id);
      this.post({ t: 'finished', id, ...describe(error) });
    };
    if (!this.#host) {
      finished(new VisorError(status.ENOENT, 'the visor is not up; boot it first'));
      return;
    }
    const never = { taken() {}, cancel() {} };
    this.#calls.set(id, never); // until open() returns, which may be after the end
    const opened = this.#host.open(instance, command, args, { value, finished });
    if (this.#calls.has(id)) this.#calls.set(id, opened);
  }

  #leave() {
    this.#watching.abort();
    for (const call of [...this.#calls.values()]) call.cancel();
    this.#host = null;
    return visor.leave(this);
  }
}

/** @param {MessagePort|DedicatedWorkerGlobalScope} port where a page's messages come from and go to */
export function serve(port) {
  new Page(port);
}
