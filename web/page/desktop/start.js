/** Everything that people see, and what scripts find on `window`. */
import { installHooks } from '../hooks.js';
import { windows } from '../windows/list.js';
import { Desktop } from './desktop.js';
import { startTaskBar } from './task-bar.js';

/** @param {Element} root where windows are @param {Element} bar @param {import('../session.js').Session} session */
export function startDesktop(root, bar, session) {
  installHooks(session);
  const desktop = new Desktop(root, session, windows);
  startTaskBar(bar, desktop, session);
  desktop.restore();
}
