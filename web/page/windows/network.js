/** The dashboard's lower half: the network as a picture, its totals, its visors and its transports. */
import { h, svg } from '../elements.js';
import * as show from '../format.js';
import { drawNetwork, kGraphBox, known } from '../graph.js';
import { Table, keyNode } from '../table.js';

const kMaxShown = 200;

const visorOrders = {
  name: (a, b) => a.name.localeCompare(b.name),
  transports: (a, b) => b.transports - a.transports,
  latency: (a, b) => (a.latencyMs || Infinity) - (b.latencyMs || Infinity),
  bytes: (a, b) => b.bytes - a.bytes,
};
const transportOrders = { type: (a, b) => a.type.localeCompare(b.type), latency: visorOrders.latency, bytes: visorOrders.bytes };

/** Bars of how many transports are of which type. */
function typeBars(byType) {
  const all = Object.entries(byType).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const most = Math.max(...all.map(([, count]) => count), 1);
  return all.map(([type, count]) => h('li', {}, h('span', {}, type), h('span', { class: 'bar' }, h('span', { class: `type-${known(type)}`, style: `width:${(100 * count) / most}%` })), h('b', {}, count.toLocaleString('en'))));
}

/** @param {Element} visors stands below the totals */
function overview(session, tpd, visors) {
  const picture = svg('svg', { class: 'graph', viewBox: kGraphBox, role: 'img', 'aria-labelledby': 'network-words' });
  const words = h('p', { class: 'quiet', id: 'network-words' }, 'Asking the TPD…');
  const totals = ['Visors', 'Live transports', 'Traffic today'].map((label) => {
    const value = h('dd', {}, '–');
    return { element: h('div', {}, h('dt', {}, label), value), value };
  });
  const types = h('ul', { class: 'types', 'aria-label': 'Live transports by type' });
  const metrics = h('a', { href: tpd.url }, '/metrics');
  const element = h('div', { class: 'overview' }, h('figure', {}, picture, words),
    h('div', { class: 'totals' }, h('dl', { class: 'figures' }, totals.map(({ element: node }) => node)), types, h('div', {}, h('h4', {}, 'Other visors'), h('div', { class: 'scroll visors' }, visors)),
      h('p', { class: 'quiet' }, 'From the transport discovery (TPD), the same as ', metrics, ' shows: JSON for programs, OpenMetrics for Prometheus.')));
  return {
    element,
    draw() {
      if (!tpd.transports) return;
      metrics.href = tpd.url;
      const live = tpd.transports.filter((transport) => transport.live);
      const drawn = drawNetwork(picture, live, session.pk, (pk) => session.nameOf(pk));
      const { visors, transports, bytes, byType } = tpd.totals;
      words.textContent = tpd.problem ? `The TPD does not answer (${tpd.problem.message}); this is what it said last.`
        : `${show.count(visors, 'visor')}, ${show.count(transports, 'live transport')}${drawn < visors ? `; the ${drawn} best connected are drawn` : ''}`;
      words.classList.toggle('problem', Boolean(tpd.problem));
      totals[0].value.textContent = visors.toLocaleString('en');
      totals[1].value.textContent = transports.toLocaleString('en');
      totals[2].value.textContent = `${tpd.complete ? '' : 'over '}${show.bytes(bytes)}`;
      types.replaceChildren(...typeBars(byType));
    },
  };
}

