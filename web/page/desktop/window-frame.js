/** One window of the desktop: its frame, and how it is moved and resized by pointer and by keys. */
import { h, icon } from '../elements.js';
import { fit, resize } from './geometry.js';

const kStep = 24, kFineStep = 2;
const kSides = ['n', 'e', 's', 'w', 'ne', 'se', 'sw', 'nw'];
const kArrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Follows a pointer from where it goes down: move(dx, dy) each time, then end(cancelled). */
function drag(handle, begin) {
  handle.addEventListener('pointerdown', (down) => {
    if (down.button !== 0 || down.target.closest('.title-buttons')) return;
    const { move, end } = begin();
    const moved = (event) => move(event.clientX - down.clientX, event.clientY - down.clientY);
    const done = (event) => {
      handle.removeEventListener('pointermove', moved);
      for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) handle.removeEventListener(name, done);
      end(event.type === 'pointercancel');
    };
    handle.setPointerCapture(down.pointerId);
    handle.addEventListener('pointermove', moved);
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) handle.addEventListener(name, done);
  });
}

export class WindowFrame {
  #area; #events; #rect; #before = null; #grip;

  /**
   * @param {object} kind {id, title, icon}
   * @param {Element} content
   * @param {object} rect where it is wanted
   * @param {() => {width: number, height: number}} area of the desktop
   * @param {{focused: Function, closed: Function, minimized: Function, moved: (words: string) => void, left: Function}} events
   *   left: Escape, from wherever in the window nothing else had a use for it
   */
  constructor(kind, content, rect, area, events) {
    this.kind = kind;
    this.#area = area;
    this.#events = events;
    this.#rect = rect;
    const button = (name, label, act) => h('button', { type: 'button', class: name, 'aria-label': `${label} ${kind.title}`, title: label, on: { click: act } }, icon(name));
    this.#grip = h('button', { type: 'button', class: 'grip', 'aria-describedby': 'grip-keys', on: { keydown: (event) => this.#key(event), blur: () => { this.#before = null; } } },
                   icon(kind.icon), h('span', { class: 'title', id: `title-${kind.id}` }, kind.title));
    const bar = h('header', { class: 'title-bar', on: { dblclick: ({ target }) => { if (!target.closest('.title-buttons')) this.maximize(!this.maximized); } } }, this.#grip,
                  h('div', { class: 'title-buttons' }, button('minimize', 'Minimize', () => events.minimized()),
                    button('maximize', 'Maximize', () => this.maximize(!this.maximized)), button('close', 'Close', () => events.closed())));
    const edges = kSides.map((sides) => h('div', { class: `edge edge-${sides}`, 'aria-hidden': 'true' }));
    this.element = h('section', {
      class: 'window', id: `window-${kind.id}`, role: 'dialog', 'aria-labelledby': `title-${kind.id}`, tabindex: '-1', data: { window: kind.id },
      on: { focusin: () => events.focused(), pointerdown: () => events.focused(), keydown: (event) => this.#escape(event) },
    }, bar, h('div', { class: 'content' }, content), ...edges);
    drag(bar, () => this.#drag((from, dx, dy) => fit({ ...from, x: from.x + dx, y: from.y + dy }, this.#area())));
    edges.forEach((edge, i) => drag(edge, () => this.#drag((from, dx, dy) => resize(from, kSides[i], dx, dy, this.#area()))));
    this.place();
  }

  /** Where it is wanted, which is where it is unless the desktop has become too small. */
  get rect() { return this.#rect; }
  get maximized() { return 'maximized' in this.element.dataset; }

  maximize(on) {
    if (on) this.element.dataset.maximized = '';
    else delete this.element.dataset.maximized;
    this.element.querySelector('.title-buttons .maximize').title = on ? 'Restore' : 'Maximize';
    this.#events.moved(on ? 'maximized' : 'restored');
  }

  /** Puts it where it belongs, also after the desktop has another size. */
  place() {
    const { x, y, width, height } = fit(this.#rect, this.#area());
    Object.assign(this.element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  }

  moveTo(rect) {
    this.#rect = rect;
    this.place();
  }

  /** Where keys move and resize it. */
  focusGrip() { this.#grip.focus(); }

  #drag(change) {
    if (this.maximized || this.element.closest('.sheets')) return { move() {}, end() {} };
    const from = fit(this.#rect, this.#area());
    this.element.classList.add('moving');
    return {
      move: (dx, dy) => this.moveTo(change(from, dx, dy)),
      end: (cancelled) => {
        this.element.classList.remove('moving');
        if (cancelled) this.moveTo(from);
        this.#told();
      },
    };
  }

  #told() {
    const { x, y, width, height } = fit(this.#rect, this.#area());
    this.#events.moved(`left ${Math.round(x)}, top ${Math.round(y)}, ${Math.round(width)} by ${Math.round(height)}`);
  }

  #key(event) {
    const arrow = kArrows[event.key];
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.maximize(!this.maximized);
    } else if (event.key === 'Escape' && this.#before) {
      event.preventDefault();
      event.stopPropagation();
      this.moveTo(this.#before);
      this.#before = null;
      this.#told();
    } else if (arrow && !this.maximized) {
      event.preventDefault();
      const area = this.#area();
      const from = fit(this.#rect, area);
      this.#before ??= from;
      const step = event.altKey ? kFineStep : kStep;
      const [dx, dy] = arrow.map((way) => way * step);
      this.moveTo(event.shiftKey ? resize(from, 'es', dx, dy, area) : fit({ ...from, x: from.x + dx, y: from.y + dy }, area));
      this.#told();
    }
  }

  #escape(event) {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    this.#events.left();
  }
}
