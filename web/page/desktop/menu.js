/** A button with a menu, as WAI-ARIA describes it: arrows, Home, End, first letters, Escape. */
import { h } from '../elements.js';

/**
 * @param {Element} button gets the menu's ARIA attributes
 * @param {() => object[]} entries of the moment: {label, icon?, act, checked?: boolean, radio?: boolean} or null for a line
 * @returns {Element} the menu, to stand beside the button
 */
export function menuOf(button, entries) {
  const list = h('ul', { role: 'menu', class: 'menu', hidden: true, id: `${button.id}-entries`, 'aria-labelledby': button.id });
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-controls', list.id);
  const items = () => [...list.querySelectorAll('[role^=menuitem]')];

  function close(refocus) {
    list.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (refocus) button.focus();
  }

  function item(entry) {
    if (!entry) return h('li', { role: 'separator' });
    const role = entry.checked === undefined ? 'menuitem' : entry.radio ? 'menuitemradio' : 'menuitemcheckbox';
    const act = () => { close(true); entry.act(); };
    return h('li', { role: 'none' }, h('button', { type: 'button', role, tabindex: '-1', 'aria-checked': entry.checked === undefined ? null : String(entry.checked), on: { click: act } },
                                       entry.icon ?? h('span', { class: 'icon' }), entry.label));
  }

  function open(at) {
    list.replaceChildren(...entries().map(item));
    list.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    items().at(at).focus();
  }

  button.addEventListener('click', () => { if (list.hidden) open(0); else close(true); });
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    open(event.key === 'ArrowDown' ? 0 : -1);
  });
  list.addEventListener('keydown', (event) => {
    const all = items();
    const here = all.indexOf(document.activeElement);
    const go = (index) => { event.preventDefault(); all[(index + all.length) % all.length].focus(); };
    if (event.key === 'ArrowDown') go(here + 1);
    else if (event.key === 'ArrowUp') go(here - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(-1);
    else if (event.key === 'Escape' || event.key === 'Tab') { if (event.key === 'Escape') event.preventDefault(); close(true); }
    else if (event.key.length === 1) {
      const starts = (one) => one.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase());
      const found = [...all.slice(here + 1), ...all].find(starts);
      found?.focus();
    }
  });
  addEventListener('pointerdown', (event) => { if (!list.hidden && !list.contains(event.target) && !button.contains(event.target)) close(false); });
  return list;
}
