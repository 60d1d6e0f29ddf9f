/**
 * What this page knows of its visor's chat: the rooms (conversations with a peer, and groups), what is new in them, and the
 * latest messages of all.  It follows `chat watch`; windows and hooks ask it, and ask the visor through it.
 */
import { settings } from '../desktop/settings.js';
import { shortKey } from '../format.js';

const kRefreshMs = 150;      // many events of one moment cost one question
const kRing = 500, kGroupRing = 1000;
const kFromHistory = 100;    // of each room, when the page opens

/** A message of a conversation or of a group, in one shape. */
function direct(row) {
  return { key: row.number, id: row.id, room: `p:${row.peer}`, from: row.out ? null : row.peer, own: row.out, text: row.text, timeMs: row.time_ms, state: row.out ? row.state : '',
           answers: row.reply_to ?? '', name: row.id, deleted: Boolean(row.deleted), network: row.network };
}
function ofGroup(row) {
  return { key: row.path, id: row.path, room: `g:${row.group}`, from: row.out ? null : row.from, own: row.out, text: row.text, timeMs: row.time_ms, state: row.out ? 'sent' : '',
           answers: row.reply_to ?? '', name: row.path.slice(0, row.path.lastIndexOf('/')), deleted: Boolean(row.deleted), network: '' };
}

/** Events: 'rooms' (rooms have changed), 'room' (detail: the id of one whose messages have), 'problem'. */
export class ChatModel extends EventTarget {
  #session; #call; #started = null; #refreshing = 0;
  /** {id, kind: 'peer' | 'group', pk?, group?, title, unread, lastMs, latest, network, isNew}, the latest first. */
  rooms = [];
  /** Rows of `history` and of `group_messages`, the latest last. */
  ring = []; groupRing = [];
  ready = false;
  invitation = '';       // a link that this page was opened with
  problem = null;

