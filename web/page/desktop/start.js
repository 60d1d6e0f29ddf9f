/** Everything that people see, and what scripts find on `window`. */
import { ChatModel } from '../chat/model.js';
import { installHooks } from '../hooks.js';
import { windows } from '../windows/list.js';
import { Desktop } from './desktop.js';
import { startTaskBar } from './task-bar.js';

/** @param {Element} root where windows are @param {Element} bar @param {import('../session.js').Session} session */
export function startDesktop(root, bar, session) {
  session.chat = new ChatModel(session);
  installHooks(session);
  const desktop = new Desktop(root, session, windows);
  startTaskBar(bar, desktop, session);
  desktop.restore();
  openInvitation(desktop, session);
}

/** Who came by an invitation's link finds it in the chat window, as soon as there is one. */
function openInvitation(desktop, session) {
  const link = decodeURIComponent(location.hash.slice(1));
  if (!link.startsWith('skychat:invite:')) return;
  history.replaceState(null, '', location.pathname);
  session.chat.invitation = link;
  const open = () => {
    if (!session.chat.invitation || !session.hasInstance('chat')) return;
    desktop.open('chat');
    session.removeEventListener('rows', open);
  };
  session.addEventListener('rows', open);
  open();
}
