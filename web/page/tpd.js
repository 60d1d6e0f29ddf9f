/** The network as its transport discovery (TPD) shows it: every transport, every visor, totals. */

const kMaxRows = 1000;     // shown of a large network; its totals are of all
const kSlowestMs = 5000;
const kFastestMs = 500;

const day = (metric) => metric.daily?.[0];
const both = (edge) => (edge ? edge.sent + edge.recv : 0);

/** One row of /metrics; times are in microseconds there. */
function readRow(metric) {
  const today = day(metric);
  return {
    id: metric.id, type: metric.type, live: metric.live, edges: metric.edges,
    latencyMs: (metric.latency?.avg ?? 0) / 1000,
    bytes: today ? Math.max(both(today.a), both(today.b)) : 0, // either edge counts both directions
  };
}

/** Visors from transports: key, live transports, the best latency, bytes today; most transports first. */
function gatherVisors(transports) {
  const visors = new Map();
  for (const { edges, live, latencyMs, bytes } of transports) {
    for (const pk of edges) {
      const visor = visors.get(pk) ?? { pk, transports: 0, latencyMs: 0, bytes: 0 };
      visors.set(pk, visor);
      visor.bytes += bytes;
      if (!live) continue;
      visor.transports += 1;
      if (latencyMs > 0) visor.latencyMs = visor.latencyMs ? Math.min(visor.latencyMs, latencyMs) : latencyMs;
    }
  }
  return [...visors.values()].filter(({ transports: live }) => live > 0)
    .sort((a, b) => b.transports - a.transports || a.pk.localeCompare(b.pk));
}

/** Events: 'network' when it was asked; 'problem' when it did not answer. */
export class Tpd extends EventTarget {
  transports = null; // null until the first answer; live ones first
  visors = [];
  totals = { transports: 0, visors: 0, byType: {}, bytes: 0 };
  complete = true;   // whether every transport is in `transports`
  problem = null;
  #url = '/metrics'; #everyMs = kSlowestMs; #timer = 0; #wanted = true;

  /** @param {object} network as /bootstrap.json tells */
  start(network) {
    this.#url = network.tpd?.metrics ?? this.#url;
    this.#everyMs = Math.min(Math.max((network.interval_ms ?? kSlowestMs) / 2, kFastestMs), kSlowestMs);
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) clearTimeout(this.#timer);
      else this.#poll();
      this.#wanted = !document.hidden;
    });
    this.#poll();
  }

  /** Where people and programs find the same. */
  get url() { return this.#url; }

  async #poll() {
    clearTimeout(this.#timer);
    try {
      await this.#ask();
      this.problem = null;
      this.dispatchEvent(new Event('network'));
    } catch (error) {
      this.problem = error;
      this.dispatchEvent(new Event('problem'));
    }
    if (this.#wanted) this.#timer = setTimeout(() => this.#poll(), this.#everyMs);
  }

  async #get(address) {
    const response = await fetch(address, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    return { more: response.headers.has('x-next-cursor'), value: await response.json() };
  }

  async #ask() {
    const { value, more } = await this.#get(`${this.#url}?edges=true&days=1&limit=${kMaxRows}`);
    this.transports = value.filter(({ edges }) => edges?.length === 2).map(readRow)
      .sort((a, b) => Number(b.live) - Number(a.live) || a.id.localeCompare(b.id));
    this.visors = gatherVisors(this.transports);
    this.complete = !more;
    this.totals = { ...this.#count(), ...(more ? await this.#askTotals() : {}) };
  }

  #count() {
    const byType = {};
    let live = 0;
    for (const { type, live: isLive } of this.transports) {
      if (!isLive) continue;
      live += 1;
      byType[type] = (byType[type] ?? 0) + 1;
    }
    return { transports: live, visors: this.visors.length, byType, bytes: this.transports.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  async #askTotals() {
    const { value } = await this.#get(new URL('/all-transports/stats', new URL(this.#url, location.href)));
    return { transports: value.total_transports, visors: value.unique_visors, byType: value.by_type };
  }
}