  /** @param {import('../session.js').Session} session */
  constructor(session) {
    super();
    this.#session = session;
    this.#call = (...args) => session.visor.call('chat', ...args);
    const begin = () => { if (session.hasInstance('chat')) this.#started ??= this.#start(); };
    session.addEventListener('rows', begin);
    begin();
  }

  /** A peer's name: one that was given here, one that the network tells, or its key's ends. */
  nameOf(pk) {
    const given = settings.get('chat-names', {})[pk];
    return (typeof given === 'string' && given) || (pk === this.#session.pk ? 'you' : this.#session.nameOf(pk) ?? shortKey(pk));
  }
  rename(pk, name) {
    settings.set('chat-names', { ...settings.get('chat-names', {}), [pk]: name.trim() });
    this.#refresh();
  }

  /** Whether somebody has talked to this peer, or has looked at what came from it. */
  isKnown(pk) { return settings.get('chat-known', []).includes(pk) || Boolean(this.#session.nameOf(pk)); }
  know(pk) {
    if (this.isKnown(pk)) return;
    settings.set('chat-known', [...settings.get('chat-known', []), pk].slice(-1000));
    this.#refresh();
  }

  room(id) { return this.rooms.find((room) => room.id === id) ?? null; }
  get unread() { return this.rooms.reduce((sum, room) => sum + room.unread, 0); }

  /** @returns {Promise<object[]>} the latest messages of a room, oldest first */
  async messages(id, limit = 100) {
    const [kind, of] = [id[0], id.slice(2)];
    if (kind === 'p') return (await this.#call('history', { peer: of, limit })).map(direct);
    return (await this.#call('group_messages', { group: of, limit })).map(ofGroup);
  }

  /** Keeps it and sends it as soon as it can; rejects when it is not kept. @param {{network?: string, answers?: string}} more */
  async send(id, text, { network = 'auto', answers = '' } = {}) {
    const reply = answers ? { reply_to: answers } : {};
    if (id[0] === 'g') return this.#call('group_send', { group: id.slice(2), text, ...reply });
    this.know(id.slice(2));
    return this.#call('send', { to: id.slice(2), text, network, wait_ms: 0, ...reply });
  }

  takeBack(message) {
    const of = message.room.slice(2);
    return message.room[0] === 'g' ? this.#call('group_unsend', { group: of, path: message.id }) : this.#call('unsend', { peer: of, id: message.id });
  }

  /** A person has seen all of a room. */
  async read(id) {
    const room = this.room(id);
    if (!room?.unread) return;
    room.unread = 0;
    await (id[0] === 'g' ? this.#call('group_read', { group: id.slice(2) }) : this.#call('read', { peer: id.slice(2) }));
    this.#refresh();
  }

  /** Any command of chat; what it changes is shown. */
  async ask(command, args) {
    const answer = await this.#call(command, args);
    this.#refresh();
    return answer;
  }

  async #start() {
    try {
      this.#follow();
      await this.#load();
      const all = await Promise.all(this.rooms.map(({ id }) => (id[0] === 'p' ? this.#call('history', { peer: id.slice(2), limit: kFromHistory })
        : this.#call('group_messages', { group: id.slice(2), limit: kFromHistory }))));
      const kept = (kind) => this.rooms.flatMap(({ id }, i) => (id[0] === kind ? all[i] : [])).sort((a, b) => a.time_ms - b.time_ms);
      this.ring = [...kept('p'), ...this.ring].slice(-kRing);
      this.groupRing = [...kept('g'), ...this.groupRing].slice(-kGroupRing);
      this.ready = true;
      this.dispatchEvent(new Event('rooms'));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #follow() {
    try {
      for await (const event of this.#session.visor.stream('chat', 'watch')) this.#heard(event);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    if (this.#session.phase === 'failed') return; // the page says so already
    this.problem = error;
    this.dispatchEvent(new Event('problem'));
  }

  #heard({ event, message, group, path }) {
    const told = (id) => this.dispatchEvent(new CustomEvent('room', { detail: id }));
    if (event === 'message') {
      this.ring = [...this.ring, message].slice(-kRing);
    } else if (event === 'state') {
      this.ring = this.ring.map((row) => (row.number === message.number && row.peer === message.peer ? message : row));
    } else if (event === 'group-message') {
      this.groupRing = [...this.groupRing, message].slice(-kGroupRing);
    } else if (event === 'group-deleted') {
      this.groupRing = this.groupRing.map((row) => (row.path === path ? { ...row, text: '', deleted: true } : row));
    }
    if (event === 'missed') for (const { id } of this.rooms) told(id);
    else if (message) told(message.peer ? `p:${message.peer}` : `g:${message.group}`);
    else if (group) told(`g:${group.id ?? group}`);
    this.#refresh();
  }

  #refresh() {
    this.#refreshing ||= setTimeout(() => {
      this.#refreshing = 0;
      this.#load().catch((error) => this.#fail(error));
    }, kRefreshMs);
  }

  async #load() {
    const [conversations, groups] = await Promise.all([this.#call('conversations'), this.#call('group_list')]);
    const peers = conversations.map((row) => ({ id: `p:${row.peer}`, kind: 'peer', pk: row.peer, title: this.nameOf(row.peer), unread: row.unread, lastMs: row.last_ms,
      latest: row.latest ? direct(row.latest) : null, network: row.network, isNew: !this.isKnown(row.peer) && !row.latest?.out }));
    const rooms = groups.map((row) => ({ id: `g:${row.id}`, kind: 'group', group: row, title: row.name, unread: row.unread, lastMs: row.last_ms,
      latest: row.latest ? ofGroup(row.latest) : null, network: '', isNew: false }));
    this.rooms = [...peers, ...rooms].sort((a, b) => b.lastMs - a.lastMs || a.id.localeCompare(b.id));
    this.dispatchEvent(new Event('rooms'));
  }
}
