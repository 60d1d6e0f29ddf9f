/** One message: who, what, when, how far it got, and what can be done with it.  All of it is text. */
import { h, setText } from '../elements.js';
import { clock } from '../format.js';

const states = { pending: ['◌', 'waiting'], sent: ['✓', 'sent'], received: ['✓✓', 'received'], read: ['✓✓', 'read'], failed: ['✗', 'not delivered'] };
const kInvite = /skychat:invite:[\w-]+/;

/** @returns {string} "Monday, 23 November 2026" */
export function dayOf(ms) { return new Date(ms).toLocaleDateString('en', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }); }

/** @param {{answer, takeBack, again, show, join}} acts each called with the row, or for `join` with the link */
export function makeMessage(row, acts) {
  const element = h('li', { class: row.own ? 'message own' : 'message', tabindex: '-1' });
  const act = (label, name, of) => h('button', { type: 'button', class: name, on: { click: () => of(element.row) } }, label);
  element.append(
    h('p', { class: 'who' }), act('', 'quote', ({ answered }) => answered && acts.show(answered)), h('p', { class: 'said', dir: 'auto' }),
    h('p', { class: 'meta' }, h('time'), h('span', { class: 'state' }, h('span', { 'aria-hidden': 'true' }), h('span', { class: 'unseen' }))),
    h('div', { class: 'acts' }, act('Reply', 'reply', acts.answer), act('Take back', 'take-back', acts.takeBack), act('Write again', 'again', acts.again),
      act('Join this group', 'join', ({ text }) => acts.join(text.match(kInvite)[0]))));
  return element;
}

export function fillMessage(element, row, model) {
  element.row = row;
  const [who, quote, said, meta, { children: [reply, takeBack, again, join] }] = element.children;
  element.classList.toggle('follows', row.follows);
  element.classList.toggle('deleted', row.deleted);
  setText(who, row.own ? 'You' : model.nameOf(row.from));
  who.hidden = row.follows || (!row.inGroup && !row.own) || row.own;
  quote.hidden = row.answered === undefined || row.deleted;
  const { answered } = row;
  setText(quote, answered ? `${answered.own ? 'You' : model.nameOf(answered.from)}: ${answered.deleted ? 'taken back' : answered.text.slice(0, 200)}` : 'Answers a message that is not here');
  setText(said, row.deleted ? 'This message was taken back.' : row.text);
  setText(meta.firstChild, clock(row.timeMs).slice(0, 5));
  meta.firstChild.title = `${dayOf(row.timeMs)}, ${clock(row.timeMs)}`;
  const [ticks, words] = states[row.state] ?? ['', ''];
  const state = meta.lastChild;
  state.dataset.state = row.state;
  state.title = [words, row.network && row.network !== 'auto' ? `over ${row.network}` : ''].filter(Boolean).join(' ');
  setText(state.firstChild, row.deleted ? '' : ticks);
  setText(state.lastChild, row.deleted ? '' : words);
  reply.hidden = row.deleted;
  takeBack.hidden = !row.own || row.deleted;
  again.hidden = row.state !== 'failed';
  join.hidden = row.deleted || row.own || !kInvite.test(row.text);
}
