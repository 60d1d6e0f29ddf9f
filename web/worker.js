/**
 * The worker of a page: hosts its visor and carries messages.
 *
 * From the page                                           To the page
 *   {t: 'init', wasm, config, secretKey}                    {t: 'up', pk} or {t: 'failed', status, message}
 *   {t: 'call', id, instance, command, args}                {t: 'value', id, value} each, then
 *                                                           {t: 'done', id} or {t: 'error', id, status, message}
 *   {t: 'taken', id} answers each value: 64 wait at most, then the command is held back
 *   {t: 'cancel', id}                                       {t: 'log', record: {time, level, instance, text}}
 *   {t: 'stop'}                                             {t: 'down'}; with a message when the visor broke
 *
 * `wasm` is the module's address, `id` a number of the page's choice; statuses are the visor's, negative.
 */
import { VisorHost } from './visor-host.js';

let host = null;
const calls = new Map(); // id -> {abort: AbortController, taken: (() => void)[]}

const describe = (error) => ({ status: error.status ?? -14, message: error.message });

async function init({ wasm, config, secretKey }) {
  try {
    host = await VisorHost.load({
      wasm,
      onLog: (record) => postMessage({ t: 'log', record }),
      onStop: (error) => postMessage({ t: 'down', ...describe(error) }),
    });
    const { pk } = await host.boot({ config, secretKey });
    postMessage({ t: 'up', pk });
  } catch (error) {
    postMessage({ t: 'failed', ...describe(error) });
  }
}

async function call({ id, instance, command, args }) {
  if (!host) {
    postMessage({ t: 'error', id, status: -2, message: 'the visor is not up; send init first' });
    return;
  }
  const entry = { abort: new AbortController(), taken: [] };
  calls.set(id, entry);
  const onValue = (value) => {
    postMessage({ t: 'value', id, value });
    return new Promise((resolve) => { entry.taken.push(resolve); });
  };
  try {
    await host.call(instance, command, args, onValue, { signal: entry.abort.signal });
    postMessage({ t: 'done', id });
  } catch (error) {
    postMessage({ t: 'error', id, ...describe(error) });
  }
  calls.delete(id);
}

async function stop() {
  await host?.stop();
  postMessage({ t: 'down' });
}

const handlers = {
  init, call, stop,
  taken: ({ id }) => calls.get(id)?.taken.shift()?.(),
  cancel: ({ id }) => calls.get(id)?.abort.abort(),
};

addEventListener('message', ({ data }) => handlers[data.t]?.(data));
