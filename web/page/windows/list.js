/**
 * Every kind of window.  To add one, write a module beside these and put it here:
 *
 *   {id, title, icon, size: {width, height},
 *    shownWhen(session): whether there is such a window now, for example because an instance runs that it needs,
 *    open(session, desktop): {element, focus(), close?()}}
 *
 * `open` may be called again after `close`; what it shows comes from the session's events.
 */
import { chatWindow } from './chat.js';
import { consoleWindow } from './console.js';
import { dashboardWindow } from './dashboard.js';
import { identityWindow } from './identity.js';
import { logsWindow } from './logs.js';
import { servicesWindow } from './services.js';

export const windows = [dashboardWindow, logsWindow, consoleWindow, identityWindow, servicesWindow, chatWindow];
