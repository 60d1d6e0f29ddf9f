/** Values of commands as people read them: tables where rows are alike, names and values otherwise; JSON on demand. */
import { h } from './elements.js';
import { shortKey } from './format.js';

const kMaxRows = 200, kMaxColumns = 40, kMaxDepth = 4;

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isFlat = (value) => typeof value !== 'object' || value === null || (Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null));

function textOf(value) {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.length ? value.map(textOf).join(', ') : '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

/** A cell: keys with their two ends, so that a row fits; the whole is a touch away, and in the JSON. */
function cellOf(value, numeric) {
  const whole = textOf(value);
  const text = whole.replace(/\b0[23][0-9a-f]{64}\b/g, shortKey);
  return h('td', { class: numeric ? 'number' : null, title: text === whole ? null : whole }, text);
}

function tableOf(rows, label) {
  const columns = [...new Set(rows.slice(0, kMaxRows).flatMap(Object.keys))].slice(0, kMaxColumns);
  const numeric = columns.map((name) => rows.every((row) => row[name] === undefined || typeof row[name] === 'number'));
  const body = rows.slice(0, kMaxRows).map((row) => h('tr', {}, columns.map((name, i) => cellOf(name in row ? row[name] : '', numeric[i]))));
  const more = rows.length > kMaxRows && h('p', { class: 'quiet' }, `${rows.length - kMaxRows} rows more are in the JSON.`);
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
           h('table', {}, h('thead', {}, h('tr', {}, columns.map((name, i) => h('th', { scope: 'col', class: numeric[i] ? 'number' : null }, name)))), h('tbody', {}, body)), more);
}

function node(value, label, depth) {
  if (Array.isArray(value) && value.length && value.every(isObject)) return tableOf(value, label);
  if (!isObject(value) || depth >= kMaxDepth) return h('span', {}, textOf(value));
  const members = Object.entries(value);
  if (!members.length) return h('span', { class: 'quiet' }, 'nothing');
  return h('dl', { class: 'members' }, members.map(([name, member]) => {
    const inner = isFlat(member) ? h('dd', {}, textOf(member)) : h('dd', { class: 'nested' }, node(member, name, depth + 1));
    return [h('dt', {}, name), inner];
  }));
}

/**
 * @param {any} value what a command gave
 * @param {string} label of tables in it, for screen readers
 * @returns {Element}
 */
export function resultNode(value, label) {
  if (value === undefined) return h('p', { class: 'quiet' }, 'Done; it gave no value.');
  if (isFlat(value)) return h('p', {}, Array.isArray(value) && !value.length ? 'An empty list.' : textOf(value));
  return node(value, label, 0);
}

/** The same as JSON, for programs and for doubts. */
export function jsonNode(value) {
  return h('pre', { tabindex: '0', 'aria-label': 'JSON' }, JSON.stringify(value, null, 2) ?? 'undefined');
}
