/** The page: the visor starts at once, the desktop is loaded meanwhile. */
import './log-ring.js';
import { Session } from './session.js';

const session = new Session();
session.ready = session.start();
session.ready.catch(() => {}); // shown as its phase

const $ = (id) => document.getElementById(id);

/** A visor that does not run is told above everything, with what can be done. */
session.addEventListener('phase', () => {
  $('problem').hidden = session.phase !== 'failed';
  $('problem-words').textContent = session.problem?.message ?? '';
});
$('again').addEventListener('click', () => location.reload());

// For tests and for who measures: what the page knows, without looking into its windows.
session.ready.then((pk) => Object.assign(document.body.dataset, { pk, shared: session.visor.shared, bootMs: Math.round(session.bootMs) })).catch(() => {});
session.tpd.addEventListener('network', () => { if (session.shownMs) document.body.dataset.shownMs = Math.round(session.shownMs); });

const { startDesktop } = await import('./desktop/start.js');
startDesktop($('desktop'), $('task-bar'), session);
