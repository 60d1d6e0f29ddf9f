// The TPD's /metrics with 100,000 series over HTTP, to the last byte of the gzip answer, beside Prometheus' /federate of
// the same series; and how many samples each takes in a second: ours as the leaves of feeds that have
// arrived, VictoriaMetrics' and Prometheus' as text over HTTP, as they take them.  The floor of an answer is the same bytes
// from memory, that of samples is reading that text from HTTP and dropping it.  Rows go to stdout.
//   node bench/bench_telemetry_peers.mjs      (Debian: prometheus, victoria-metrics; a peer that is missing is left out)
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, ownFolder } from './peer_processes.mjs';

const kRuns = 7;
const children = [];
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
const folder = ownFolder();
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const installed = (program) => spawnSync('which', [program]).status === 0;

function start(program, args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}

/** One request to its last byte: {ms, bytes, body}. */
function get(url, headers = {}, method = 'GET', body = null) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const request = http.request(url, { method, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        const whole = Buffer.concat(parts);
        if (response.statusCode >= 300) return reject(new Error(`${url}: ${response.statusCode} ${whole.toString('utf8', 0, 300)}`));
        resolve({ ms: performance.now() - began, bytes: whole.length, body: whole });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function ready(url) {
  for (let i = 0; i < 300; ++i) {
    try { return await get(url); } catch { await new Promise((done) => setTimeout(done, 100)); }
  }
  throw new Error(`${url} does not answer`);
}

function row(bench, unit, better, ours, floor, peer, values) {
  const line = { bench, unit, better, ours: median(ours), floor: median(floor) };
  if (values?.length) Object.assign(line, { peer, peer_value: median(values) });
  console.error(`${bench.padEnd(40)} ${line.ours.toFixed(2)} ${unit}, ${(line.ours / line.floor).toFixed(3)} of the floor` +
    (line.peer ? `, ${(line.ours / line.peer_value).toFixed(3)} of ${peer}` : ''));
  console.log(JSON.stringify({ ...line, runs: kRuns }));
}

// --- ours, and the same bytes from memory

const tpd = start(path.resolve('build/release/bench/bench_telemetry'), ['serve']);
const lines = createInterface({ input: tpd.stdout })[Symbol.asyncIterator]();
const say = async (line) => { tpd.stdin.write(`${line}\n`); return (await lines.next()).value; };
const address = (await lines.next()).value;
const text = { accept: 'text/plain;version=0.0.4' };
const gzip = { ...text, 'accept-encoding': 'gzip' };
const packed = (await get(`${address}/metrics`, gzip)).body;
const plain = (await get(`${address}/metrics`, text)).body;
const memory = http.createServer((request, response) => {
  if (request.method === 'POST') {
    request.resume().on('end', () => response.writeHead(204).end());
  } else {
    response.writeHead(200, request.url === '/packed' ? { 'content-encoding': 'gzip' } : { 'content-type': 'text/plain; version=0.0.4' });
    response.end(request.url === '/packed' ? packed : plain);
  }
}).listen(0, '127.0.0.1');
await once(memory, 'listening');
const floor = `http://127.0.0.1:${memory.address().port}`;
const samples = plain.toString().split('\n').filter((line) => line && !line.startsWith('#'));
console.error(`${samples.length} series, ${packed.length} bytes of gzip, ${plain.length} plain`);

// --- peers

/** Prometheus scrapes those bytes each five seconds; how long it takes it says itself. */
async function startPrometheus() {
  if (!installed('prometheus')) return null;
  const port = await freePort();
  const config = path.join(folder, 'prometheus.yml');
  writeFileSync(config, `global: {scrape_interval: 5s, scrape_timeout: 5s}\nscrape_configs:\n- job_name: bench\n  static_configs:\n  - targets: ['${new URL(floor).host}']\n`);
  start('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${folder}/prometheus`, `--web.listen-address=127.0.0.1:${port}`]);
  const url = `http://127.0.0.1:${port}`;
  await ready(`${url}/-/ready`);
  const query = async (expression) => JSON.parse((await get(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)).body).data.result[0]?.value[1];
  for (let i = 0; !(Number(await query('scrape_samples_scraped')) > 0); ++i) {
    if (i > 100) throw new Error('Prometheus has scraped nothing');
    await new Promise((done) => setTimeout(done, 500));
  }
  return {
    federate: () => get(`${url}/federate?match[]=${encodeURIComponent('{__name__=~"visor_.+"}')}`, { 'accept-encoding': 'gzip' }),
    async samplesPerSecond() {
      await new Promise((done) => setTimeout(done, 5200)); // another scrape
      return Number(await query('scrape_samples_scraped')) / Number(await query('scrape_duration_seconds'));
    },
  };
}

async function startVictoria() {
  if (!installed('victoria-metrics')) return null;
  const port = await freePort();
  start('victoria-metrics', [`-storageDataPath=${folder}/victoria`, `-httpListenAddr=127.0.0.1:${port}`]);
  const url = `http://127.0.0.1:${port}`;
  await ready(`${url}/health`);
  return { url };
}

const stamped = (time) => Buffer.from(samples.map((line) => `${line} ${time}`).join('\n') + '\n');
const prometheus = await startPrometheus();
const victoria = await startVictoria();

const got = { ours: [], oursPlain: [], floor: [], floorPlain: [], federate: [] };
const rate = { ours: [], floor: [], victoria: [], prometheus: [] };
const now = Date.now();
for (let run = 0; run < kRuns; ++run) {
  // What the samples of the run before have changed is rendered first: of one change the next answer is made.
  await get(`${address}/metrics`, gzip);
  await get(`${address}/metrics`, text);
  await say('change');
  got.ours.push((await get(`${address}/metrics`, gzip)).ms);
  got.oursPlain.push((await get(`${address}/metrics`, text)).ms);
  got.floor.push((await get(`${floor}/packed`)).ms);
  got.floorPlain.push((await get(`${floor}/plain`)).ms);
  if (prometheus) got.federate.push((await prometheus.federate()).ms);
  rate.ours.push(Number(await say('samples')));
  const body = stamped(now - 600000 + run * 1000);
  rate.floor.push(samples.length * 1000 / (await get(floor, {}, 'POST', body)).ms);
  if (victoria) rate.victoria.push(samples.length * 1000 / (await get(`${victoria.url}/api/v1/import/prometheus`, {}, 'POST', body)).ms);
  if (prometheus) rate.prometheus.push(await prometheus.samplesPerSecond());
}
row('telemetry.http_100k_ms', 'ms', 'less', got.ours, got.floor, 'prometheus federate', got.federate);
row('telemetry.http_100k_plain_ms', 'ms', 'less', got.oursPlain, got.floorPlain, 'prometheus federate', got.federate);
row('telemetry.samples_s', '1/s', 'more', rate.ours, rate.floor, 'victoria-metrics', rate.victoria);
row('telemetry.samples_prometheus_s', '1/s', 'more', rate.ours, rate.floor, 'prometheus', rate.prometheus);
process.exit(0);
