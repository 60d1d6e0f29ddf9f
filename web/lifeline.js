/**
 * Who is still there?  A port does not tell when its other end has crashed; a lock (Web Locks) does, because the browser gives it
 * to the next in line.  Pages without TLS and not on loopback have no locks: there nobody is missed, and an end must be told.
 */
import { VisorError, status } from './visor-error.js';

/** How long a visor of the same key may take to go: a worker that a reload ended lets go of its locks a little later. */
const kGoingMs = 3000;

const locks = globalThis.navigator?.locks;

/**
 * Takes a lock under a name of its own, for as long as this page or worker lives.
 * @returns {Promise<string|undefined>} the name, for whenEnded() elsewhere; undefined where there are no locks
 */
export function holdLifeline() {
  if (!locks) return Promise.resolve(undefined);
  const name = `visor-lifeline-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    locks.request(name, () => { resolve(name); return new Promise(() => {}); }).catch(() => resolve(undefined));
  });
}

/**
 * Tells once when the holder of a lifeline is gone.
 * @param {string} name
 * @param {() => void} ended
 * @param {AbortSignal} signal when nobody wants to know any more
 */
export function whenEnded(name, ended, signal) {
  locks?.request(name, { signal }, () => { if (!signal.aborted) ended(); }).catch(() => {}); // aborted
}

/** Tells keys apart without telling them. */
export function fingerprint(secretKey) {
  let hash = 0x811c9dc5; // FNV-1a
  for (const character of secretKey) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/**
 * Makes sure that no other worker of this origin runs the visor of this key: two with one identity take each other's
 * connections.
 * @param {string} secretKey
 * @returns {Promise<() => void>} lets the next one; rejects with EEXIST when another keeps running
 */
export function claimIdentity(secretKey) {
  if (!locks) return Promise.resolve(() => {});
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), kGoingMs);
  return new Promise((resolve, reject) => {
    locks.request(`visor-identity-${fingerprint(secretKey)}`, { signal: late.signal }, () => {
      clearTimeout(timer);
      return new Promise((release) => { resolve(release); });
    }).catch(() => reject(new VisorError(status.EEXIST, 'a visor of this key runs in another worker of this origin')));
  });
}
