/** The dashboard: this visor, its transports, the network as the TPD shows it. */
import { h, onFrame } from '../elements.js';
import * as show from '../format.js';
import { latest } from '../history.js';
import { TimePlot, sparkline } from '../plots.js';
import { Table, keyNode } from '../table.js';
import { networkPart } from './network.js';

/** Series beyond so many are not told apart by colour any more. */
const kMaxSeries = 6;

const figure = (label, id) => {
  const value = h('dd', { id }, '–');
  return { element: h('div', {}, h('dt', {}, label), value), set: (text) => { if (value.textContent !== text) value.textContent = text; } };
};

function copyButton(text) {
  const button = h('button', { type: 'button', class: 'plain', on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'The browser refused';
    }
    setTimeout(() => { button.textContent = 'Copy key'; }, 1500);
  } } }, 'Copy key');
  return button;
}

/** Key, figures: the first thing that is looked at. */
function summaryPart(session) {
  const key = h('code', { class: 'own-key', id: 'pk' }, '…');
  const figures = {
    count: figure('Transports', 'count'), best: figure('Best latency', 'best'), down: figure('Receiving', 'down'), up: figure('Sending', 'up'),
    received: figure('Received', 'received'), sent: figure('Sent', 'sent'), boot: figure('Ready after', 'boot'), shown: figure('On the TPD after', 'shown'),
  };
  const element = h('section', { class: 'summary', 'aria-labelledby': 'me-title' },
    h('div', { class: 'whose' }, h('h3', { id: 'me-title' }, 'This visor'), key, copyButton(() => session.pk)),
    h('dl', { class: 'figures' }, Object.values(figures).map(({ element: node }) => node)));
  return {
    element,
    draw() {
      const { transports, history } = session;
      const measured = transports.map(({ latency_ms: ms }) => ms).filter((ms) => ms > 0);
      key.textContent = session.pk || '…';
      figures.count.set(String(transports.filter(({ state }) => state === 'serving').length));
      figures.best.set(show.latency(Math.min(...measured)));
      figures.down.set(show.rate(latest(history.total.received)));
      figures.up.set(show.rate(latest(history.total.sent)));
      figures.received.set(show.bytes(history.sum.received_bytes));
      figures.sent.set(show.bytes(history.sum.sent_bytes));
      figures.boot.set(session.bootMs ? show.seconds(session.bootMs) : '–');
      figures.shown.set(session.shownMs ? show.seconds(session.shownMs) : '–');
    },
  };
}

/** Two plots and a table. */
function transportsPart(session) {
  const nameOf = ({ remote, type }) => `${session.nameOf(remote) ?? show.shortKey(remote)} · ${type}`;
  const latency = new TimePlot('Latency', show.latency, 'No ping has been answered yet');
  const bandwidth = new TimePlot('Bandwidth', show.rate, 'Nothing has been counted yet');
  const table = new Table('My transports', [
    { title: 'To', node: ({ remote }, known) => keyNode(remote, session.nameOf(remote), show.shortKey(remote), known) },
    { title: 'Type', text: ({ type }) => type },
    { title: 'State', node: ({ state }, known) => stateNode(state, known) },
    { title: 'Latency', number: true, node: (row, known) => plotted(show.latency(row.latency_ms), session.history.of(row.id).latency, 'latency', known) },
    { title: 'Sending', number: true, node: (row, known) => plottedRate(session.history.of(row.id).sent, 'sent', known) },
    { title: 'Receiving', number: true, node: (row, known) => plottedRate(session.history.of(row.id).received, 'received', known) },
    { title: 'Sent', number: true, text: (row) => show.bytes(row.sent_bytes) },
    { title: 'Received', number: true, text: (row) => show.bytes(row.received_bytes) },
    { title: 'Since', number: true, text: (row) => show.duration(Date.now() - row.since_unix_ms) },
  ], { id: ({ id }) => id, empty: 'Connecting…' });
  table.element.id = 'mine';
  const element = h('section', { 'aria-labelledby': 'mine-title' }, h('h3', { id: 'mine-title' }, 'My transports'),
    h('div', { class: 'plots' }, latency.element, bandwidth.element), h('div', { class: 'scroll' }, table.element));
  return {
    element,
    draw() {
      const { transports, history } = session;
      latency.draw(transports.slice(0, kMaxSeries).map((row, i) => ({ id: row.id, name: nameOf(row), className: `series-${i + 1}`, points: history.of(row.id).latency })));
      bandwidth.draw([{ id: 'received', name: 'receiving', className: 'received', points: history.total.received },
                      { id: 'sent', name: 'sending', className: 'sent', points: history.total.sent }]);
      const words = { offline: 'The browser is offline; the visor goes on trying.', reconnecting: 'No peer answers; the visor goes on trying.', failed: 'The visor does not run.' };
      table.show(transports, words[session.phase]);
    },
  };
}

function stateNode(state, known) {
  const node = known ?? h('span', { class: 'transport-state' });
  if (node.textContent !== state) node.textContent = state;
  node.dataset.state = state;
  return node;
}

function plotted(text, points, className, known) {
  const node = known ?? h('span', { class: 'plotted' }, sparkline([], className), h('span'));
  sparkline(points, className, node.firstChild);
  if (node.lastChild.textContent !== text) node.lastChild.textContent = text;
  return node;
}

const plottedRate = (points, className, known) => plotted(points.length ? show.rate(latest(points)) : '–', points, className, known);

export const dashboardWindow = {
  id: 'dashboard', title: 'Dashboard', icon: 'dashboard', size: { width: 1060, height: 900 },
  shownWhen: () => true,
  open(session) {
    const { tpd } = session;
    const mine = [summaryPart(session), transportsPart(session)];
    const network = networkPart(session, tpd);
    const element = h('div', { class: 'dashboard', tabindex: '0', role: 'region', 'aria-label': 'Dashboard' }, [...mine, network].map((part) => part.element));
    const drawMine = onFrame(() => mine.forEach((part) => part.draw()));
    const drawNetwork = onFrame(() => network.draw());
    const listening = [[session, 'transports', drawMine], [session, 'phase', drawMine], [tpd, 'network', drawNetwork], [tpd, 'network', drawMine], [tpd, 'problem', drawNetwork]];
    for (const [source, event, listener] of listening) source.addEventListener(event, listener);
    drawMine();
    drawNetwork();
    return {
      element, focus: () => element.focus(),
      close() { for (const [source, event, listener] of listening) source.removeEventListener(event, listener); },
    };
  },
};
