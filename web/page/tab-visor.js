/** The visor of this browser: which network, which key, and what it runs. */
import { drawKey, loadKey } from './key-store.js';
import { boot } from './visor.js';

/**
 * What the gateway tells of its network: {interval_ms, tpd: {pk, network, port, metrics}, peers: [{name, pk, type, address}],
 * dmsg: {discovery, servers: [{pk, address}]}, services: {discovery}}.
 * @returns {Promise<object>}
 */
export async function findNetwork() {
  const response = await fetch('/bootstrap.json');
  if (!response.ok) throw new Error(`/bootstrap.json answered ${response.status}; this page needs a gateway whose configuration has "bootstrap"`);
  return response.json();
}

/**
 * What a tab's visor runs.
 * @param {object} network as findNetwork() gives it
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
  if (network.dmsg) plugins.push({ plugin: 'dmsg', config: { ...rhythm, ...network.dmsg } });
  if (network.tpd) {
    const { pk, network: over, port } = network.tpd;
    plugins.push({ plugin: 'telemetry', config: { ...rhythm, tpd: pk, network: over, port } });
  }
  const directory = network.services ? { directory: { ...rhythm, ...network.services } } : {};
  plugins.push({ plugin: 'chat', config: { drive: 'disk', keep: { bytes: 16 << 20 }, ...directory } }); // in memory
  return { plugins, log: { instances: { chat: 'debug' } } }; // the chat window shows what it does
}

/**
 * Starts this browser's visor, or finds it running in another tab.
 * @param {object} network
 * @param {{onLog: Function, onStop: Function}} events as of boot()
 * @returns {Promise<{visor: import('./visor.js').Visor, secretKey: string, kept: boolean}>} kept: whether the key
 *   outlives this tab.  A tab has one of its own where nothing can be stored, and where there is no SharedWorker and
 *   another tab runs the browser's key
 */
export async function startTabVisor(network, events) {
  const start = async (key) => ({ ...key, visor: await boot({ config: tabConfiguration(network), secretKey: key.secretKey, shared: true, ...events }) });
  const key = await loadKey();
  try {
    return await start(key);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return start({ secretKey: drawKey(), kept: false });
  }
}
