/** What is known of a room beside its messages: a peer's key and name; a group's members, its invitation, and what an admin decides. */
import { h, setText, showRows } from '../elements.js';
import { qrPicture } from './qr.js';

const button = (label, act, kind = 'plain') => h('button', { type: 'button', class: kind, on: { click: act } }, label);

/** Copies, and says so on the button. */
function copyButton(label, text) {
  const node = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text());
      node.textContent = 'Copied';
    } catch {
      node.textContent = 'The browser refused';
    }
    setTimeout(() => { node.textContent = label; }, 1500);
  });
  return node;
}

/** @param {{gone(): void}} events the room is not there any more */
export function detailsPanel(model, session, events) {
  let id = null;
  const says = h('p', { class: 'problem', role: 'alert' });
  const body = h('div', { class: 'details-body' });
  const element = h('section', { class: 'details', hidden: true, 'aria-label': 'Details' }, body, says);
  let part = null;
  const ask = async (command, args) => {
    setText(says, '');
    try {
      const answer = await model.ask(command, args);
      draw();
      return answer;
    } catch (error) {
      setText(says, error.message);
      return null;
    }
  };

  function draw() { part?.draw(); }
  function show(next) {
    id = next;
    setText(says, '');
    part = id[0] === 'p' ? peerPart(model, id.slice(2), ask, events) : groupPart(model, session, id.slice(2), ask, events);
    body.replaceChildren(part.element);
    draw();
  }
  return { element, show, draw };
}

function peerPart(model, pk, ask, events) {
  const name = h('input', { value: model.nameOf(pk), maxlength: 60, autocomplete: 'off', on: { change: () => model.rename(pk, name.value) } });
  return { draw() {}, element: h('div', {}, h('h4', {}, 'Public key'), h('code', { class: 'own-key' }, pk), h('label', { class: 'row' }, 'Name here ', name),
    h('div', { class: 'buttons' }, copyButton('Copy key', () => pk), button('Forget the conversation', async () => { if (await ask('forget', { peer: pk })) events.gone(); }, 'danger'))) };
}

function groupPart(model, session, group, ask, events) {
  let link = '', asked = false;
  const members = h('ul', { class: 'members-list', 'aria-label': 'Members' });
  const peer = h('input', { placeholder: 'public key, 66 hex digits', list: 'chat-peers', spellcheck: 'false', autocomplete: 'off', 'aria-label': 'Public key of the new member' });
  const peers = h('datalist', { id: 'chat-peers' });
  const add = h('form', { class: 'row', on: { submit: (event) => { event.preventDefault(); admit(); } } }, peer, peers, h('button', { type: 'submit', class: 'plain' }, 'Add and invite'));
  const address = h('code', { class: 'own-key invite-link' });
  const code = h('div', { class: 'qr-place' });
  const invitation = h('div', { class: 'invitation' }, h('h4', {}, 'Invitation'), h('p', { class: 'quiet' }), address, h('div', { class: 'buttons' }, copyButton('Copy link', () => link), button('QR code', showCode)), code);
  const listing = h('input', { type: 'checkbox', on: { change: () => ask('group_listed', { group, listed: listing.checked }) } });
  const listed = h('label', { class: 'check' }, listing, ' Listed in the directory, for anybody to find');
  const leave = button('Leave', async () => { await ask('group_leave', { group }); }, 'danger');
  const forget = button('Delete it here', async () => { if (await ask('group_delete', { group })) events.gone(); }, 'danger');
  // Hidden until it is known what the group is: nobody decides by what is not filled in yet.
  const element = h('div', { hidden: true }, h('h4', {}, 'Members'), members, add, invitation, listed, h('div', { class: 'buttons' }, leave, forget));

  async function admit() {
    const key = peer.value.trim();
    if (!await ask('group_add', { group, peer: key })) return;
    peer.value = '';
    if (link && key !== session.pk) await ask('send', { to: key, text: link, wait_ms: 0 });
  }

  /** The page's own address with the link behind it: a phone that reads it opens a visor and joins. */
  async function showCode() {
    const text = `${location.origin}/#${link}`;
    try {
      code.replaceChildren(...(code.firstChild ? [] : [await qrPicture(text, 'The invitation as a QR code')]));
      code.scrollIntoView({ block: 'nearest' });
    } catch {
      code.replaceChildren('The invitation is too long for a QR code; copy the link.');
    }
  }

  const decide = (command, pk) => () => ask(command, { group, peer: pk });
  const makeMember = ({ pk }) => h('li', {}, h('span', { class: 'dot', role: 'img' }), h('span', { class: 'member-name', title: pk, dir: 'auto' }), h('small'),
    h('span', { class: 'member-acts' }, button('Make admin', decide('group_promote', pk)), button('No admin', decide('group_demote', pk)), button('Remove', decide('group_remove', pk), 'danger')));

  async function draw() {
    const shown = await model.ask('group_show', { group }).catch(() => null);
    if (!shown) return;
    const over = ['left', 'revoked'].includes(shown.status);
    showRows(members, shown.member_list, ({ pk }) => pk, makeMember, (node, { pk, admin, reached }) => {
      const [dot, name, role, { children: [promote, demote, remove] }] = node.children;
      const words = reached ? 'reached' : 'not reached';
      node.classList.toggle('gone', !reached);
      if (dot.title !== words) { dot.title = words; dot.setAttribute('aria-label', words); }
      setText(name, model.nameOf(pk));
      const founder = pk === shown.owner;
      setText(role, founder ? 'founder' : admin ? 'admin' : '');
      promote.hidden = !shown.admin || admin || over;
      demote.hidden = !shown.admin || !admin || founder || over;
      remove.hidden = !shown.admin || founder || pk === session.pk || over;
    });
    showRows(peers, model.rooms.filter(({ kind }) => kind === 'peer'), ({ pk }) => pk, ({ pk }) => h('option', { value: pk }), (node, { title }) => setText(node, title));
    add.hidden = invitation.hidden = !shown.admin || over;
    listed.hidden = add.hidden || shown.mode !== 'public';
    listing.checked = shown.listed;
    leave.hidden = over;
    element.hidden = false;
    setText(invitation.children[1], shown.mode === 'private' ? 'Who has it can read the group once an admin has added them: give it to members only.' : 'Anybody who has it joins.');
    if (!shown.admin || over || asked) return;
    asked = true;
    const answer = await ask('group_invite', { group });
    link = answer?.invite ?? '';
    setText(address, link);
  }
  return { element, draw };
}
