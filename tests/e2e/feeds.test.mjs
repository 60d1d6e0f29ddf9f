// Feeds between processes: over TCP and over the relay network, killed, and read from the drive afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Visor } from './relay-network.mjs';
import { atEnd, json, run, until, visorProgram } from './support.mjs';

const kWithinMs = 15000;

class Feeds extends Visor {
  async feeds(command, args = {}) { return json(`${this.gateway}/api/feeds/${command}`, { method: 'POST', body: JSON.stringify(args) }); }
  status() { return this.feeds('status'); }
  publish(port, path, value) { return this.feeds('publish', { port, path, value }); }
  /** The leaf, or what is said instead. */
  async leaf(owner, port, path) {
    try {
      return (await this.feeds('get', { owner, port, path })).value;
    } catch (error) {
      return error.message;
    }
  }
}

function node(t, name, relay, config = {}) {
  const made = new Feeds(t, name, []);
  made.plugins = [{ plugin: 'storage_leveldb', as: 'disk', config: { path: `${made.folder}/data` } }, { plugin: 'fetch' },
    { plugin: 'dmsg', config: { servers: [relay], interval_ms: 1000 } },
    { plugin: 'feeds', config: { drive: 'disk', ...config } }];
  return made;
}

test('feeds between processes', async (t) => {
  const hub = await new Visor(t, 'hub', [{ plugin: 'fetch' }, { plugin: 'dmsg_server', config: { listen: 'tcp://127.0.0.1:0', interval_ms: 1000 } }]).start();
  const [, address] = await hub.program.line(/relaying at (tcp:\/\/\S+)/);
  const relay = { pk: hub.pk, address };
  const owner = await node(t, 'owner', relay, { listen: 'tcp://127.0.0.1:0', listen_port: 50, serve: [{ network: 'dmsg', port: 50 }, { network: 'dmsg', port: 60 }] }).start();
  const reader = await node(t, 'reader', relay).start();
  const direct = (await owner.status()).direct.address.replace('tcp://', '');

  /** Follows a feed until the test ends or the process does; what came, leaf by leaf. */
  function watch(args) {
    const abort = new AbortController();
    atEnd(t, () => abort.abort());
    const leaves = {};
    (async () => {
      for await (const { changes } of reader.stream('feeds', 'watch', { values: true, ...args }, abort.signal)) {
        for (const { path, value } of changes) leaves[path] = value;
      }
    })().catch(() => {});
    return { leaves, end: () => abort.abort() };
  }

  for (const [name, port, args] of [['TCP', 50, { port: 50, owner: `${owner.pk}@${direct}` }], ['the relay network', 60, { port: 60, owner: owner.pk, network: 'dmsg' }]]) {
    await t.test(`over ${name}: a leaf, a change of it, and both processes killed`, async () => {
      await owner.publish(port, 'weather/berlin', 'rain');
      let watched = watch(args);
      await until(() => watched.leaves['weather/berlin'], (value) => value === 'rain', kWithinMs, 'the leaf');
      await owner.publish(port, 'weather/berlin', 'sun');
      await until(() => watched.leaves['weather/berlin'], (value) => value === 'sun', kWithinMs, 'its change');
      watched.end();

      await reader.kill();
      await reader.start();
      // Nobody has opened it there since, and its owner is not asked.
      assert.equal(await reader.leaf(owner.pk, port, 'weather/berlin'), 'sun');
      const { feeds } = await reader.feeds('list');
      assert.ok(feeds.some((feed) => feed.owner === owner.pk && feed.port === port && feed.state === 'stored'), JSON.stringify(feeds));
      const shown = await run(t, visorProgram, ['feeds', 'tree', '--owner', owner.pk, '--port', `${port}`, '--gateway', reader.gateway]);
      assert.equal(shown.code, 0, shown.text);
      assert.match(shown.text, /weather\/berlin/);
    });
  }

  await t.test('the owner, killed, goes on with its feed and its numbers', async () => {
    const before = (await owner.publish(60, 'n', '1')).seq;
    await owner.kill();
    await owner.start();
    const watched = watch({ port: 60, owner: owner.pk, network: 'dmsg' });
    await until(() => owner.publish(60, 'n', '2').catch(() => null), (said) => said && said.seq > before, kWithinMs, 'the next number');
    await until(() => watched.leaves, (leaves) => leaves.n === '2' && leaves['weather/berlin'] === 'sun', kWithinMs, 'all leaves');
  });
});
