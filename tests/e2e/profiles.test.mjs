// `visor run network` and `visor run visor`: a network that others join, without a configuration file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from './page.mjs';
import { Program, json, run, temporaryFolder, until, visorProgram } from './support.mjs';

const kWithinMs = 30000; // a limit for machines that are busy, never a wait

async function startNetwork(t) {
  const program = new Program(t, visorProgram, ['run', 'network', '--port', '0', '--interval-ms', '1000', '--data', temporaryFolder(t)]);
  const [, address] = await program.line(/^another visor joins with: visor run visor --network (http:\S+) --port 0$/);
  return { program, address };
}

/** A visor that joins; `data` is kept from one start to the next. */
async function join(t, address, data) {
  const program = new Program(t, visorProgram, ['run', 'visor', '--network', address, '--port', '0', '--data', data]);
  const [, gateway] = await program.line(/listening on (http:\S+)/);
  const ask = (command, args) => json(`${gateway}/api/${command}`, args && { method: 'POST', body: JSON.stringify(args) });
  const { key } = await ask('kernel/status');
  await until(() => fetch(`${gateway}/api/chat/status`).then(({ ok }) => ok), (ok) => ok, kWithinMs, 'all plugins');
  return { program, ask, key };
}

test('two visors join a network: the TPD knows them, and they find each other', async (t) => {
  const network = await startNetwork(t);
  const [one, other] = await Promise.all([0, 1].map(() => join(t, network.address, temporaryFolder(t))));
  await until(() => json(`${network.address}/metrics?edges=true`),
    (metrics) => rowsOf(metrics, one.key).length > 0 && rowsOf(metrics, other.key).length > 0, kWithinMs, 'both on /metrics');
  await one.ask('chat/send', { to: other.key, text: 'found you' });
  await until(() => other.ask('chat/history', { peer: one.key }), (messages) => messages.some(({ text }) => text === 'found you'), kWithinMs, 'a message');
});

test('a visor starts again while its network is away, with the same key', async (t) => {
  const network = await startNetwork(t);
  const data = temporaryFolder(t);
  const { program, key } = await join(t, network.address, data);
  await program.stop();
  await network.program.stop();
  const again = await join(t, network.address, data);
  assert.equal(again.key, key);
  await again.program.line(/nobody answers at .* what it said last is used/);
});

test('what is missing is told', async (t) => {
  for (const [words, code, expected] of [
    [['visor'], 2, /where its gateway is with --network URL/],
    [['visor', '--network', 'http://127.0.0.1:1'], 3, /nobody answers at http:\/\/127\.0\.0\.1:1; start a network there/],
    [['visor', '--network', 'nonsense'], 2, /"nonsense.*is not an address/],
    [['network', '--address', 'here'], 2, /--address/],
    [['network', '--address', '0.0.0.0'], 2, /by which others reach this machine/],
    [['network', '--address', '192.0.2.1'], 1, /without a "token"/],
  ]) {
    const ended = await run(t, visorProgram, ['run', ...words, '--data', temporaryFolder(t)]);
    assert.equal(ended.code, code, `${words}: ${ended.text}`);
    assert.match(ended.text, expected);
  }
});
