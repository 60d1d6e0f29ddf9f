/** Where windows may be.  Rectangles are {x, y, width, height} in pixels from the desktop's corner, below the task bar. */

export const kLeast = { width: 280, height: 160 };
const kMargin = 24;
const kCascade = 36;

const clamp = (value, least, most) => Math.max(least, Math.min(value, Math.max(least, most)));

/** A rectangle inside of the desktop, as near as can be to the one that is wanted. */
export function fit({ x, y, width, height }, area) {
  const w = clamp(width, Math.min(kLeast.width, area.width), area.width);
  const h = clamp(height, Math.min(kLeast.height, area.height), area.height);
  return { x: clamp(x, 0, area.width - w), y: clamp(y, 0, area.height - h), width: w, height: h };
}

/**
 * A rectangle of which some sides have moved; a side stops where the window would get too small or leave the desktop.
 * @param {object} rect before
 * @param {string} sides of "n", "e", "s", "w"
 */
export function resize(rect, sides, dx, dy, area) {
  const right = rect.x + rect.width, bottom = rect.y + rect.height;
  const x = sides.includes('w') ? clamp(rect.x + dx, 0, right - kLeast.width) : rect.x;
  const y = sides.includes('n') ? clamp(rect.y + dy, 0, bottom - kLeast.height) : rect.y;
  const far = sides.includes('e') ? clamp(right + dx, x + kLeast.width, area.width) : right;
  const low = sides.includes('s') ? clamp(bottom + dy, y + kLeast.height, area.height) : bottom;
  return { x, y, width: far - x, height: low - y };
}

/** Where a window opens that was never moved: each a little below the one before. */
export function cascade(size, index, area) {
  const width = Math.min(size.width, area.width - 2 * kMargin), height = Math.min(size.height, area.height - 2 * kMargin);
  const x = (area.width - width) / 2, y = (area.height - height) / 2;
  const shift = index * kCascade;
  return fit({ x: Math.round(index ? kMargin + shift * 2 : x), y: Math.round(index ? kMargin + shift : Math.min(y, kMargin)), width, height }, area);
}

/** @returns {object|null} what was stored, if it is a rectangle */
export function readRect(value) {
  const names = ['x', 'y', 'width', 'height'];
  return value && names.every((name) => Number.isFinite(value[name])) ? Object.fromEntries(names.map((name) => [name, value[name]])) : null;
}
