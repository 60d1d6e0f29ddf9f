/** Lines over time in SVG: small ones in tables, and plots with a scale. */
import { h, svg } from './elements.js';

/** The next 1, 2 or 5 times a power of ten: where a scale ends. */
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

/** A scale's numbers are round already. */
const round = (text) => text.replace(/\.0+(?= )/, '');

/** A path through points that are scaled to [0, width] x [height, 0]. */
function pathOf(points, from, to, top, width, height) {
  return points.map(({ t, v }, i) => `${i ? 'L' : 'M'}${((width * (t - from)) / Math.max(to - from, 1)).toFixed(1)} ${(height - (height * v) / top).toFixed(1)}`).join('');
}

/**
 * A line of the latest values, scaled to its own greatest.
 * @param {{t: number, v: number}[]} points oldest first
 * @param {Element} [known] what this gave before, to be drawn anew
 */
export function sparkline(points, className, known) {
  const plot = known ?? svg('svg', { class: `spark ${className}`, viewBox: '0 0 100 24', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
                            svg('path', { class: 'area' }), svg('path', { class: 'line' }));
  const [area, line] = plot.children;
  const drawn = points.length > 1;
  const d = drawn ? pathOf(points, points[0].t, points.at(-1).t, Math.max(...points.map(({ v }) => v), 1e-9) * 1.08, 100, 24) : '';
  line.setAttribute('d', d);
  area.setAttribute('d', drawn ? `${d}L100 24L0 24Z` : '');
  return plot;
}

/** A plot of the last minutes: a line for each series, a scale from zero, what the lines are. */
export class TimePlot {
  #title; #format; #lines = new Map(); #svg; #labels; #legend; #from; #empty;

  /**
   * @param {string} title
   * @param {(value: number) => string} format of values
   * @param {string} emptyWords while there is nothing to draw
   */
  constructor(title, format, emptyWords) {
    this.#title = title;
    this.#format = format;
    this.#svg = svg('svg', { viewBox: '0 0 600 120', preserveAspectRatio: 'none', role: 'img' },
                    ...[0, 60, 120].map((y) => svg('path', { class: 'grid', d: `M0 ${y}H600` })));
    this.#labels = [h('span'), h('span'), h('span', {}, '0')];
    this.#legend = h('ul', { class: 'legend' });
    this.#from = h('span');
    this.#empty = h('p', { class: 'plot-empty' }, emptyWords);
    this.element = h('figure', { class: 'time-plot' }, h('figcaption', {}, h('h4', {}, title), this.#legend),
                     h('div', { class: 'plot-scale', 'aria-hidden': 'true' }, ...this.#labels),
                     h('div', { class: 'plot-area' }, this.#svg, this.#empty),
                     h('div', { class: 'plot-times', 'aria-hidden': 'true' }, this.#from, h('span', {}, 'now')));
  }

  /** @param {{id: string, name: string, className: string, points: {t: number, v: number}[]}[]} series */
  draw(series) {
    const all = series.flatMap(({ points }) => points);
    this.#empty.hidden = all.length > 1;
    const to = Math.max(...all.map(({ t }) => t), 0), from = Math.min(...all.map(({ t }) => t), to);
    const top = roundUp(Math.max(...all.map(({ v }) => v), 0));
    this.#labels[0].textContent = all.length ? round(this.#format(top)) : '';
    this.#labels[1].textContent = all.length ? round(this.#format(top / 2)) : '';
    const ago = Math.round((to - from) / 1000);
    this.#from.textContent = all.length > 1 ? (ago < 120 ? `${ago} s ago` : `${Math.round(ago / 60)} min ago`) : '';
    for (const [id, { path, area, item }] of this.#lines) {
      if (series.some((one) => one.id === id)) continue;
      for (const node of [path, area, item]) node.remove();
      this.#lines.delete(id);
    }
    const words = series.map((one) => this.#draw(one, from, to, top));
    this.#svg.setAttribute('aria-label', `${this.#title}. ${words.join('; ') || 'nothing measured yet'}`);
  }

  #draw({ id, name, className, points }, from, to, top) {
    let line = this.#lines.get(id);
    if (!line) {
      line = { path: svg('path', { class: `line ${className}` }), area: svg('path', { class: `area ${className}` }), value: h('b'),
               name: h('span') };
      line.item = h('li', { class: className }, line.name, ' ', line.value);
      this.#lines.set(id, line);
      this.#svg.append(line.area, line.path);
      this.#legend.append(line.item);
    }
    const d = points.length > 1 ? pathOf(points, from, to, top, 600, 120) : '';
    line.path.setAttribute('d', d);
    line.area.setAttribute('d', d && `${d}V120H${((600 * (points[0].t - from)) / Math.max(to - from, 1)).toFixed(1)}Z`);
    const value = points.length ? this.#format(points.at(-1).v) : '–';
    if (line.name.textContent !== name) line.name.textContent = name;
    line.value.textContent = value;
    return `${name}: ${value}`;
  }
}
