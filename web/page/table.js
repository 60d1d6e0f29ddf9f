/** A table whose rows come again and again: cells change, rows that stay keep their element, and with it focus and selection. */
import { h } from './elements.js';

export class Table {
  #columns; #id; #emptyWords; #body; #rows = new Map(); #sort = null; #onSort;

  /**
   * @param {string} caption what it is, for who cannot see the heading above it
   * @param {object[]} columns {title, text?: (row) => string, node?: (row, known?: Element) => Element, title?, number?: boolean,
   *   sort?: string, ascending?: boolean}: `sort` makes its head a button with that name, `ascending` says which way that sorts
   * @param {{id: (row) => string, empty: string, sort?: string, onSort?: (name: string) => void, rowClass?: (row) => string}} options
   */
  constructor(caption, columns, { id, empty, sort = null, onSort = () => {}, rowClass = () => '' }) {
    this.#columns = columns;
    this.#id = id;
    this.#emptyWords = empty;
    this.#sort = sort;
    this.#onSort = onSort;
    this.rowClass = rowClass;
    this.#body = h('tbody');
    this.heads = columns.map((column) => this.#head(column));
    this.element = h('table', { 'aria-label': caption }, h('thead', {}, h('tr', {}, this.heads)), this.#body);
    this.show([]);
  }

  /** @param {object[]} rows in their order @param {string} [emptyWords] why there are none */
  show(rows, emptyWords = this.#emptyWords) {
    if (!rows.length) {
      this.#rows.clear();
      this.#body.replaceChildren(h('tr', { class: 'empty' }, h('td', { colspan: this.#columns.length }, emptyWords)));
      return;
    }
    const shown = rows.map((row) => {
      const id = this.#id(row);
      const known = this.#rows.get(id) ?? this.#make();
      this.#rows.set(id, known);
      this.#fill(known, row);
      return known.tr;
    });
    const wanted = new Set(shown);
    for (const [id, { tr }] of this.#rows) if (!wanted.has(tr)) this.#rows.delete(id);
    if (shown.length !== this.#body.children.length || shown.some((tr, i) => this.#body.children[i] !== tr)) this.#body.replaceChildren(...shown);
  }

  #head(column) {
    const attributes = { scope: 'col', class: column.number ? 'number' : null };
    if (!column.sort) return h('th', attributes, column.title);
    const sorted = () => (this.#sort === column.sort ? column.ascending ? 'ascending' : 'descending' : null);
    const head = h('th', { ...attributes, 'aria-sort': sorted() }, h('button', { type: 'button', on: { click: () => {
      this.#sort = column.sort;
      this.heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', sorted());
      this.#onSort(column.sort);
    } } }, column.title));
    return head;
  }

  #make() {
    const cells = this.#columns.map(({ title, number }) => h('td', { data: { label: title }, class: number ? 'number' : null }));
    return { tr: h('tr', {}, cells), cells };
  }

  #fill({ tr, cells }, row) {
    const name = this.rowClass(row);
    if (tr.className !== name) tr.className = name;
    this.#columns.forEach((column, i) => {
      const cell = cells[i];
      if (column.node) {
        const node = column.node(row, cell.firstElementChild ?? undefined);
        if (node !== cell.firstElementChild) cell.replaceChildren(node);
      } else {
        const text = column.text(row);
        if (cell.textContent !== text) cell.textContent = text;
      }
    });
  }
}

/** A key: its two ends to read, the whole to copy, or its name. */
export function keyNode(pk, name, short, known) {
  const code = known ?? h('code', { class: 'key' });
  const text = name ?? short;
  if (code.textContent !== text) code.textContent = text;
  code.classList.toggle('named', Boolean(name));
  if (code.title !== pk) code.title = pk;
  return code;
}
