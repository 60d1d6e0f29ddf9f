/** The panel behind “New”: a conversation from a key, a group, or joining one by its link or from the network's directory. */
import { h, setText } from '../elements.js';
import { findPart } from './find.js';

const kKey = /^0[23][0-9a-f]{64}$/;

/** @param {import('./model.js').ChatModel} model @param {{open(id: string): void}} events */
export function startPanel(model, events) {
  const says = h('p', { class: 'problem', role: 'alert' });
  const key = h('input', { name: 'key', placeholder: '66 hex digits', spellcheck: 'false', autocomplete: 'off' });
  const name = h('input', { name: 'name', maxlength: 64, autocomplete: 'off', placeholder: 'for example “friends”' });
  const mode = h('select', { name: 'mode' }, h('option', { value: 'private' }, 'private: encrypted, by invitation'), h('option', { value: 'public' }, 'public: anybody may join'));
  const topic = h('input', { name: 'topic', maxlength: 80, autocomplete: 'off', placeholder: 'what it is about' });
  const listed = h('input', { type: 'checkbox', name: 'listed', checked: true });
  const ofPublic = h('div', { hidden: true }, h('label', {}, 'Topic ', topic), h('label', { class: 'check' }, listed, ' Listed in the directory, for anybody to find'));
  mode.addEventListener('change', () => { ofPublic.hidden = mode.value !== 'public'; });
  const link = h('textarea', { name: 'link', rows: 2, placeholder: 'skychat:invite:…', spellcheck: 'false', autocomplete: 'off' });
  const done = (id) => { element.hidden = true; events.open(id); };
  const form = (label, act, ...fields) => h('form', { on: { submit: async (event) => {
    event.preventDefault();
    setText(says, '');
    try {
      const id = await act();
      event.target.reset();
      ofPublic.hidden = true;
      done(id);
    } catch (error) { // what was typed stays
      setText(says, error.message);
    }
  } } }, h('h4', {}, label), ...fields);
  const go = (label) => h('button', { type: 'submit', class: 'plain' }, label);

  const element = h('section', { class: 'start-panel', hidden: true, 'aria-label': 'New conversation or group' },
    form('Write to somebody', async () => {
      const pk = key.value.trim().toLowerCase();
      if (!kKey.test(pk)) throw new Error(`A public key has 66 hex digits and begins with 02 or 03; got ${pk.length} characters.`);
      model.know(pk);
      return `p:${pk}`;
    }, h('label', {}, 'Public key ', key), go('Write')),
    form('New group', async () => {
      const more = mode.value === 'public' ? { topic: topic.value.trim(), listed: listed.checked } : {};
      return `g:${(await model.ask('group_create', { name: name.value.trim(), mode: mode.value, ...more })).id}`;
    }, h('label', {}, 'Name ', name), h('label', {}, 'Kind ', mode), ofPublic, go('Make the group')),
    findPart(model, { open: done }),
    form('Join a group', async () => {
      const found = link.value.match(/skychat:invite:[\w-]+/);
      if (!found) throw new Error('An invitation begins with “skychat:invite:”.');
      return `g:${(await model.ask('group_join', { invite: found[0] })).id}`;
    }, h('label', {}, 'Link ', link), go('Join')), says);
  return {
    element,
    show(open) { element.hidden = !open; if (open) key.focus(); },
    /** Fills a link in, for a person to look at before they join. */
    offer(text) { element.hidden = false; link.value = text; link.form.querySelector('button').focus(); },
  };
}
