/** Numbers and keys as people read them. */

/** @param {number} count bytes @returns {string} "1.4 MB" (powers of 1000) */
export function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) { count /= 1000; unit += 1; }
  return `${unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

/** @param {number} ms milliseconds; 0 or less: not measured @returns {string} "0.42 ms" */
export function latency(ms) {
  if (!(ms > 0)) return '–';
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** @param {number} ms milliseconds @returns {string} "0.8 s" */
export function seconds(ms) { return `${(ms / 1000).toFixed(1)} s`; }

/** @param {string} pk 66 hex digits @returns {string} its two ends, enough to tell keys apart */
export function shortKey(pk) { return `${pk.slice(0, 8)}…${pk.slice(-4)}`; }
