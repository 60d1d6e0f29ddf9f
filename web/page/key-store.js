/** The secret key of this browser's visor: one for every tab of this origin, kept where reloads and new tabs find it. */

const kItem = 'skywire-visor-sk';

/** A new secret key: 64 hex digits.  One draw in 2^128 would not be a key; the visor then says so. */
export function drawKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const isKey = (text) => /^[0-9a-f]{64}$/.test(text ?? '');

/** Two tabs that open at once must not draw two keys. */
function alone(job) {
  return navigator.locks ? navigator.locks.request(kItem, job) : Promise.resolve(job());
}

/**
 * The browser's key, drawn at the first visit.
 * @returns {Promise<{secretKey: string, kept: boolean}>} kept: false where the browser refuses to store; the key then
 *   goes with the tab
 */
export async function loadKey() {
  try {
    return await alone(() => {
      let secretKey = localStorage.getItem(kItem);
      if (!isKey(secretKey)) {
        secretKey = drawKey();
        localStorage.setItem(kItem, secretKey);
      }
      return { secretKey, kept: true };
    });
  } catch {
    return { secretKey: drawKey(), kept: false };
  }
}

/** Replaces the browser's key; tabs that are open hear of it by onKeyReplaced().  Throws where the browser refuses. */
export function replaceKey(secretKey) {
  localStorage.setItem(kItem, secretKey);
}

/** Another tab has replaced the key: what runs here is yesterday's. */
export function onKeyReplaced(replaced) {
  addEventListener('storage', ({ key, newValue }) => { if (key === kItem && isKey(newValue)) replaced(); });
}
