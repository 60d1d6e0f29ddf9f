/** What this tab knows of its visor: the one source of every window.  It starts it, follows it, and shows how it fares. */
import { History } from './history.js';
import { onKeyReplaced } from './key-store.js';
import { visorLine } from './log-ring.js';
import { findNetwork, startTabVisor } from './tab-visor.js';
import { Tpd } from './tpd.js';

const kWatchMs = 2000;      // the list of transports comes at least so often, for the plots to move
const kNudgeEveryMs = 2000;

/**
 * Events: 'phase' (phase, problem), 'transports' (transports, history), 'rows' (instances, commands: what can be called).
 * Phases: 'starting', 'connecting' (runs, no transport yet), 'up', 'reconnecting' (had one), 'offline' (and the browser says
 * so), 'failed'.
 */
export class Session extends EventTarget {
  phase = 'starting';
  problem = null;
  visor = null;
  pk = '';
  secretKey = '';
  kept = true;           // whether the key outlives this tab
  network = null;        // as /bootstrap.json tells
  transports = [];
  history = new History();
  tpd = new Tpd();
  shownMs = 0;           // when the TPD first showed a measured transport of ours, on performance.now()
  instances = [];        // {name, plugin, commands: [{name, summary, arguments, reads, streams}]}
  bootMs = 0;            // when the visor ran, on performance.now()
  #names = new Map(); #wasUp = false; #nudgedMs = 0; #firstRecord = Infinity;

  /** Resolves when the visor runs; a failure is shown as the phase, and thrown. */
  async start() {
    try {
      this.network = await findNetwork();
      this.#names = new Map((this.network.peers ?? []).filter(({ name }) => name).map(({ pk, name }) => [pk, name]));
      const { visor, secretKey, kept } = await startTabVisor(this.network, {
        onLog: (record) => { this.#firstRecord = Math.min(this.#firstRecord, record.sequence); visorLine(record); },
        onStop: (error) => this.#fail(error),
      });
      Object.assign(this, { visor, secretKey, kept, pk: visor.pk, bootMs: performance.now() });
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#show('connecting');
    this.#listen();
    this.#follow();
    this.#catchUp();
    this.tpd.addEventListener('network', () => this.#lookForOwn());
    this.tpd.start(this.network);
    await this.#readRows();
    return this.pk;
  }

  /** A visor's name, as the gateway or this tab knows it, or null. */
  nameOf(pk) {
    return pk === this.pk ? 'this visor' : this.#names.get(pk) ?? null;
  }

  hasInstance(name) {
    return this.instances.some((instance) => instance.name === name);
  }

  #show(phase, problem = null) {
    if (this.phase === 'failed' || (phase === this.phase && problem === this.problem)) return;
    this.phase = phase;
    this.problem = problem;
    this.dispatchEvent(new Event('phase'));
  }

  #fail(error) {
    this.#show('failed', error);
  }

  async #follow() {
    const interval = Math.max(100, Math.min(this.network.interval_ms ?? kWatchMs, kWatchMs));
    try {
      for await (const transports of this.visor.stream('transports', 'watch', { interval_ms: interval })) {
        this.transports = transports;
        this.history.add(transports);
        this.#weigh();
        this.dispatchEvent(new Event('transports'));
      }
    } catch (error) {
      if (this.phase !== 'failed') this.#fail(error);
    }
  }

  /** What came before this tab: a tab that finds the visor running has missed it. */
  async #catchUp() {
    for await (const record of this.visor.stream('kernel', 'log', { tail: 1000, follow: false })) {
      if (record.sequence < this.#firstRecord) visorLine(record);
    }
  }

  #lookForOwn() {
    const own = ({ edges, latencyMs }) => latencyMs > 0 && edges.includes(this.pk);
    if (!this.shownMs && this.tpd.transports.some(own)) this.shownMs = performance.now();
  }

  async #readRows() {
    const { plugins, kernel } = await this.visor.call('kernel', 'plugins', { schemas: true });
    const { instances } = await this.visor.call('kernel', 'status');
    const rows = new Map(plugins.map((plugin) => [plugin.name, plugin.commands]));
    this.instances = [{ name: 'kernel', plugin: 'kernel', commands: kernel.commands },
                      ...instances.map(({ name, plugin }) => ({ name, plugin, commands: rows.get(plugin) ?? [] }))];
    this.dispatchEvent(new Event('rows'));
  }

  // --- how it fares

  #weigh() {
    const serving = this.transports.some(({ state }) => state === 'serving');
    this.#wasUp ||= serving;
    this.#show(serving ? 'up' : !navigator.onLine ? 'offline' : this.#wasUp ? 'reconnecting' : 'connecting');
  }

  #listen() {
    addEventListener('offline', () => this.#weigh());
    addEventListener('online', () => { this.#weigh(); this.#nudge(); });
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#nudge(); });
    addEventListener('pageshow', ({ persisted }) => { if (persisted) location.reload(); }); // it left the visor when it was hidden
    onKeyReplaced(() => location.reload());
  }

  /** The visor tries again by itself, in its own rhythm; when the network is back or somebody looks, there is no reason to wait. */
  #nudge() {
    const now = performance.now();
    if (this.phase === 'failed' || now - this.#nudgedMs < kNudgeEveryMs) return;
    this.#nudgedMs = now;
    for (const { pk, type, address } of this.network.peers ?? []) {
      const there = this.transports.some((transport) => transport.remote === pk && transport.type === type);
      if (!there) this.visor.call('transports', 'add', { pk, type, address }).catch(() => {}); // its log says why
    }
  }
}
