// What Prometheus makes of /metrics: promtool accepts the text format and our alerts, a real server scrapes
// OpenMetrics and answers with the latency and the bytes of a live transport; what the dashboard asks for is there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program, json, startDemo, temporaryFolder, until, visorProgram } from './support.mjs';

const grafana = fileURLToPath(new URL('../../plugins/transport-discovery/grafana', import.meta.url));

function promtool(...args) {
  const check = spawnSync('promtool', args, { encoding: 'utf8', cwd: grafana });
  assert.equal(check.status, 0, `promtool ${args.join(' ')}\n${check.stdout}${check.stderr}`);
}

// The names of the metrics in expressions of dashboard and alerts.
function metricsIn(text) {
  return new Set(text.match(/\bvisor_[a-z_]+/g));
}

test('alerts are rules that promtool takes, and fire when they should', () => {
  promtool('check', 'rules', 'alerts.yml');
  promtool('test', 'rules', 'alerts_test.yml');
});

async function exposition(address, accept) {
  const response = await fetch(`${address}/metrics`, { headers: { accept } });
  assert.equal(response.status, 200);
  return { type: response.headers.get('content-type'), text: await response.text() };
}

test('Prometheus reads /metrics', async (t) => {
  const { address, bootstrap } = await startDemo(t);
  const measured = (rows) => rows.find((row) => row.live && row.latency?.avg > 0);
  await until(() => json(`${address}/metrics?edges=true`), measured, 15000, 'a measured transport');

  await t.test('promtool accepts the text format 0.0.4', async () => {
    const { type, text } = await exposition(address, 'text/plain;version=0.0.4');
    assert.match(type, /^text\/plain; ?version=0\.0\.4/);
    assert.match(text, /^visor_transport_latency_seconds\{/m);
    const check = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.equal(check.status, 0, `${check.stdout}${check.stderr}`);
    assert.equal(check.stderr.trim(), '', 'promtool has nothing to remark');
  });

  await t.test('the dashboard and the alerts ask for what there is', async () => {
    const { text } = await exposition(address, 'text/plain;version=0.0.4');
    const there = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const dashboard = readFileSync(path.join(grafana, 'dashboard.json'), 'utf8');
    const panels = JSON.parse(dashboard).panels;
    assert.ok(panels.length > 10 && panels.every((panel) => panel.targets.every((target) => target.expr)));
    for (const name of [...metricsIn(dashboard), ...metricsIn(readFileSync(path.join(grafana, 'alerts.yml'), 'utf8'))]) {
      assert.ok(there.has(name), `${name} is in /metrics`);
    }
  });

  await t.test('gzip is the same text, from blocks that were compressed before', async () => {
    const plain = await fetch(`${address}/metrics?edges=true`, { headers: { 'accept-encoding': 'identity' } });
    assert.equal(plain.headers.get('content-encoding'), null);
    const packed = await fetch(`${address}/metrics?edges=true`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(packed.headers.get('content-encoding'), 'gzip');
    assert.deepEqual((await packed.json()).map((row) => row.id), (await plain.json()).map((row) => row.id));
  });

  await t.test('OpenMetrics 1.0 ends as it should', async () => {
    const { type, text } = await exposition(address, 'application/openmetrics-text;version=1.0.0');
    assert.match(type, /^application\/openmetrics-text; ?version=1\.0\.0/);
    assert.ok(text.endsWith('# EOF\n'));
  });

  await t.test('the command line shows a table', () => {
    const table = spawnSync(visorProgram, ['transport-discovery', 'metrics', '--table'],
      { encoding: 'utf8', env: { ...process.env, VISOR_GATEWAY: address } });
    assert.equal(table.status, 0, table.stderr);
    const [head, ...rows] = table.stdout.split('\n');
    assert.match(head, /id.*type.*live.*latency_ms.*today_bytes/i);
    assert.match(rows.join('\n'), /stcpr/);
  });

  await t.test('/metrics and the service directory are on port 80 of the relay network too', async () => {
    const native = new URL(bootstrap.peers.find((peer) => peer.name === 'native visor').address.replace(/^ws/, 'http')).origin;
    const ask = async (path) => {
      const text = `GET ${path} HTTP/1.1\r\nhost: tpd\r\nconnection: close\r\n\r\n`;
      const response = await fetch(`${native}/api/dmsg/dial`, { method: 'POST',
        body: JSON.stringify({ pk: bootstrap.tpd.pk, port: 80, text, idle_ms: 2000 }) });
      return (await response.text()).split('\n').filter(Boolean).map((line) => JSON.parse(line).text ?? '').join('');
    };
    const live = await until(() => ask('/metrics?live=true&edges=true'), (answer) => /^HTTP\/1\.1 200/.test(answer) && answer, 20000, '/metrics by key');
    assert.match(live, new RegExp(`"edges":\\[[^\\]]*${bootstrap.tpd.pk}`));
    assert.match(await ask('/api/services?type=visor'), new RegExp(`"${bootstrap.peers.find((peer) => peer.name === 'native visor').pk}`));
    assert.match(await ask('/api/kernel/status'), /^HTTP\/1\.1 404/);
  });

  await t.test('a Prometheus server scrapes it', async () => {
    const folder = temporaryFolder(t);
    const config = path.join(folder, 'prometheus.yml');
    writeFileSync(config, `global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ['${grafana}/alerts.yml']\nscrape_configs:\n- job_name: tpd\n  static_configs:\n  - targets: ['${new URL(address).host}']\n`);
    const server = new Program(t, 'prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`,
      '--web.listen-address=127.0.0.1:0', '--log.level=info']);
    const [, listen] = await server.line(/msg="Listening on" address=(127\.0\.0\.1:\d+)/);
    await server.line(/Server is ready to receive web requests/);
    const query = (expression) => json(`http://${listen}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const targets = await until(() => json(`http://${listen}/api/v1/targets`),
      (answer) => answer.data.activeTargets.find((target) => target.health !== 'unknown'), 20000, 'a first scrape');
    assert.equal(targets.health, 'up', targets.lastError);
    const series = await until(() => query('visor_transport_latency_seconds > 0'),
      (answer) => answer.data.result.length && answer.data.result, 20000, 'a series of latency');
    assert.ok(Number(series[0].value[1]) < 30);
    // Of a transport that lives: its latency, and bytes that grow.
    const { id } = series[0].metric;
    const live = await query(`visor_transport_live{id="${id}"}`);
    assert.equal(live.data.result[0].value[1], '1');
    const growing = await until(() => query(`rate(visor_transport_sent_bytes_total{id="${id}"}[30s]) > 0`),
      (answer) => answer.data.result.length && answer.data.result, 40000, 'a transport whose bytes grow');
    assert.ok(Number(growing[0].value[1]) > 0);
    const rules = await json(`http://${listen}/api/v1/rules`);
    const alerts = rules.data.groups.flatMap((group) => group.rules);
    assert.ok(alerts.length >= 8 && alerts.every((rule) => !rule.lastError), JSON.stringify(alerts.map((rule) => rule.lastError)));
  });
});
