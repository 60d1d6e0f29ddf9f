/** Public groups that the network's service directory lists: looked for by words, and joined.  What a stranger wrote is text. */
import { h, setText, showRows } from '../elements.js';
import * as show from '../format.js';

const kShown = 30;

/** @param {import('./model.js').ChatModel} model @param {{open(id: string): void}} events */
export function findPart(model, events) {
  let asked = 0;
  const words = h('input', { type: 'search', name: 'words', maxlength: 60, autocomplete: 'off', spellcheck: 'false', placeholder: 'name or topic; nothing for all' });
  const says = h('p', { class: 'quiet', role: 'status' });
  const list = h('ul', { class: 'found-groups', 'aria-label': 'Public groups' });
  const element = h('form', { on: { submit: (event) => { event.preventDefault(); find(); } } },
    h('h4', {}, 'Find a public group'), h('label', {}, 'Search ', words), h('button', { type: 'submit', class: 'plain' }, 'Find'), says, list);

  function tell(text, problem = false) {
    setText(says, text);
    says.classList.toggle('problem', problem);
  }

  async function find() {
    const question = asked += 1;
    tell('Asking the service directory…');
    try {
      const groups = await model.ask('group_directory', { search: words.value.trim(), limit: kShown });
      if (question !== asked) return;
      showRows(list, groups, ({ id, owner }) => `${id} ${owner}`, makeGroup, fillGroup);
      tell(groups.length === kShown ? `The first ${kShown}; other words find others.` : groups.length ? '' : 'No public group is listed under these words.');
    } catch (error) {
      if (question !== asked) return;
      showRows(list, [], () => '', makeGroup, fillGroup);
      tell(error.message, true);
    }
  }

  function makeGroup() {
    const row = h('li', {}, h('b', { dir: 'auto' }), h('small', { dir: 'auto' }), h('button', { type: 'button', class: 'plain', on: { click: () => enter(row.group) } }));
    return row;
  }
  function fillGroup(row, group) {
    const [name, about, button] = row.children;
    row.group = group;
    row.title = `founded by ${group.owner}`;
    setText(name, group.name);
    setText(about, [group.topic, show.count(group.members, 'member'), `by ${model.nameOf(group.owner)}`].filter(Boolean).join(' · '));
    setText(button, group.joined ? 'Open' : 'Join');
    button.setAttribute('aria-label', `${group.joined ? 'Open' : 'Join'} ${group.name}`);
  }

  async function enter(group) {
    try {
      if (!group.joined) await model.ask('group_join', { invite: group.invite });
      tell('');
      showRows(list, [], () => '', makeGroup, fillGroup);
      events.open(`g:${group.id}`);
    } catch (error) {
      tell(error.message, true);
    }
  }
  return element;
}
