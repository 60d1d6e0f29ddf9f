/** A picture of a text that a phone's camera reads. */
import { svg } from '../elements.js';

const kQuiet = 4; // modules of white around it, as readers want them

/** @param {string} text @param {string} label what it is @returns {Promise<Element>} rejects when it is too long for a code */
export async function qrPicture(text, label) {
  const { default: qrcode } = await import('../vendor/qrcode.js');
  const code = qrcode(0, 'L'); // the least version that holds it
  code.addData(text, 'Byte');
  code.make();
  const size = code.getModuleCount();
  const rows = Array.from({ length: size }, (_, y) => Array.from({ length: size }, (_, x) => (code.isDark(y, x) ? `M${x} ${y}h1v1h-1z` : '')).join(''));
  const side = size + 2 * kQuiet;
  return svg('svg', { class: 'qr', viewBox: `${-kQuiet} ${-kQuiet} ${side} ${side}`, role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges' },
             svg('rect', { x: -kQuiet, y: -kQuiet, width: side, height: side, fill: '#fff' }), svg('path', { d: rows.join(''), fill: '#000' }));
}
