/** The two ways from a page to the worker of its visor.  A link: {post(message), close(), shared, lifeline}. */
import { fingerprint } from './lifeline.js';

/** In the shared worker's name, so that a page never meets a worker that speaks otherwise: count it up with the messages. */
const kMessages = 1;

const at = (script) => new URL(script, import.meta.url);

/**
 * A worker of this page alone.
 * @param {(message: object) => void} heard each of its messages
 * @param {(why: string) => void} failed it did not load, or something in it was not caught
 */
function dedicatedLink(heard, failed) {
  const worker = new Worker(at('./worker.js'), { type: 'module' });
  worker.addEventListener('message', ({ data }) => heard(data));
  worker.addEventListener('error', (event) => failed(event.message ?? 'it did not load'));
  return { post: (message) => worker.postMessage(message), close: () => worker.terminate(), shared: false };
}

/** The worker of every tab that has this key; rejects when its script fails, however long it takes to say so. */
function sharedLink(secretKey, heard) {
  return new Promise((resolve, reject) => {
    const name = `visor ${kMessages} ${secretKey ? fingerprint(secretKey) : ''}`.trimEnd();
    const worker = new SharedWorker(at('./shared-worker.js'), { type: 'module', name });
    worker.addEventListener('error', reject);
    worker.port.addEventListener('message', ({ data }) => {
      if (data.t !== 'hello') { heard(data); return; }
      const link = { post: (message) => worker.port.postMessage(message), close: () => worker.port.close(), shared: true };
      resolve({ ...link, lifeline: data.lifeline });
    });
    worker.port.start();
  });
}

/**
 * @param {boolean} shared whether the worker should be that of all tabs; one of this page's own where there is none such
 * @param {string|undefined} secretKey
 * @param {(message: object) => void} heard
 * @param {(why: string) => void} failed
 */
export async function openLink(shared, secretKey, heard, failed) {
  if (shared && typeof SharedWorker !== 'undefined') {
    try {
      return await sharedLink(secretKey, heard);
    } catch { /* its script failed, or this page may have none */ }
  }
  return dedicatedLink(heard, failed);
}
