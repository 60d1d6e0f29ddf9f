/** Elements from code.  Text is always text: nothing that a peer, a log or a file says is ever read as HTML. */

const kSvg = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === 'data') Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * @param {string} tag
 * @param {object} [attributes] by name; `on` has listeners by event, `data` the data- attributes; false, null: left out
 * @param {...(Node|string|null|Array)} children null and false are left out
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(kSvg, tag), attributes, children);
}

/** Strokes on a 24 x 24 grid. */
const icons = {
  visor: ['M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z', 'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z'],
  dashboard: ['M4 4h7v9H4Z', 'M13 4h7v5h-7Z', 'M13 11h7v9h-7Z', 'M4 15h7v5H4Z'],
  services: ['M4 5h7v6H4Z', 'M14 6.5h6', 'M14 9.5h4', 'M4 14h7v6H4Z', 'M14 15.5h6', 'M14 18.5h4'],
  logs: ['M5 6h14', 'M5 10.5h9', 'M5 15h14', 'M5 19.5h7'],
  console: ['M4 5h16v14H4Z', 'm8 10 2.5 2.5L8 15', 'M13 15h4'],
  identity: ['M14.5 3.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12Z', 'm10.2 13.8-6.7 6.7', 'm6.5 17.5 2.5 2.5'],
  chat: ['M4 5h16v11H11l-4.5 4v-4H4Z', 'M8 9h8', 'M8 12h5'],
  group: ['M9 5.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z', 'M3.5 19a5.5 5.5 0 0 1 11 0', 'M15.5 6.2a3 3 0 0 1 0 4.8', 'M17 14.2a5.5 5.5 0 0 1 3.5 4.8'],
  back: ['M15 5l-7 7 7 7'],
  plus: ['M12 5v14', 'M5 12h14'],
  bug: ['M8 9h8v6a4 4 0 0 1-8 0Z', 'M9.5 9a2.5 2.5 0 0 1 5 0', 'M4 12h4', 'M16 12h4', 'M5 19l3-2', 'M19 19l-3-2', 'M6 6l2.5 3', 'M18 6l-2.5 3'],
  info: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z', 'M12 11v5', 'M12 8v.01'],
  send: ['M4 12 20 4l-4 16-4.5-6.5Z', 'M11.5 13.5 20 4'],
  close: ['m6 6 12 12', 'M18 6 6 18'],
  minimize: ['M6 17h12'],
  maximize: ['M6 6h12v12H6Z'],
  grip: ['M9 5v.01', 'M9 12v.01', 'M9 19v.01', 'M15 5v.01', 'M15 12v.01', 'M15 19v.01'],
};

/** A picture beside words that say the same. */
export function icon(name) {
  return svg('svg', { class: `icon icon-${name}`, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
             ...icons[name].map((d) => svg('path', { d })));
}

/**
 * The children of `list` become those of `rows`, in their order; a row that stays keeps its element, and with it focus and
 * selection.
 * @param {Element} list
 * @param {any[]} rows
 * @param {(row) => string} id
 * @param {(row) => Element} make
 * @param {(element: Element, row) => void} fill
 */
export function showRows(list, rows, id, make, fill) {
  const known = new Map([...list.children].map((child) => [child.dataset.row, child]));
  let at = list.firstElementChild;
  for (const row of rows) {
    const name = id(row);
    let element = known.get(name);
    if (element) known.delete(name);
    else (element = make(row)).dataset.row = name;
    if (element === at) at = at.nextElementSibling;
    else list.insertBefore(element, at);
    fill(element, row);
  }
  for (const gone of known.values()) gone.remove();
}

/** Changes nothing where nothing is another: selections and screen readers stay where they are. */
export function setText(element, text) { if (element.textContent !== text) element.textContent = text; }

/** Runs `job` once before the next frame, however often it is asked to; not at all while the page is hidden. */
export function onFrame(job) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; job(); });
  };
}
