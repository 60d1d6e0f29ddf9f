/** The chat window: conversations and groups side by side; on a phone one after the other. */
import { activityPane } from '../chat/activity.js';
import { roomList } from '../chat/room-list.js';
import { roomView } from '../chat/room.js';
import { startPanel } from '../chat/start.js';
import { h, icon, setText } from '../elements.js';

export const chatWindow = {
  id: 'chat', title: 'Chat', icon: 'chat', size: { width: 860, height: 620 },
  shownWhen: (session) => session.hasInstance('chat'),
  open(session, desktop) {
    const { chat: model } = session;
    const enter = (id, messageKey) => {
      room.open(id, messageKey);
      element.classList.toggle('in-room', Boolean(id));
      toggle(fresh, start, false);
      list.draw();
      if (!messageKey) room.focus();
    };
    const back = () => { element.classList.remove('in-room'); room.open(null); list.draw(); list.focus(); };
    const start = startPanel(model, { open: enter });
    const room = roomView(model, session, { left: back, join: (link) => offer(link) });
    const list = roomList(model, { open: enter, current: () => room.current() });
    const activity = activityPane();
    const toggle = (button, panel, open) => { panel.show(open); button.setAttribute('aria-expanded', String(open)); };
    const fresh = h('button', { type: 'button', class: 'plain new', 'aria-expanded': 'false', on: { click: () => toggle(fresh, start, start.element.hidden) } }, icon('plus'), 'New');
    const bug = h('button', { type: 'button', class: 'icon-button', 'aria-expanded': 'false', 'aria-label': 'Activity', title: 'What the chat does', on: { click: () => toggle(bug, activity, activity.element.hidden) } }, icon('bug'));
    const key = h('button', { type: 'button', class: 'plain', title: 'To give to who wants to write to you', on: { click: copyKey } }, 'Copy my key');
    const problem = h('p', { class: 'problem pad', role: 'alert', hidden: true });
    const element = h('div', { class: 'chat', tabindex: '-1' },
      h('div', { class: 'chat-side' }, h('div', { class: 'chat-tools' }, fresh, key, bug), problem, start.element, list.element), room.element, activity.element);

    async function copyKey() {
      try {
        await navigator.clipboard.writeText(session.pk);
        setText(key, 'Copied');
      } catch {
        setText(key, 'The browser refused');
      }
      setTimeout(() => setText(key, 'Copy my key'), 1500);
    }
    function offer(link) {
      element.classList.remove('in-room');
      toggle(fresh, start, true);
      start.offer(link);
    }
    const fail = () => { problem.hidden = !model.problem; setText(problem, model.problem?.message ?? ''); };
    model.addEventListener('problem', fail);
    fail();
    if (model.invitation) {
      const link = model.invitation;
      model.invitation = '';
      queueMicrotask(() => offer(link));
    }
    return {
      element,
      focus() {
        if (room.current()) room.focus();
        else if (desktop.sheets) element.focus();
        else if (start.element.hidden) list.focus();
      },
      close() { list.close(); room.close(); activity.close(); model.removeEventListener('problem', fail); },
    };
  },
};
