/** The dashboard: boots this tab's visor and shows what it and the TPD know. */
import * as show from './format.js';
import { drawNetwork, sparkline } from './plots.js';
import { findNetwork, startTabVisor } from './tab-visor.js';

const $ = (id) => document.getElementById(id);
const kPoints = 40;        // of each plot
const kLogLines = 300;

const state = {
  own: '', names: new Map(), intervalMs: 60000, startedMs: performance.now(),
  mine: [], history: new Map(), network: [], sort: 'latency', filter: '', shownMs: 0,
};

function setState(name, words) {
  $('state').dataset.state = name;
  $('state').textContent = words;
}

function fail(error) {
  setState('failed', 'failed');
  $('problem').hidden = false;
  $('problem').textContent = error.message ?? String(error);
}

function log(level, text) {
  const pane = $('log');
  const atEnd = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 4;
  pane.append(`${level.padEnd(5)} ${text}\n`);
  while (pane.childNodes.length > kLogLines) pane.firstChild.remove();
  if (atEnd) pane.scrollTop = pane.scrollHeight;
}

function nameOf(pk) { return pk === state.own ? 'this tab' : state.names.get(pk) ?? show.shortKey(pk); }

function cell(label, ...content) {
  const td = document.createElement('td');
  td.dataset.label = label;
  td.append(...content);
  return td;
}

function row(className, ...cells) {
  const tr = document.createElement('tr');
  tr.className = className;
  tr.append(...cells);
  return tr;
}

function keyCode(pk) {
  const code = document.createElement('code');
  code.textContent = nameOf(pk);
  code.title = pk;
  return code;
}

/** Adds one sample to a transport's plots: latency in ms, bytes a second each way. */
function remember(transport) {
  const now = performance.now();
  const past = state.history.get(transport.id) ?? { latency: [], sent: [], received: [], last: null };
  const keep = (list, value) => { list.push(value); if (list.length > kPoints) list.shift(); };
  if (past.last) {
    const elapsed = Math.max((now - past.last.at) / 1000, 0.001);
    if (elapsed < 0.2) return past;
    keep(past.sent, Math.max(0, transport.sent_bytes - past.last.sent) / elapsed);
    keep(past.received, Math.max(0, transport.received_bytes - past.last.received) / elapsed);
  }
  if (transport.latency_ms > 0) keep(past.latency, transport.latency_ms);
  past.last = { at: now, sent: transport.sent_bytes, received: transport.received_bytes };
  state.history.set(transport.id, past);
  return past;
}

function showMine(transports) {
  state.mine = transports;
  const sum = (field) => transports.reduce((total, transport) => total + transport[field], 0);
  const measured = transports.map((transport) => transport.latency_ms).filter((ms) => ms > 0);
  $('count').textContent = transports.length;
  $('best').textContent = measured.length ? show.latency(Math.min(...measured)) : '–';
  $('sent').textContent = show.bytes(sum('sent_bytes'));
  $('received').textContent = show.bytes(sum('received_bytes'));
  if (transports.some((transport) => transport.state === 'serving')) setState('up', 'up');
  $('mine-rows').replaceChildren(...transports.map((transport) => {
    const past = remember(transport);
    return row('', cell('To', keyCode(transport.remote)), cell('Type', transport.type), cell('State', transport.state),
      cell('Latency', show.latency(transport.latency_ms), sparkline(past.latency)),
      cell('Sent', show.bytes(transport.sent_bytes), sparkline(past.sent)),
      cell('Received', show.bytes(transport.received_bytes), sparkline(past.received)));
  }));
}

/** One row of /metrics (times in microseconds there) as the tables need it. */
function readMetric(metric) {
  const day = metric.daily?.at(-1);
  const total = (edge) => (edge ? edge.sent + edge.recv : 0);
  return {
    id: metric.id, type: metric.type, live: metric.live, edges: metric.edges ?? [],
    latencyMs: (metric.latency?.avg ?? 0) / 1000, bytes: day ? Math.max(total(day.a), total(day.b)) : 0,
  };
}

const orders = {
  latency: (a, b) => (a.latencyMs || Infinity) - (b.latencyMs || Infinity),
  bytes: (a, b) => b.bytes - a.bytes,
  type: (a, b) => a.type.localeCompare(b.type),
};

