// What Prometheus makes of /metrics: promtool accepts the text format, a real server scrapes OpenMetrics.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Program, json, startDemo, temporaryFolder, until } from './support.mjs';

async function exposition(address, accept) {
  const response = await fetch(`${address}/metrics`, { headers: { accept } });
  assert.equal(response.status, 200);
  return { type: response.headers.get('content-type'), text: await response.text() };
}

test('Prometheus reads /metrics', async (t) => {
  const { address } = await startDemo(t);
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

  await t.test('OpenMetrics 1.0 ends as it should', async () => {
    const { type, text } = await exposition(address, 'application/openmetrics-text;version=1.0.0');
    assert.match(type, /^application\/openmetrics-text; ?version=1\.0\.0/);
    assert.ok(text.endsWith('# EOF\n'));
  });

  await t.test('a Prometheus server scrapes it', async () => {
    const folder = temporaryFolder(t);
    const config = path.join(folder, 'prometheus.yml');
    writeFileSync(config, `global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: tpd\n  static_configs:\n  - targets: ['${new URL(address).host}']\n`);
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
    assert.ok((await query('rate(visor_transport_sent_bytes_total[1m])')).status === 'success');
  });
});
