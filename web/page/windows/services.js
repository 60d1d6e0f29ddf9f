/** Services: who offers what to anybody, as the network's service directory lists it: visors, groups of chat. */
import { h, onFrame, setText } from '../elements.js';
import * as show from '../format.js';
import { Table, keyNode } from '../table.js';

const kMaxShown = 200;   // of a large network; the filter finds the others
const kMaxAsked = 1000;  // as many as the directory gives at once
const kEveryMs = 5000;

const words = { visor: 'visor', skychat: 'chat group' };
const orders = {
  type: (a, b) => a.type.localeCompare(b.type) || a.name.localeCompare(b.name),
  name: (a, b) => a.name.localeCompare(b.name) || a.type.localeCompare(b.type),
  heard: (a, b) => b.heardMs - a.heardMs,
};

/** One row of /api/services. */
function readRow({ address, type, id = '', addresses = [], metadata = {}, timestamp_ms: heardMs }) {
  const [pk, port] = address.split(':');
  return { key: `${type} ${address} ${id}`, pk, port, type, id, heardMs, title: metadata.name ?? id, about: metadata.description ?? '',
           addresses: addresses.map((each) => `${each.type} ${each.address}`) };
}

/** One line an address; nothing that a stranger wrote is more than text. */
function addressNode({ addresses }, known) {
  const node = known ?? h('ul', { class: 'plain-list' });
  const text = addresses.join('\n');
  if (node.dataset.text !== text) {
    node.dataset.text = text;
    node.replaceChildren(...addresses.map((address) => h('li', {}, h('code', {}, address))));
  }
  return node;
}

/** @param {import('../session.js').Session} session */
function servicesPart(session) {
  const url = new URL('/api/services', new URL(session.tpd.url, location.href));
  const view = { filter: '', order: 'type', rows: null };
  const nameOf = (pk) => session.nameOf(pk) ?? show.shortKey(pk);
  const table = new Table('Services', [
    { title: 'What', sort: 'type', ascending: true, text: ({ type }) => words[type] ?? type },
    { title: 'Whose', sort: 'name', ascending: true, node: ({ pk }, node) => keyNode(pk, session.nameOf(pk), show.shortKey(pk), node) },
    { title: 'Name', text: ({ title, about }) => [title, about].filter(Boolean).join(': ') },
    { title: 'Port', number: true, text: ({ port }) => port },
    { title: 'Addresses', node: addressNode },
    { title: 'Renewed', sort: 'heard', number: true, text: ({ heardMs }) => `${show.duration(Math.max(0, Date.now() - heardMs))} ago` },
  ], { id: ({ key }) => key, empty: 'Asking the service directory…', sort: view.order, onSort: (name) => { view.order = name; draw(); },
       rowClass: ({ pk }) => (pk === session.pk ? 'own' : '') });
  table.element.id = 'services';
  const filter = h('input', { type: 'search', placeholder: 'key, name, kind or address', autocomplete: 'off', spellcheck: 'false', 'aria-label': 'Filter services',
                              on: { input: () => { view.filter = filter.value.trim().toLowerCase(); draw(); } } });
  const said = h('p', { class: 'quiet', role: 'status' }, 'Asking the service directory…');
  const element = h('div', { class: 'dashboard', tabindex: '0', role: 'region', 'aria-label': 'Services' },
    h('section', { 'aria-labelledby': 'services-title' },
      h('div', { class: 'part-head' }, h('h3', { id: 'services-title' }, 'Who offers what'), filter), said, h('div', { class: 'scroll' }, table.element)));

  function draw() {
    if (!view.rows) return;
    const matches = ({ pk, type, title, addresses }) => !view.filter
      || [pk, nameOf(pk), type, words[type] ?? '', title, ...addresses].some((text) => text.toLowerCase().includes(view.filter));
    const rows = view.rows.filter(matches).map((row) => ({ ...row, name: nameOf(row.pk) }))
      .sort((a, b) => orders[view.order](a, b) || a.key.localeCompare(b.key));
    table.show(rows.slice(0, kMaxShown), view.filter ? 'No service matches the filter.' : 'Nobody offers anything yet.');
    tell(`${show.count(rows.length, 'service')}${rows.length > kMaxShown ? `; ${kMaxShown} are shown` : ''}. A visor is listed where it is public, for as long as it says so.`);
  }
  function tell(text, problem = false) {
    setText(said, text);
    said.classList.toggle('problem', problem);
  }
  async function ask() {
    try {
      const response = await fetch(`${url}?limit=${kMaxAsked}`, { headers: { accept: 'application/json' } });
      if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`);
      view.rows = (await response.json()).map(readRow);
      draw();
    } catch (error) {
      tell(`The service directory does not answer (${error.message})${view.rows ? '; this is what it said last' : ''}.`, true);
    }
  }
  return { element, draw, ask };
}

export const servicesWindow = {
  id: 'services', title: 'Services', icon: 'services', size: { width: 860, height: 520 },
  shownWhen: () => true,
  open(session) {
    const part = servicesPart(session);
    const look = () => { if (!document.hidden) part.ask(); };
    const timer = setInterval(look, Math.min(session.network?.interval_ms ?? kEveryMs, kEveryMs));
    const draw = onFrame(part.draw);
    document.addEventListener('visibilitychange', look);
    session.addEventListener('phase', draw); // our own key and its row
    look();
    return {
      element: part.element, focus: () => part.element.focus(),
      close() {
        clearInterval(timer);
        document.removeEventListener('visibilitychange', look);
        session.removeEventListener('phase', draw);
      },
    };
  },
};