function showNetwork() {
  const wanted = state.filter.toLowerCase();
  const rows = state.network
    .filter((transport) => !wanted || transport.type.includes(wanted) ||
      transport.edges.some((pk) => pk.includes(wanted) || nameOf(pk).toLowerCase().includes(wanted)))
    .sort((a, b) => Number(b.live) - Number(a.live) || orders[state.sort](a, b) || a.id.localeCompare(b.id));
  const live = state.network.filter((transport) => transport.live);
  $('all-words').textContent = `${live.length} live of ${state.network.length}`;
  $('map-words').textContent = `${new Set(live.flatMap((transport) => transport.edges)).size} visors, ${live.length} live transports, as the TPD knows them.`;
  drawNetwork($('graph'), live, state.own, state.names);
  $('all-rows').replaceChildren(...rows.slice(0, 200).map((transport) => {
    const own = transport.edges.includes(state.own);
    const dot = document.createElement('span');
    dot.className = 'dot';
    dot.title = transport.live ? 'live' : 'gone';
    return row(`${own ? 'own' : ''} ${transport.live ? '' : 'gone'}`, cell('Live', dot),
      cell('Edges', keyCode(transport.edges[0]), ' — ', keyCode(transport.edges[1])), cell('Type', transport.type),
      cell('Latency', show.latency(transport.latencyMs)), cell('Today', show.bytes(transport.bytes)));
  }));
  if (!rows.length) {
    const td = cell('', wanted ? 'No transport matches the filter.' : 'The TPD knows no transport yet.');
    td.colSpan = 5;
    $('all-rows').replaceChildren(row('empty', td));
  }
}

async function pollMetrics(url) {
  const nextMs = Math.min(Math.max(state.intervalMs / 2, 250), 5000);
  try {
    const response = await fetch(`${url}?edges=true&days=1`, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    state.network = (await response.json()).map(readMetric).filter((transport) => transport.edges.length === 2);
    if (!state.shownMs && state.network.some((transport) => transport.edges.includes(state.own) && transport.latencyMs > 0)) {
      state.shownMs = performance.now();
      $('shown').textContent = show.seconds(state.shownMs);
      document.body.dataset.shownMs = Math.round(state.shownMs);
    }
    showNetwork();
  } catch (error) {
    log('warn', `the TPD's metrics: ${error.message}`);
  }
  setTimeout(pollMetrics, nextMs, url);
}

function listen() {
  $('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText(state.own);
    $('copy').textContent = 'Copied';
    setTimeout(() => { $('copy').textContent = 'Copy key'; }, 1500);
  });
  $('filter').addEventListener('input', (event) => { state.filter = event.target.value; showNetwork(); });
  for (const button of document.querySelectorAll('[data-sort]')) {
    button.setAttribute('aria-pressed', button.dataset.sort === state.sort);
    button.addEventListener('click', () => {
      state.sort = button.dataset.sort;
      for (const other of document.querySelectorAll('[data-sort]')) other.setAttribute('aria-pressed', other === button);
      showNetwork();
    });
  }
}

async function main() {
  listen();
  const network = await findNetwork();
  state.intervalMs = network.interval_ms ?? state.intervalMs;
  state.names = new Map((network.peers ?? []).map((peer) => [peer.pk, peer.name ?? show.shortKey(peer.pk)]));
  const metrics = network.tpd?.metrics ?? '/metrics';
  $('metrics-link').href = metrics;

  const { visor } = await startTabVisor(network, {
    onLog: ({ level, instance, text }) => log(level, `${instance}: ${text}`), onStop: fail,
  });
  state.own = visor.pk;
  $('pk').textContent = state.own;
  $('copy').disabled = false;
  $('boot').textContent = show.seconds(performance.now());
  document.body.dataset.pk = state.own;
  document.body.dataset.shared = visor.shared;
  document.body.dataset.bootMs = Math.round(performance.now());
  setState('starting', 'connecting');
  pollMetrics(metrics);
  for await (const transports of visor.stream('transports', 'watch')) showMine(transports);
}

main().catch(fail);
