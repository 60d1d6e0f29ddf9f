/** Small plots in SVG: lines in table cells and the map of the network. */
import { latency, shortKey } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';

function element(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/**
 * A line of the latest values, scaled to its own greatest.
 * @param {number[]} values oldest first
 * @returns {SVGElement}
 */
export function sparkline(values) {
  const top = Math.max(...values, 1e-9);
  const step = 100 / Math.max(values.length - 1, 1);
  const points = values.map((value, i) => `${(i * step).toFixed(1)} ${(30 - (28 * value) / top).toFixed(1)}`);
  const plot = element('svg', { class: 'plot', viewBox: '0 0 100 30', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  if (points.length > 1) {
    plot.append(element('path', { class: 'area', d: `M${points.join('L')}L100 30L0 30Z` }),
                element('path', { d: `M${points.join('L')}` }));
  }
  return plot;
}

/**
 * Draws visors on a circle and the transports between them.
 * @param {SVGElement} svg with a viewBox of 360 x 260
 * @param {{edges: string[], live: boolean, type: string, latencyMs: number}[]} transports
 * @param {string} own this tab's key
 * @param {Map<string, string>} names keys with a name of their own
 */
export function drawNetwork(svg, transports, own, names) {
  const visors = [...new Set(transports.flatMap((transport) => transport.edges))].sort();
  const place = new Map(visors.map((pk, i) => {
    const angle = (2 * Math.PI * i) / visors.length - Math.PI / 2;
    return [pk, { x: 180 + 118 * Math.cos(angle), y: 128 + 96 * Math.sin(angle) }];
  }));
  const lines = [], labels = [];
  const parallel = new Map();
  for (const transport of transports) {
    const pair = transport.edges.join();
    const lane = parallel.get(pair) ?? 0;
    parallel.set(pair, lane + 1);
    const [a, b] = transport.edges.map((pk) => place.get(pk));
    const shift = lane * 5;
    lines.push(element('line', { x1: a.x + shift, y1: a.y + shift, x2: b.x + shift, y2: b.y + shift, class: transport.live ? '' : 'gone' },
                       element('title', {}, `${transport.type} ${latency(transport.latencyMs)}`)));
    if (transport.live && transports.length <= 12) {
      const along = 0.5 + 0.14 * lane;
      labels.push(element('text', { class: 'edge', x: a.x + (b.x - a.x) * along + shift, y: a.y + (b.y - a.y) * along + shift },
                          `${transport.type} ${latency(transport.latencyMs)}`));
    }
  }
  const nodes = visors.map((pk) => {
    const { x, y } = place.get(pk);
    const name = pk === own ? 'this tab' : names.get(pk) ?? shortKey(pk);
    return element('g', { class: pk === own ? 'own' : '' }, element('circle', { cx: x, cy: y, r: 7 }),
                   element('text', { x, y: y < 128 ? y - 12 : y + 20 }, visors.length <= 16 ? name : ''),
                   element('title', {}, pk));
  });
  svg.replaceChildren(...lines, ...labels, ...nodes);
}
