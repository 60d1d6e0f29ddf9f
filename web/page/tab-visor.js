/** This tab's visor as the page uses it: a key that is the tab's own, and a worker that hosts the bundle. */

const kKeyItem = 'visor-secret-key';

/** A new secret key: 64 hex digits.  One draw in 2^128 would not be a key; the visor then says so. */
function drawKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** True when no other tab has this key; the tab then holds it until it closes. */
function claim(secretKey) {
  if (!navigator.locks) return Promise.resolve(true); // a page without TLS and not on loopback
  return new Promise((resolve) => {
    const hold = (lock) => { resolve(Boolean(lock)); return lock ? new Promise(() => {}) : undefined; };
    navigator.locks.request(`${kKeyItem} ${secretKey.slice(0, 8)}`, { ifAvailable: true }, hold).catch(() => resolve(true));
  });
}

/**
 * The tab's secret key, kept for as long as the tab lives, reloads included.  A duplicated tab, which the browser gives
 * a copy of what the first keeps, draws its own.
 * @returns {Promise<string>} 64 hex digits
 */
export async function tabKey() {
  let secretKey = sessionStorage.getItem(kKeyItem);
  if (!secretKey || !(await claim(secretKey))) {
    secretKey = drawKey();
    await claim(secretKey);
    sessionStorage.setItem(kKeyItem, secretKey);
  }
  return secretKey;
}

/** What this tab's visor runs, from what the gateway tells of the network (/bootstrap.json). */
function configuration(network) {
  const interval = network.interval_ms;
  const rhythm = interval ? { interval_ms: interval } : {};
  const plugins = [
    { plugin: 'storage_memory', as: 'disk' },
    { plugin: 'transports', config: { ...rhythm, peers: (network.peers ?? []).map(({ pk, type, address }) => ({ pk, type, address })) } },
    { plugin: 'feeds', config: { drive: 'disk' } },
  ];
  if (network.tpd) {
    const { pk, network: over, port } = network.tpd;
    plugins.push({ plugin: 'telemetry', config: { ...rhythm, tpd: pk, network: over, port } });
  }
  return { plugins };
}

/** A visor in a worker of its own, so that the page stays at ease whatever it does. */
export class TabVisor {
  #worker; #calls = new Map(); #lastCall = 0; #booted; #onLog; #onStop;

  /**
   * @param {object} options
   * @param {(level: string, text: string) => void} options.onLog each line of the visor's log
   * @param {(error: Error) => void} options.onStop the visor broke
   */
  constructor({ onLog, onStop }) {
    this.#onLog = onLog;
    this.#onStop = onStop;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }) => this.#heard(data));
    this.#worker.addEventListener('error', (event) => this.#broke(new Error(`the visor's worker: ${event.message ?? 'did not load'}`)));
  }

  /**
   * @param {object} options
   * @param {string} options.secretKey 64 hex digits
   * @param {object} options.network what /bootstrap.json tells: {interval_ms, tpd: {pk, network, port}, peers: [{pk, type, address}]}
   * @returns {Promise<string>} the visor's public key, 66 hex digits
   */
  boot({ secretKey, network }) {
    return new Promise((resolve, reject) => {
      this.#booted = { resolve, reject };
      const wasm = new URL('./visor.wasm', import.meta.url).href;
      this.#worker.postMessage({ t: 'init', wasm, config: configuration(network), secretKey });
    });
  }

  /**
   * Calls a command, telling each value.
   * @param {string} instance
   * @param {string} command
   * @param {object} args as the command's schema says
   * @param {(value: any) => void} onValue
   * @returns {Promise<void>} when it has finished
   */
  watch(instance, command, args, onValue) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastCall;
      this.#calls.set(id, { resolve, reject, onValue });
      this.#worker.postMessage({ t: 'call', id, instance, command, args });
    });
  }

  #heard(message) {
    const call = this.#calls.get(message.id);
    switch (message.t) {
      case 'up': this.#booted.resolve(message.pk); break;
      case 'failed': this.#booted.reject(new Error(message.message)); break;
      case 'log': this.#onLog(message.record.level, `${message.record.instance}: ${message.record.text}`); break;
      case 'down': this.#broke(new Error(message.message ?? 'the visor stopped')); break;
      case 'value': call?.onValue(message.value); this.#worker.postMessage({ t: 'taken', id: message.id }); break;
      case 'done': this.#calls.delete(message.id); call?.resolve(); break;
      case 'error': this.#calls.delete(message.id); call?.reject(new Error(message.message)); break;
    }
  }

  #broke(error) {
    this.#booted?.reject(error);
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    this.#onStop(error);
  }
}