/** @param {import('../session.js').Session} session @param {import('../tpd.js').Tpd} tpd */
export function networkPart(session, tpd) {
  const view = { filter: '', visors: 'transports', transports: 'latency' };
  const nameOf = (pk) => session.nameOf(pk) ?? show.shortKey(pk);
  const matches = (...texts) => !view.filter || texts.some((text) => text.toLowerCase().includes(view.filter));
  const visors = new Table('Other visors', [
    { title: 'Visor', sort: 'name', ascending: true, node: ({ pk }, node) => keyNode(pk, session.nameOf(pk), show.shortKey(pk), node) },
    { title: 'Transports', sort: 'transports', number: true, text: (row) => row.transports.toLocaleString('en') },
    { title: 'Best latency', sort: 'latency', ascending: true, number: true, text: (row) => show.latency(row.latencyMs) },
    { title: 'Today', sort: 'bytes', number: true, text: (row) => show.bytes(row.bytes) },
  ], { id: ({ pk }) => pk, empty: 'Asking the TPD…', sort: view.visors, onSort: (name) => { view.visors = name; draw(); } });
  const top = overview(session, tpd, visors.element);
  const transports = new Table('Every transport', [
    { title: 'Live', node: ({ live }, node) => liveNode(live, node) },
    { title: 'Between', node: ({ edges }, node) => edgesNode(session, edges, node) },
    { title: 'Type', sort: 'type', ascending: true, text: ({ type }) => type },
    { title: 'Latency', sort: 'latency', ascending: true, number: true, text: (row) => show.latency(row.latencyMs) },
    { title: 'Today', sort: 'bytes', number: true, text: (row) => show.bytes(row.bytes) },
  ], { id: ({ id }) => id, empty: 'Asking the TPD…', sort: view.transports, onSort: (name) => { view.transports = name; draw(); },
       rowClass: ({ edges, live }) => `${edges.includes(session.pk) ? 'own' : ''}${live ? '' : ' gone'}` });
  transports.element.id = 'all';
  const filter = h('input', { type: 'search', placeholder: 'key, name or type', autocomplete: 'off', spellcheck: 'false', 'aria-label': 'Filter visors and transports',
                              on: { input: () => { view.filter = filter.value.trim().toLowerCase(); draw(); } } });
  const counted = h('small');

  function draw() {
    top.draw();
    if (!tpd.transports) return;
    const others = tpd.visors.filter(({ pk }) => pk !== session.pk && matches(pk, nameOf(pk)))
      .map((visor) => ({ ...visor, name: nameOf(visor.pk) })).sort((a, b) => visorOrders[view.visors](a, b) || a.pk.localeCompare(b.pk));
    visors.show(others.slice(0, kMaxShown), view.filter ? 'No visor matches the filter.' : 'The TPD knows no other visor yet.');
    const rows = tpd.transports.filter(({ type, edges }) => matches(type, ...edges, ...edges.map(nameOf)))
      .sort((a, b) => Number(b.live) - Number(a.live) || transportOrders[view.transports](a, b) || a.id.localeCompare(b.id));
    transports.show(rows.slice(0, kMaxShown), view.filter ? 'No transport matches the filter.' : 'The TPD knows no transport yet.');
    counted.textContent = rows.length > kMaxShown ? `${kMaxShown} of ${rows.length.toLocaleString('en')}${tpd.complete ? '' : ' and more'}` : rows.length.toLocaleString('en');
  }

  const element = h('section', { class: 'network', 'aria-labelledby': 'network-title' },
    h('div', { class: 'part-head' }, h('h3', { id: 'network-title' }, 'The network'), filter), top.element,
    h('h4', {}, 'Every transport ', counted), h('div', { class: 'scroll' }, transports.element));
  return { element, draw };
}

function liveNode(live, known) {
  const node = known ?? h('span', { class: 'dot' });
  const words = live ? 'live' : 'gone';
  if (node.title !== words) {
    node.title = words;
    node.setAttribute('role', 'img');
    node.setAttribute('aria-label', words);
  }
  return node;
}

function edgesNode(session, edges, node) {
  const ends = node ?? h('span', { class: 'ends' }, h('code', { class: 'key' }), h('span', { 'aria-hidden': 'true' }, '↔'), h('code', { class: 'key' }));
  edges.forEach((pk, i) => keyNode(pk, session.nameOf(pk), show.shortKey(pk), ends.children[2 * i]));
  return ends;
}
