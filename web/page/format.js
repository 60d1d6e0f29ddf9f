/** Numbers, times and keys as people read them. */

/** @param {number} count bytes @returns {string} "1.4 MB" (powers of 1000) */
export function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) { count /= 1000; unit += 1; }
  return `${unit === 0 || count >= 99.95 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}

/** @param {number} perSecond bytes a second @returns {string} "1.4 kB/s" */
export function rate(perSecond) { return `${bytes(perSecond)}/s`; }

/** @param {number} ms milliseconds; 0 or less: not measured @returns {string} "0.42 ms" */
export function latency(ms) {
  if (!(ms > 0 && ms < Infinity)) return '–';
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** @param {number} ms milliseconds @returns {string} "0.8 s" */
export function seconds(ms) { return `${(ms / 1000).toFixed(1)} s`; }

/** @param {number} ms how long @returns {string} "12 s", "4 min", "3 h 20 min", "2 d 4 h" */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** @param {number} unixMs @returns {string} "09:04:05.123", local time */
export function clock(unixMs) {
  const time = new Date(unixMs);
  const two = (value) => String(value).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** @param {number} value @param {string} one @param {string} [many] @returns {string} "1 visor", "3 visors" */
export function count(value, one, many = `${one}s`) { return `${value.toLocaleString('en')} ${value === 1 ? one : many}`; }

/** @param {string} pk 66 hex digits @returns {string} its two ends, enough to tell keys apart */
export function shortKey(pk) { return `${pk.slice(0, 8)}…${pk.slice(-4)}`; }
