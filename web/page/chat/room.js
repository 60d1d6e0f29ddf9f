/** The right side of the chat window: one conversation or group, its messages, and the field to write in. */
import { h, icon, setText, showRows } from '../elements.js';
import { settings } from '../desktop/settings.js';
import { shortKey } from '../format.js';
import { detailsPanel } from './details.js';
import { makeMessage, fillMessage, dayOf } from './message.js';

const kShown = 100, kMore = 300;
const kLoadMs = 60;
const kNearEnd = 40;
const touched = matchMedia('(hover: none)'); // there the field calls up a keyboard, which hides what was said
const networks = { auto: 'auto', dmsg: 'dmsg', skynet: 'skynet' };

/**
 * @param {import('./model.js').ChatModel} model
 * @param {{left(): void, join(link: string): void}} events `left`: back to the list
 */
export function roomView(model, session, events) {
  let id = null, rows = [], limit = kShown, loading = 0, seek = '', answered = null, asked = 0;
  const drafts = new Map(); // what was written and not sent, by room
  const title = h('h3', { class: 'room-title', id: 'chat-room-title', dir: 'auto' });
  const under = h('small', { class: 'room-under' });
  const network = h('select', { 'aria-label': 'Transport', title: 'Over which network messages go', on: { change: () => settings.set('chat-network', { ...settings.get('chat-network', {}), [id]: network.value }) } },
                    Object.entries(networks).map(([value, label]) => h('option', { value }, label)));
  const details = detailsPanel(model, session, { gone: () => { open(null); events.left(); } });
  const info = h('button', { type: 'button', class: 'icon-button', 'aria-expanded': 'false', 'aria-label': 'Details', title: 'Details', on: { click: () => showDetails(details.element.hidden) } }, icon('info'));
  const back = h('button', { type: 'button', class: 'icon-button back', 'aria-label': 'Back to all conversations', on: { click: () => events.left() } }, icon('back'));
  const earlier = h('button', { type: 'button', class: 'plain earlier', on: { click: () => { limit += kMore; load(); } } }, 'Earlier messages');
  const list = h('ol', { class: 'messages', role: 'log', 'aria-live': 'polite', 'aria-labelledby': 'chat-room-title' });
  const pane = h('div', { class: 'message-pane', tabindex: '0', 'aria-label': 'Messages', role: 'region' }, earlier, list);
  // Who reads the end goes on reading it when a panel opens, or a phone's keyboard.
  let atTheEnd = true;
  pane.addEventListener('scroll', () => { atTheEnd = isAtEnd(); });
  const resized = new ResizeObserver(() => { if (atTheEnd) pane.scrollTop = pane.scrollHeight; });
  resized.observe(pane);
  const quoted = h('p', { class: 'quoted-words', dir: 'auto' });
  const quoting = h('div', { class: 'quoting', hidden: true }, quoted, h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Answer no message', on: { click: () => answer(null) } }, icon('close')));
  const field = h('textarea', { rows: 1, placeholder: 'Write a message', 'aria-label': 'Message', autocomplete: 'off', dir: 'auto', maxlength: 60000, on: { input: grow, keydown: keyed } });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const form = h('form', { class: 'writing', on: { submit: (event) => { event.preventDefault(); send(); } } }, field,
                 h('button', { type: 'submit', class: 'send', 'aria-label': 'Send', title: 'Send (Enter)' }, icon('send')));
  const nothing = h('p', { class: 'quiet pad nothing' }, 'Choose a conversation, or start one with “New”.');
  const room = h('div', { class: 'room-inside', hidden: true }, h('header', { class: 'room-head' }, back, h('div', { class: 'room-names' }, title, under), network, info),
                 details.element, pane, quoting, problem, form);
  const element = h('section', { class: 'room', 'aria-label': 'Conversation' }, nothing, room);

  function open(next, messageKey = '') {
    if (id) drafts.set(id, field.value);
    const another = next !== id;
    id = next;
    seek = messageKey;
    nothing.hidden = Boolean(id);
    room.hidden = !id;
    if (!id) return;
    if (another) {
      rows = [];
      list.replaceChildren();
      limit = kShown;
      showDetails(false);
      answer(null);
      fail('');
      field.value = drafts.get(id) ?? '';
      grow();
      network.value = settings.get('chat-network', {})[id] in networks ? settings.get('chat-network', {})[id] : 'auto';
    }
    if (messageKey) limit = Math.max(limit, 1000);
    drawHead();
    load();
  }

  function drawHead() {
    if (!id) return;
    const known = model.room(id);
    setText(title, known?.title ?? (id[0] === 'p' ? model.nameOf(id.slice(2)) : 'Group'));
    const group = known?.group;
    setText(under, group ? `${group.mode} group, ${group.members} members${group.status === 'active' ? '' : `, ${group.status}`}`
      : `${shortKey(id.slice(2))}${known?.network ? `, over ${known.network}` : ''}`);
    network.hidden = id[0] !== 'p';
    const over = group && ['left', 'revoked'].includes(group.status);
    field.disabled = Boolean(over);
    field.placeholder = over ? (group.status === 'revoked' ? 'You are no longer in this group' : 'You have left this group') : 'Write a message';
  }

  function showDetails(shown) {
    details.element.hidden = !shown;
    info.setAttribute('aria-expanded', String(shown));
    if (shown) details.show(id);
  }

  /** One question for many events of a moment; what was asked for another room is dropped. */
  function load() {
    loading ||= setTimeout(async () => {
      loading = 0;
      const [of, question] = [id, asked += 1];
      if (!of) return;
      try {
        const found = await model.messages(of, limit);
        if (of === id && question === asked) { rows = found; draw(); }
      } catch (error) {
        if (of === id && model.room(of)) fail(error.message);
      }
    }, kLoadMs);
  }

  function isAtEnd() { return pane.scrollTop + pane.clientHeight >= pane.scrollHeight - kNearEnd; }

  function draw() {
    const atEnd = isAtEnd() || !list.childElementCount;
    const height = pane.scrollHeight;
    const places = new Map(rows.map((row) => [row.name, row]));
    const shown = [];
    rows.forEach((row, i) => {
      const before = rows[i - 1];
      if (!before || dayOf(before.timeMs) !== dayOf(row.timeMs)) shown.push({ key: `day ${dayOf(row.timeMs)}`, day: dayOf(row.timeMs) });
      const follows = before && before.from === row.from && row.timeMs - before.timeMs < 300000 && dayOf(before.timeMs) === dayOf(row.timeMs);
      shown.push({ ...row, follows: Boolean(follows), answered: row.answers ? places.get(row.answers) ?? null : undefined, inGroup: id[0] === 'g' });
    });
    showRows(list, shown, ({ key }) => key, (row) => (row.day ? h('li', { class: 'day' }, row.day) : makeMessage(row, acts)), (node, row) => { if (!row.day) fillMessage(node, row, model); });
    earlier.hidden = rows.length < limit;
    if (seek) reveal(seek);
    else if (atEnd) pane.scrollTop = pane.scrollHeight;
    else if (pane.scrollTop < kNearEnd) pane.scrollTop += pane.scrollHeight - height;
    seek = '';
    look();
  }

  function reveal(key) {
    const found = [...list.children].find(({ dataset }) => dataset.row === key);
    if (!found) return;
    found.scrollIntoView({ block: 'center' });
    found.classList.remove('found');
    requestAnimationFrame(() => found.classList.add('found'));
  }

  const acts = {
    answer: (row) => { answer(row); field.focus(); },
    takeBack: (row) => model.takeBack(row).then(load, (error) => fail(error.message)),
    again: (row) => { putBack(row.text); field.focus(); },
    show: (row) => reveal(row.key),
    join: (link) => events.join(link),
  };

  function answer(row) {
    answered = row;
    quoting.hidden = !row;
    if (row) setText(quoted, `${row.own ? 'You' : model.nameOf(row.from)}: ${row.text}`);
  }

  function fail(words) {
    problem.hidden = !words;
    setText(problem, words);
  }

  function putBack(text) {
    field.value = field.value ? `${text}\n${field.value}` : text;
    grow();
  }

  async function send() {
    const text = field.value;
    if (!text.trim()) return;
    const [to, answers] = [id, answered];
    field.value = '';
    grow();
    answer(null);
    fail('');
    try {
      await model.send(to, text, { network: network.value, answers: answers?.id });
      if (to === id) { pane.scrollTop = pane.scrollHeight; load(); }
    } catch (error) { // nothing that was written is lost
      if (to !== id) { drafts.set(to, text); return; }
      putBack(text);
      answer(answers);
      fail(error.message);
      field.focus();
    }
  }

  function grow() {
    field.style.height = 'auto';
    field.style.height = `${Math.min(field.scrollHeight + 2, 140)}px`;
  }
  function keyed(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    if (event.key === 'Escape' && answered) { event.preventDefault(); answer(null); }
  }

  /** What is on the screen of somebody who looks has been seen. */
  function look() {
    if (id && !document.hidden && element.offsetParent) model.read(id).catch(() => {});
  }

  const heard = ({ detail }) => { if (detail === id) load(); };
  const listed = () => { drawHead(); if (!details.element.hidden) details.draw(); if (id) look(); };
  model.addEventListener('room', heard);
  model.addEventListener('rooms', listed);
  document.addEventListener('visibilitychange', look);
  element.addEventListener('focusin', look);
  return {
    element, open, focus: () => (touched.matches ? pane : field).focus(), current: () => id,
    close() {
      model.removeEventListener('room', heard);
      model.removeEventListener('rooms', listed);
      document.removeEventListener('visibilitychange', look);
      resized.disconnect();
      clearTimeout(loading);
    },
  };
}
