// A native visor on LevelDB, killed with SIGKILL and started again: the TPD keeps its history and counts nothing twice.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { reportedBy } from './page.mjs';
import { Program, json, startDemo, temporaryFolder, until, visorProgram } from './support.mjs';

function writeConfig(folder, bootstrap) {
  const config = {
    identity: { file: path.join(folder, 'visor.key') },
    directory: path.join(folder, 'data'),
    plugins: [
      { plugin: 'storage_leveldb', as: 'disk' },
      { plugin: 'gateway', config: { listen: 'tcp://127.0.0.1:0' } },
      { plugin: 'transports', config: { interval_ms: 1000, peers: bootstrap.peers.map(({ pk, type, address }) => ({ pk, type, address })) } },
      { plugin: 'feeds', config: { drive: 'disk' } },
      { plugin: 'telemetry', config: { tpd: bootstrap.tpd.pk, network: 'skynet', port: 50, interval_ms: 1000 } },
    ],
  };
  const file = path.join(folder, 'visor.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

async function start(t, config) {
  const program = new Program(t, visorProgram, ['run', '--config', config]);
  const [, gateway] = await program.line(/(http:\/\/127\.0\.0\.1:\d+)/);
  const status = await json(`${gateway}/api/kernel/status`);
  return { program, gateway, pk: status.key };
}

/** What the visor has counted since it started. */
async function counted(gateway) {
  const transports = await json(`${gateway}/api/transports/list`);
  return transports.reduce((sum, transport) => sum + transport.sent_bytes + transport.received_bytes, 0);
}

test('history survives kill -9 and nothing is counted twice', async (t) => {
  const { address, bootstrap } = await startDemo(t);
  const config = writeConfig(temporaryFolder(t), bootstrap);
  const ask = () => json(`${address}/metrics?edges=true`);

  const first = await start(t, config);
  await until(ask, (metrics) => reportedBy(metrics, first.pk) > 400, 15000, 'the first life on /metrics');
  const beforeKill = await counted(first.gateway);
  await first.program.stop('SIGKILL');
  // What the TPD had when the visor was gone: the last that it can have heard of the first life.
  const history = await until(ask, (metrics) => reportedBy(metrics, first.pk), 5000, 'the history of the killed visor');
  assert.ok(history <= beforeKill + 4096, `the TPD has ${history} bytes, the visor had counted ${beforeKill}`);

  const second = await start(t, config);
  assert.equal(second.pk, first.pk, 'the key is kept');
  const after = await until(ask, (metrics) => {
    const total = reportedBy(metrics, second.pk);
    return total > history ? total : null;
  }, 15000, `more than the ${history} bytes of the first life`);
  const secondLife = await counted(second.gateway);
  assert.ok(after <= history + secondLife, `after the restart the TPD has ${after} bytes: more than the first life's ${history} and the second's ${secondLife}`);

  // The lives of both stay apart however long the second lasts: growth is the second's own.
  const later = await until(ask, (metrics) => {
    const total = reportedBy(metrics, second.pk);
    return total > after ? total : null;
  }, 15000, `growth beyond ${after}`);
  assert.ok(later <= history + await counted(second.gateway));

  const exit = await second.program.stop();
  assert.deepEqual(exit, { code: 0, signal: null }, second.program.text());
});
