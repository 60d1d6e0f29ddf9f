/** The left side of the chat window: search, new senders, every room with what is new in it. */
import { h, icon, setText, showRows } from '../elements.js';
import * as show from '../format.js';

const kSearchAfterMs = 200;
const kMaxFound = 50, kSearched = 1000;

/** @returns {string} "14:05" of today, "23 Nov" before */
export function shortTime(ms, now = Date.now()) {
  const time = new Date(ms);
  const today = new Date(now).toDateString() === time.toDateString();
  return today ? show.clock(ms).slice(0, 5) : time.toLocaleDateString('en', { day: 'numeric', month: 'short' });
}

function latestWords(model, { kind, latest, group }) {
  if (group?.status === 'pending') return 'joining…';
  if (!latest) return kind === 'group' ? show.count(group.members, 'member') : '';
  const who = latest.own ? 'You: ' : kind === 'group' ? `${model.nameOf(latest.from)}: ` : '';
  return who + (latest.deleted ? 'taken back' : latest.text);
}

/**
 * @param {import('./model.js').ChatModel} model
 * @param {{open(id: string, messageKey?: string): void, current(): string | null}} events
 */
export function roomList(model, events) {
  let words = '', found = [], searching = 0;
  const search = h('input', { type: 'search', placeholder: 'Search', autocomplete: 'off', spellcheck: 'false', 'aria-label': 'Search the chat',
                              on: { input: () => { words = search.value.trim().toLowerCase(); clearTimeout(searching); searching = setTimeout(look, kSearchAfterMs); draw(); } } });
  const chips = h('div', { class: 'sender-chips', role: 'group', 'aria-label': 'New senders' });
  const list = h('ul', { class: 'rooms', 'aria-label': 'Conversations and groups' });
  const empty = h('p', { class: 'quiet pad' });
  const hits = h('ul', { class: 'rooms hits', 'aria-label': 'Messages that were found' });
  const element = h('div', { class: 'room-list' }, search, chips, h('div', { class: 'room-scroll' }, list, empty, hits));
  const matches = (room) => !words || room.title.toLowerCase().includes(words) || (room.pk ?? '').includes(words);

  /** Messages too: of every room the latest. */
  async function look() {
    const asked = words;
    if (asked.length < 2) { found = []; draw(); return; }
    const all = await Promise.all(model.rooms.map(({ id }) => model.messages(id, kSearched).catch(() => [])));
    if (asked !== words) return;
    found = all.flat().filter(({ text }) => text.toLowerCase().includes(asked)).sort((a, b) => b.timeMs - a.timeMs).slice(0, kMaxFound);
    draw();
  }

  const makeRoom = ({ id, kind }) => h('li', {}, h('button', { type: 'button', class: 'room-button', on: { click: () => events.open(id) } },
    h('span', { class: 'face', 'aria-hidden': 'true' }, icon(kind === 'group' ? 'group' : 'chat')), h('b', { class: 'room-name', dir: 'auto' }), h('time'), h('span', { class: 'room-latest', dir: 'auto' }),
    h('span', { class: 'count' })));
  function fillRoom(element, room) {
    const button = element.firstElementChild;
    const [, name, time, latest, count] = button.children;
    setText(name, room.title);
    setText(time, shortTime(room.lastMs));
    setText(latest, latestWords(model, room));
    setText(count, room.unread ? String(room.unread) : '');
    count.hidden = !room.unread;
    const label = room.unread ? `${room.title}, ${room.unread} unread` : room.title;
    if (button.getAttribute('aria-label') !== label) button.setAttribute('aria-label', label);
    if (room.id === events.current()) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }

  const makeHit = (message) => h('li', {}, h('button', { type: 'button', class: 'room-button', on: { click: () => events.open(message.room, message.key) } },
    h('span', { class: 'face', 'aria-hidden': 'true' }, icon('chat')), h('b', { class: 'room-name', dir: 'auto' }, model.room(message.room)?.title ?? ''), h('time', {}, shortTime(message.timeMs)), h('span', { class: 'room-latest', dir: 'auto' }, message.text)));

  function draw() {
    const rooms = model.rooms.filter((room) => !room.isNew && matches(room));
    const fresh = model.rooms.filter((room) => room.isNew && matches(room));
    chips.hidden = fresh.length === 0;
    showRows(chips, fresh, ({ id }) => id, ({ id, pk }) => h('button', { type: 'button', class: 'sender-chip', title: pk, on: { click: () => { model.know(pk); events.open(id); } } }),
             (chip, { title, unread }) => { setText(chip, `${title} (${unread})`); chip.setAttribute('aria-label', `New sender ${title}, ${unread} unread`); });
    showRows(list, rooms, ({ id }) => id, makeRoom, fillRoom);
    empty.hidden = rooms.length + fresh.length + found.length > 0;
    setText(empty, words ? 'Nothing was found.' : model.ready ? 'Nobody has written yet. Start a conversation or a group with “New”.' : 'Asking the visor…');
    showRows(hits, words.length < 2 ? [] : found, (message) => message.room + message.key, makeHit, () => {});
  }

  // Arrows go through rooms, whatever is in between.
  element.addEventListener('keydown', (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    const buttons = [...element.querySelectorAll('.sender-chip, .room-button')];
    const here = buttons.indexOf(document.activeElement);
    if (here < 0 && document.activeElement !== search) return;
    event.preventDefault();
    (buttons[here + way] ?? (way < 0 ? search : null))?.focus();
  });
  model.addEventListener('rooms', draw);
  draw();
  return { element, draw, focus: () => search.focus(), close() { model.removeEventListener('rooms', draw); clearTimeout(searching); } };
}
