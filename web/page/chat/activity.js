/** What the chat does, line by line: the part of the page's log that speaks of it. */
import { h } from '../elements.js';
import * as show from '../format.js';
import { skywireLog } from '../log-ring.js';

const kLines = 200;
const isChat = ({ text }) => text.includes('skychat') || text.includes('[visor] chat:');
const rowOf = ({ t, level, text }) => h('li', { data: { level } }, h('time', {}, show.clock(t)), h('span', { class: 'text' }, text.replace(/^\[visor\] chat: /, '')));

export function activityPane() {
  const list = h('ol', { class: 'log-lines' });
  const element = h('section', { class: 'chat-activity', tabindex: '0', role: 'log', 'aria-live': 'off', 'aria-label': 'Activity of the chat', hidden: true }, list);
  let unsubscribe = null;
  const add = (line) => {
    if (!line) { list.replaceChildren(); return; }
    if (!isChat(line)) return;
    list.append(rowOf(line));
    while (list.childElementCount > kLines) list.firstChild.remove();
    element.scrollTop = element.scrollHeight;
  };
  return {
    element,
    show(open) {
      element.hidden = !open;
      unsubscribe?.();
      unsubscribe = null;
      if (!open) return;
      list.replaceChildren(...skywireLog.all().filter(isChat).slice(-kLines).map(rowOf));
      element.scrollTop = element.scrollHeight;
      unsubscribe = skywireLog.subscribe(add);
    },
    close() { unsubscribe?.(); },
  };
}
