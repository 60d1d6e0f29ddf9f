/** The network as a picture: visors, and the transports between them. */
import { svg } from './elements.js';
import { latency, shortKey } from './format.js';

const kWidth = 400, kHeight = 280, kMiddle = { x: kWidth / 2, y: kHeight / 2 };
const kMaxVisors = 150;    // more would be a ball of wool
const kMaxNames = 12;
const kHubDegree = 4;

/** Hubs on an inner circle, the others around them, each near the hub that it has. */
function placesOf(visors, neighbours) {
  const hubs = visors.filter((pk) => neighbours.get(pk).size >= kHubDegree);
  const inner = hubs.length && hubs.length < visors.length ? hubs : [];
  const angles = new Map();
  const places = new Map();
  const put = (list, rx, ry, turn) => list.forEach((pk, i) => {
    const angle = turn + (2 * Math.PI * i) / list.length;
    angles.set(pk, angle);
    places.set(pk, { x: kMiddle.x + rx * Math.cos(angle), y: kMiddle.y + ry * Math.sin(angle) });
  });
  if (inner.length === 1) places.set(inner[0], kMiddle);
  else put(inner, 60, 42, 0);
  const near = (pk) => angles.get([...neighbours.get(pk)].find((other) => angles.has(other))) ?? 0;
  const outer = visors.filter((pk) => !inner.includes(pk)).map((pk) => [pk, near(pk)])
    .sort((a, b) => a[1] - b[1] || a[0].localeCompare(b[0])).map(([pk]) => pk);
  put(outer, inner.length ? 165 : 130, inner.length ? 112 : 88, -Math.PI / 2);
  return places;
}

/**
 * Draws visors and the live transports between them.
 * @param {SVGElement} picture with the viewBox of kGraphBox
 * @param {{edges: string[], type: string, latencyMs: number}[]} transports live ones
 * @param {string} own this visor's key
 * @param {(pk: string) => string|null} nameOf
 */
export function drawNetwork(picture, transports, own, nameOf) {
  const neighbours = new Map();
  for (const { edges: [a, b] } of transports) {
    for (const [one, other] of [[a, b], [b, a]]) neighbours.set(one, (neighbours.get(one) ?? new Set()).add(other));
  }
  const degree = (pk) => neighbours.get(pk).size;
  const visors = [...neighbours.keys()].sort((a, b) => Number(b === own) - Number(a === own) || degree(b) - degree(a) || a.localeCompare(b)).slice(0, kMaxVisors);
  const places = placesOf(visors.slice().sort(), neighbours);
  const lanes = new Map();
  const lines = [], words = [];
  for (const { edges, type, latencyMs } of transports) {
    const [a, b] = edges.map((pk) => places.get(pk));
    if (!a || !b) continue;
    const pair = edges.join();
    const lane = lanes.get(pair) ?? 0;
    lanes.set(pair, lane + 1);
    const bend = lane * 22 * (lane % 2 ? 1 : -1);
    const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
    const middle = { x: (a.x + b.x) / 2 + (bend * (a.y - b.y)) / length, y: (a.y + b.y) / 2 + (bend * (b.x - a.x)) / length };
    const tells = `${type} ${latency(latencyMs)}`;
    lines.push(svg('path', { class: `link type-${known(type)}${edges.includes(own) ? ' own' : ''}`, d: `M${point(a)}Q${point({ x: 2 * middle.x - (a.x + b.x) / 2, y: 2 * middle.y - (a.y + b.y) / 2 })} ${point(b)}` },
                   svg('title', {}, tells)));
    if (transports.length <= kMaxNames) words.push(svg('text', { class: 'link-words', x: middle.x, y: middle.y }, tells));
  }
  const nodes = visors.map((pk) => {
    const { x, y } = places.get(pk);
    const name = nameOf(pk) ?? shortKey(pk);
    const named = visors.length <= kMaxNames || nameOf(pk);
    return svg('g', { class: pk === own ? 'own' : '' }, svg('circle', { cx: x, cy: y, r: pk === own ? 9 : Math.min(7, 4 + degree(pk)) }),
               named && svg('text', { x, y: y < kMiddle.y ? y - 14 : y + 22 }, name), svg('title', {}, pk));
  });
  picture.replaceChildren(...lines, ...words, ...nodes);
  return visors.length;
}

export const kGraphBox = `0 0 ${kWidth} ${kHeight}`;

const point = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** A colour of the page; other types have the quiet one. */
export function known(type) {
  return ['swsr', 'stcpr', 'dmsg', 'webrtc', 'sudph', 'stcp'].includes(type) ? type : 'other';
}
