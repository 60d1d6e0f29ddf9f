/** The desktop: which windows are open, which is in front, and that all of it is there again at the next visit. */
import { h } from '../elements.js';
import { cascade, readRect } from './geometry.js';
import { settings } from './settings.js';
import { WindowFrame } from './window-frame.js';

const sheets = matchMedia('(max-width: 44rem)');
const kAnnounceAfterMs = 400;

/** Events: 'windows' when one opens, closes, gets in front or out of sight, and when the page becomes a phone's or a desk's. */
export class Desktop extends EventTarget {
  #root; #session; #kinds; #open = new Map(); // id -> {frame, view, minimized}; the last one is in front
  #status; #announcing = 0;

  /**
   * @param {Element} root where windows are
   * @param {import('../session.js').Session} session
   * @param {object[]} kinds as windows/list.js has them
   */
  constructor(root, session, kinds) {
    super();
    this.#root = root;
    this.#session = session;
    this.#kinds = kinds;
    this.#status = h('p', { class: 'unseen', role: 'status' });
    root.append(this.#status, h('p', { class: 'unseen', id: 'grip-keys' },
      'Arrow keys move the window, with Shift they resize it, Enter maximizes it, Escape puts it back.'));
    new ResizeObserver(() => this.#settle()).observe(root);
    sheets.addEventListener('change', () => { this.#settle(); this.#changed(); });
    session.addEventListener('rows', () => this.#review());
    addEventListener('keydown', (event) => this.#key(event));
    this.#settle();
  }

  /** Opens what was open at the last visit, or at the first one the first window. */
  restore() {
    const order = settings.get('order', ['dashboard']);
    for (const id of order) {
      const kind = this.kinds.find((one) => one.id === id);
      if (kind) this.#create(kind, Boolean(this.#stored(id).minimized));
    }
    if (sheets.matches && !this.front) this.open(this.kinds[0].id);
    this.#changed();
  }

  /** The windows that there are now. */
  get kinds() { return this.#kinds.filter((kind) => kind.shownWhen(this.#session)); }
  /** Whether windows are sheets that fill a small screen. */
  get sheets() { return sheets.matches; }
  /** The id of the window in front, or null. */
  get front() { return [...this.#open.keys()].findLast((id) => !this.#open.get(id).minimized) ?? null; }

  isOpen(id) { return this.#open.has(id); }
  isMinimized(id) { return this.#open.get(id)?.minimized ?? false; }

  /** Opens a window, or brings it in front; the focus goes into it. */
  open(id) {
    const kind = this.kinds.find((one) => one.id === id);
    if (!kind) return;
    if (!this.#open.has(id)) {
      this.#create(kind, false);
      this.#changed();
    }
    this.raise(id).view.focus();
  }

  /** Brings a window in front, and leaves the focus where it is. */
  raise(id) {
    const entry = this.#open.get(id);
    if (this.front === id && !entry.minimized) return entry;
    this.#open.delete(id);
    this.#open.set(id, entry);
    entry.minimized = false;
    this.#changed();
    return entry;
  }

  minimize(id) {
    this.#open.get(id).minimized = true;
    this.#changed();
    this.#focusFront(id);
  }

  close(id) {
    const entry = this.#open.get(id);
    if (!entry) return;
    this.#open.delete(id);
    entry.view.close?.();
    entry.frame.element.remove();
    this.#changed();
    this.#focusFront(id);
  }

  /** Every open window where it would be had nobody moved it. */
  arrange() {
    [...this.#open.values()].forEach(({ frame }, i) => {
      frame.maximize(false);
      frame.moveTo(cascade(frame.kind.size, i, this.#area()));
    });
    this.#changed();
  }

  /** The focus into the window in front; of a sheet there is no other. */
  focus(id) {
    this.#open.get(id)?.view.focus();
  }

  #create(kind, minimized) {
    const stored = this.#stored(kind.id);
    const view = kind.open(this.#session, this);
    const rect = readRect(stored.rect) ?? cascade(kind.size, this.#open.size, this.#area());
    const { id } = kind;
    const frame = new WindowFrame(kind, view.element, rect, () => this.#area(), {
      focused: () => { if (this.#open.has(id)) this.raise(id); },
      closed: () => this.close(id),
      minimized: () => this.minimize(id),
      moved: (words) => { this.#remember(); this.#announce(`${kind.title}: ${words}`); },
      left: () => this.dispatchEvent(new CustomEvent('left', { detail: id })),
    });
    this.#open.set(id, { frame, view, minimized });
    if (stored.maximized) frame.maximize(true);
    this.#root.append(frame.element);
  }

  #stored(id) {
    return settings.get('windows', {})[id] ?? {};
  }

  #remember() {
    const windows = { ...settings.get('windows', {}) };
    for (const [id, { frame, minimized }] of this.#open) windows[id] = { rect: frame.rect, maximized: frame.maximized, minimized };
    settings.set('windows', windows);
    settings.set('order', [...this.#open.keys()]);
  }

  #area() {
    return { width: this.#root.clientWidth, height: this.#root.clientHeight };
  }

  #settle() {
    document.body.classList.toggle('sheets', sheets.matches);
    for (const { frame } of this.#open.values()) frame.place();
  }

  /** Windows whose condition no longer holds are closed. */
  #review() {
    const now = new Set(this.kinds.map(({ id }) => id));
    for (const id of [...this.#open.keys()]) if (!now.has(id)) this.close(id);
    this.dispatchEvent(new Event('windows'));
  }

  #changed() {
    const front = this.front;
    let depth = 1;
    for (const [id, { frame, minimized }] of this.#open) {
      frame.element.hidden = minimized || (sheets.matches && id !== front);
      frame.element.style.zIndex = depth++;
      frame.element.classList.toggle('front', id === front);
      // A sheet belongs to its tab in the task bar; a window stands for itself.
      frame.element.setAttribute('role', sheets.matches ? 'tabpanel' : 'dialog');
    }
    this.#remember();
    this.dispatchEvent(new Event('windows'));
  }

  #focusFront(left) {
    if (this.front) this.focus(this.front);
    else this.dispatchEvent(new CustomEvent('left', { detail: left }));
  }

  /** F6 goes through the windows, as it does through the panes of other programs. */
  #key(event) {
    if (event.key !== 'F6' || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = [...this.#open].filter(([, { minimized }]) => !minimized).map(([id]) => id);
    if (!shown.length) return;
    event.preventDefault();
    const next = shown.length === 1 || !document.activeElement.closest('.window') ? shown.at(-1) : event.shiftKey ? shown.at(-2) : shown[0];
    this.raise(next).frame.focusGrip();
  }

  /** Said once a movement has ended, or a screen reader would read every step. */
  #announce(words) {
    clearTimeout(this.#announcing);
    this.#announcing = setTimeout(() => { this.#status.textContent = words; }, kAnnounceAfterMs);
  }
}
