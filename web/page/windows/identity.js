/** The identity window: the key of this browser's visor, to keep and to bring along. */
import { h } from '../elements.js';
import { readIdentity } from '../identity-text.js';
import { drawKey, replaceKey } from '../key-store.js';
import { boot } from '../visor.js';

const kMaxFileBytes = 4096;
/** The public key, as the visor itself derives it. */
async function publicKeyOf(secretKey) {
  const visor = await boot({ config: { plugins: [] }, secretKey });
  await visor.stop();
  return visor.pk;
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  h('a', { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

function shownPart(session) {
  const pk = h('code', { class: 'own-key' });
  const kept = h('p', { class: 'quiet' });
  const secret = h('code', { class: 'own-key secret' });
  const reveal = h('button', { type: 'button', class: 'plain', 'aria-pressed': 'false', on: { click: () => show(!reveal.shown) } });
  const download = h('button', { type: 'button', class: 'plain', on: { click: () => save(`visor-${session.pk.slice(0, 8)}.json`, `${JSON.stringify({ pk: session.pk, sk: session.secretKey })}\n`) } }, 'Export to a file');
  function show(open) {
    reveal.shown = open;
    reveal.setAttribute('aria-pressed', String(open));
    reveal.textContent = open ? 'Hide it' : 'Show it';
    secret.textContent = open ? session.secretKey : '•'.repeat(64);
    secret.setAttribute('aria-label', open ? 'secret key' : 'secret key, hidden');
  }
  function draw() {
    pk.textContent = session.pk || 'not known yet';
    kept.textContent = session.kept ? 'This browser keeps it for this address; every tab is the same visor.'
      : 'It goes with this tab: this browser keeps nothing for this page, or another tab runs the kept key.';
    download.disabled = reveal.disabled = !session.pk;
    show(Boolean(reveal.shown));
  }
  draw();
  return { draw, element: h('section', { 'aria-labelledby': 'identity-title' }, h('h3', { id: 'identity-title' }, 'This visor\'s identity'),
    h('h4', {}, 'Public key'), pk, kept, h('h4', {}, 'Secret key'), secret,
    h('p', { class: 'quiet' }, 'Who has it is this visor. Keep it as you keep a password.'), h('div', { class: 'buttons' }, reveal, download)) };
}

/** Import in two steps: what was given is checked and shown, then it replaces the key. */
function importPart(session) {
  const text = h('textarea', { rows: 3, spellcheck: 'false', autocomplete: 'off', placeholder: '64 hex digits, or {"sk": "..."}', 'aria-describedby': 'import-says', on: { input: () => forget() } });
  const says = h('div', { id: 'import-says', role: 'status' });
  const confirm = h('button', { type: 'button', class: 'danger', hidden: true, on: { click: () => replace() } }, 'Replace this browser\'s key');
  const file = h('input', { type: 'file', class: 'unseen', tabindex: '-1', 'aria-hidden': 'true', accept: '.json,.txt,.key,application/json,text/plain', on: { change: () => readFile() } });
  let checked = null;

  function forget() {
    checked = null;
    confirm.hidden = true;
    says.replaceChildren();
  }
  const tell = (className, ...words) => says.replaceChildren(h('p', { class: className }, ...words));

  async function check(given) {
    forget();
    try {
      const { secretKey, pk: claimed } = readIdentity(given);
      tell('quiet', 'Checking…');
      const pk = await publicKeyOf(secretKey);
      if (claimed && claimed !== pk) throw new Error(`The secret key is that of ${pk}, but "pk" says ${claimed}.`);
      if (pk === session.pk) { tell('quiet', 'This is the key that this visor has already.'); return; }
      checked = secretKey;
      says.replaceChildren(h('p', {}, 'A good key. Its visor is'), h('code', { class: 'own-key' }, pk),
        h('p', { class: 'quiet' }, 'Replacing drops the present key: export it first if you may want it back.'));
      confirm.hidden = false;
      confirm.focus();
    } catch (error) {
      tell('problem', error.message);
    }
  }

  async function readFile() {
    const [chosen] = file.files;
    file.value = '';
    if (!chosen) return;
    if (chosen.size > kMaxFileBytes) { forget(); tell('problem', `${chosen.name} has ${chosen.size} bytes; a key's file has fewer than ${kMaxFileBytes}.`); return; }
    text.value = await chosen.text();
    check(text.value);
  }

  function replace() {
    try {
      replaceKey(checked);
      location.reload(); // other tabs hear of it and do the same
    } catch (error) {
      tell('problem', `This browser does not store it: ${error.message}`);
    }
  }

  const button = (label, act) => h('button', { type: 'button', class: 'plain', on: { click: act } }, label);
  return h('section', { 'aria-labelledby': 'import-title' }, h('h3', { id: 'import-title' }, 'Another identity'),
    h('label', {}, 'Secret key', text),
    h('div', { class: 'buttons' }, button('Check', () => check(text.value)), button('Choose a file…', () => file.click()), button('Draw a new one', () => { text.value = drawKey(); check(text.value); }), file),
    says, confirm);
}

export const identityWindow = {
  id: 'identity', title: 'Identity', icon: 'identity', size: { width: 640, height: 640 },
  shownWhen: () => true,
  open(session) {
    const shown = shownPart(session);
    const element = h('div', { class: 'identity', tabindex: '0', role: 'region', 'aria-label': 'Identity' }, shown.element, importPart(session));
    session.addEventListener('phase', shown.draw);
    return { element, focus: () => element.focus(), close: () => session.removeEventListener('phase', shown.draw) };
  },
};
