/** What this tab's visor is booted with: a key that is the tab's own, and the plugins that it runs. */

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

/**
 * What this tab's visor runs.
 * @param {object} network what the gateway tells of it in /bootstrap.json: {interval_ms, tpd: {pk, network, port}, peers:
 *   [{pk, type, address}]}
 * @returns {object} a configuration for boot()
 */
export function tabConfiguration(network) {
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
