/** The log window: what the visor and this page say, the latest 5000 lines. */
import { h } from '../elements.js';
import * as show from '../format.js';
import { kMaxLines, levels, skywireLog } from '../log-ring.js';

const kSlice = 500;      // rows made in one frame, so that a full ring does not hold the page
const kNearEnd = 8;

function rowOf({ t, level, text }) {
  return h('li', { data: { level } }, h('time', {}, show.clock(t)), h('span', { class: 'level' }, level), h('span', { class: 'text' }, text));
}

export const logsWindow = {
  id: 'logs', title: 'Logs', icon: 'logs', size: { width: 820, height: 480 },
  shownWhen: () => true,
  open() {
    const view = { level: 'debug', filter: '', follow: true };
    let waiting = [];    // lines that are not rows yet
    let drawing = 0;
    const list = h('ol', { class: 'log-lines' });
    const pane = h('div', { class: 'log-pane', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': 'Log lines' }, list);
    const empty = h('p', { class: 'empty-words' });
    const counted = h('span', { class: 'quiet' });
    const level = h('select', { on: { change: () => { view.level = level.value; redraw(); } } },
                    levels.map((name) => h('option', { value: name }, name === 'debug' ? 'everything' : `${name} and above`)));
    const filter = h('input', { type: 'search', placeholder: 'words in a line', autocomplete: 'off', spellcheck: 'false',
                                on: { input: () => { view.filter = filter.value.trim().toLowerCase(); redraw(); } } });
    const follow = h('input', { type: 'checkbox', checked: true, on: { change: () => { view.follow = follow.checked; if (view.follow) toEnd(); } } });
    const clear = h('button', { type: 'button', class: 'plain', on: { click: () => skywireLog.clear() } }, 'Clear');
    const element = h('div', { class: 'logs' },
      h('div', { class: 'tools' }, h('label', {}, 'Level ', level), h('label', { class: 'grow' }, 'Filter ', filter), h('label', {}, follow, ' Follow'), clear, counted),
      h('div', { class: 'log-frame' }, pane, empty));

    const wanted = (line) => levels.indexOf(line.level) >= levels.indexOf(view.level) && (!view.filter || line.text.toLowerCase().includes(view.filter));
    const toEnd = () => { pane.scrollTop = pane.scrollHeight; };

    function tell() {
      const rows = list.childElementCount + waiting.length;
      counted.textContent = show.count(rows, 'line');
      empty.hidden = rows > 0;
      empty.textContent = skywireLog.size ? 'No line matches; lower the level or empty the filter.' : 'Nothing has been logged yet.';
    }

    function draw() {
      drawing = 0;
      list.append(...waiting.splice(0, kSlice).map(rowOf));
      while (list.childElementCount > kMaxLines) list.firstChild.remove();
      if (waiting.length) { // the end, and how many there are, only once: to know where it is costs a layout
        later();
        return;
      }
      if (view.follow) toEnd();
      tell();
    }

    function later() { drawing ||= requestAnimationFrame(draw); }

    function redraw() {
      list.replaceChildren();
      waiting = skywireLog.all().filter(wanted);
      later();
    }

    // Who scrolls up wants to read; who scrolls to the end wants to follow.
    pane.addEventListener('scroll', () => {
      const atEnd = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - kNearEnd;
      if (drawing || atEnd === view.follow) return;
      view.follow = atEnd;
      follow.checked = atEnd;
    });
    const unsubscribe = skywireLog.subscribe((line) => {
      if (!line) { redraw(); return; }
      if (!wanted(line)) return;
      waiting.push(line);
      if (waiting.length > kMaxLines) waiting.shift();
      later();
    });
    redraw();
    return { element, focus: () => filter.focus(), close() { unsubscribe(); cancelAnimationFrame(drawing); } };
  },
};
