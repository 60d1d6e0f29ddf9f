/**
 * The worker of a page: hosts its visor and carries messages, for web/worker-host.js.
 *
 * From the page                                           To the page
 *   {t: 'boot', wasm, config, secretKey}                    {t: 'up', pk} or {t: 'failed', status, message}
 *   {t: 'call', id, instance, command, args}                {t: 'value', id, value} each, then
 *                                                           {t: 'finished', id}, with status and message if it failed
 *   {t: 'taken', id, count}: as many values more may come   {t: 'log', record: {time, level, instance, text}}
 *   {t: 'cancel', id}
 *   {t: 'stop'}                                             {t: 'down'}; with status and message when the visor broke
 *
 * `wasm` is the module or its address, `id` a number of the page's choice; statuses are the visor's, negative.
 */
import { VisorError, status } from './visor-error.js';
import { ModuleHost } from './visor-host.js';

let host = null;
const calls = new Map(); // id -> what ModuleHost.open() gave

const describe = (error) => error && { status: error.status ?? status.EINTERNAL, message: error.message };

async function boot({ wasm, config, secretKey }) {
  try {
    host = await ModuleHost.load({
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

function call({ id, instance, command, args }) {
  const value = (one) => postMessage({ t: 'value', id, value: one });
  const finished = (error) => {
    calls.delete(id);
    postMessage({ t: 'finished', id, ...describe(error) });
  };
  if (!host) {
    finished(new VisorError(status.ENOENT, 'the visor is not up; boot it first'));
    return;
  }
  const never = { taken() {}, cancel() {} };
  calls.set(id, never); // until open() returns, which may be after the end
  const opened = host.open(instance, command, args, { value, finished });
  if (calls.has(id)) calls.set(id, opened);
}

async function stop() {
  await host?.stop();
  postMessage({ t: 'down' });
}

const handlers = {
  boot, call, stop,
  taken: ({ id, count }) => calls.get(id)?.taken(count),
  cancel: ({ id }) => calls.get(id)?.cancel(),
};

addEventListener('message', ({ data }) => handlers[data.t]?.(data));
