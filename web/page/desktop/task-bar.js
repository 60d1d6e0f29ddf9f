/** The task bar: the menu, a chip for each window, and how the visor fares.  On a phone its chips are tabs. */
import { h, icon } from '../elements.js';
import { menuOf } from './menu.js';
import { settings } from './settings.js';

const phases = {
  starting: 'starting', connecting: 'connecting', up: 'up', reconnecting: 'reconnecting', offline: 'offline', failed: 'failed',
};
const themes = { auto: 'As the system', light: 'Light', dark: 'Dark' };

function showTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** @param {Element} bar @param {import('./desktop.js').Desktop} desktop @param {import('../session.js').Session} session */
export function startTaskBar(bar, desktop, session) {
  const chips = h('div', { class: 'chips' });
  const state = h('button', { type: 'button', id: 'state', class: 'pill', on: { click: () => desktop.open('dashboard') } });
  const spoken = h('span', { class: 'unseen', role: 'status' });
  const button = h('button', { type: 'button', id: 'menu', class: 'menu-button' }, icon('visor'), h('span', {}, 'Visor'));
  bar.append(button, menuOf(button, () => entriesOf(desktop)), chips, h('div', { class: 'bar-end' }, state, spoken));

  showTheme(settings.get('theme', 'auto'));
  document.body.classList.toggle('dock-bottom', settings.get('dock', 'top') === 'bottom');

  const showPhase = () => {
    state.dataset.state = session.phase;
    state.textContent = phases[session.phase];
    state.title = session.problem?.message ?? `This tab's visor: ${phases[session.phase]}`;
    spoken.textContent = `Visor ${phases[session.phase]}`;
  };
  session.addEventListener('phase', showPhase);
  showPhase();
  const show = () => showChips(chips, desktop);
  desktop.addEventListener('windows', show);
  desktop.addEventListener('left', ({ detail }) => (chips.querySelector(`[data-opens="${detail}"]`) ?? button).focus());
  chips.addEventListener('keydown', (event) => chipKey(event, chips, desktop));
  show();
}

function entriesOf(desktop) {
  const theme = settings.get('theme', 'auto');
  const bottom = settings.get('dock', 'top') === 'bottom';
  const windows = desktop.kinds.map((kind) => ({ label: kind.title, icon: icon(kind.icon), act: () => desktop.open(kind.id) }));
  const colors = Object.entries(themes).map(([name, label]) => ({
    label, checked: theme === name, radio: true, act: () => { settings.set('theme', name); showTheme(name); },
  }));
  if (desktop.sheets) return [...windows, null, ...colors];
  const dock = { label: 'Task bar at the bottom', checked: bottom, act: () => {
    settings.set('dock', bottom ? 'top' : 'bottom');
    document.body.classList.toggle('dock-bottom', !bottom);
  } };
  return [...windows, null, { label: 'Arrange windows', act: () => desktop.arrange() }, dock, null, ...colors];
}

/** Chips keep their element as long as they are there: the focus may be on one. */
function showChips(chips, desktop) {
  const shown = desktop.kinds.filter(({ id }) => desktop.sheets || desktop.isOpen(id));
  const known = new Map([...chips.children].map((chip) => [chip.dataset.chip, chip]));
  for (const [id, chip] of known) if (!shown.some((kind) => kind.id === id)) chip.remove();
  const { front, sheets } = desktop;
  setAttributes(chips, sheets ? { role: 'tablist', 'aria-label': 'Windows' } : { role: 'group', 'aria-label': 'Open windows' });
  for (const kind of shown) {
    const chip = known.get(kind.id) ?? chipOf(kind, desktop);
    const [opener] = chip.children;
    const here = kind.id === front;
    chip.classList.toggle('current', here);
    setAttributes(chip, { role: sheets ? 'none' : null });
    setAttributes(opener, sheets
      ? { role: 'tab', 'aria-selected': String(here), 'aria-controls': `window-${kind.id}`, 'aria-pressed': null, tabindex: here ? '0' : '-1' }
      : { role: null, 'aria-selected': null, 'aria-controls': null, 'aria-pressed': String(here), tabindex: null });
    if (!known.has(kind.id)) chips.append(chip);
  }
}

function chipOf(kind, desktop) {
  const toggle = () => {
    if (!desktop.sheets && desktop.front === kind.id) desktop.minimize(kind.id);
    else desktop.open(kind.id);
  };
  return h('div', { class: 'chip', data: { chip: kind.id } },
           h('button', { type: 'button', data: { opens: kind.id }, on: { click: toggle } }, icon(kind.icon), h('span', {}, kind.title)),
           h('button', { type: 'button', class: 'chip-close', 'aria-label': `Close ${kind.title}`, on: { click: () => desktop.close(kind.id) } }, icon('close')));
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
}

/** Arrows go from chip to chip; Delete closes the window. */
function chipKey(event, chips, desktop) {
  const openers = [...chips.querySelectorAll('[data-opens]')];
  const here = openers.indexOf(event.target.closest('[data-opens]'));
  if (here < 0) return;
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (way) {
    event.preventDefault();
    const next = openers[(here + way + openers.length) % openers.length];
    next.focus();
    if (desktop.sheets) { desktop.open(next.dataset.opens); next.focus(); }
  } else if (event.key === 'Delete' && !desktop.sheets) {
    event.preventDefault();
    desktop.close(openers[here].dataset.opens);
  }
}
