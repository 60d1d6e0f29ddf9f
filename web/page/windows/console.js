/** The console: any command of any instance of this visor, from the rows that describe them. */
import { LineError, argumentsOf, complete, parseLine, rowsOf, usageOf, wordsOf } from '../command-line.js';
import { settings } from '../desktop/settings.js';
import { h, onFrame } from '../elements.js';
import { jsonNode, resultNode } from '../results.js';

const kMaxEntries = 100, kMaxHistory = 200, kMaxValues = 500, kMaxChoices = 40;

const own = [
  { name: 'help', summary: 'what there is; help INSTANCE COMMAND tells more' },
  { name: 'clear', summary: 'empties the console' },
  { name: 'about', summary: 'this visor', line: 'kernel status' },
  { name: 'tp', summary: 'this visor\'s transports', line: 'transports list' },
  { name: 'net', summary: 'the network\'s visors, as the TPD shows them' },
  { name: 'raw', summary: 'METHOD PATH [BODY] of skywireVisor.hvApi' },
];

/** One entry of the console: the line, then what came of it. */
class Entry {
  #values = []; #asJson = false; #body = h('div', { class: 'result' }); #draw; #label; #note; #tools;

  constructor(line, stop) {
    this.#label = line;
    this.#note = h('span', { class: 'quiet' });
    this.#tools = h('div', { class: 'entry-tools' });
    this.stop = stop && h('button', { type: 'button', class: 'plain', on: { click: stop } }, 'Stop');
    this.element = h('li', { class: 'entry' }, h('div', { class: 'asked' }, h('code', {}, line), this.#note, this.#tools), this.#body);
    if (stop) this.#tools.append(this.stop);
    this.#draw = onFrame(() => this.#show());
  }

  /** Lists come whole each time, so the last one counts; other values stand one below the other. */
  add(value) {
    if (Array.isArray(value)) this.#values = [value];
    else this.#values.push(value);
    if (this.#values.length > kMaxValues) this.#values.shift();
    this.#draw();
  }

  note(text) { this.#note.textContent = text; }

  finish(gaveAny) {
    this.stop?.remove();
    if (!gaveAny) this.#body.replaceChildren(resultNode(undefined));
    const json = h('button', { type: 'button', class: 'plain', 'aria-pressed': 'false', on: { click: () => {
      this.#asJson = !this.#asJson;
      json.setAttribute('aria-pressed', String(this.#asJson));
      this.#show();
    } } }, 'JSON');
    if (this.#values.some((value) => typeof value === 'object')) this.#tools.append(json);
  }

  fail(error) {
    this.stop?.remove();
    this.element.append(h('p', { class: 'problem' }, error.code ? `${error.message} (${error.code})` : error.message));
  }

  /** Something of the console's own. */
  put(...nodes) { this.#body.append(...nodes); }

  #show() {
    const values = this.#values;
    const shown = this.#asJson ? values.map(jsonNode)
      : values.length > 1 && values.every((value) => typeof value === 'object') ? [resultNode(values, this.#label)]
        : values.map((value) => resultNode(value, this.#label));
    this.#body.replaceChildren(...shown);
  }
}

function helpNodes(instances, words) {
  const find = (name) => instances.find((instance) => instance.name === name);
  const list = (rows) => h('dl', { class: 'members' }, rows.map(([name, summary]) => [h('dt', {}, name), h('dd', {}, summary)]));
  if (!words.length) {
    return [h('p', {}, 'INSTANCE COMMAND [--key value]... calls a command. Tab completes, arrows go through what was typed, Ctrl+C stops.'),
            list([...own.map(({ name, summary }) => [name, summary]), ...instances.flatMap((instance) => rowsOf(instance).map((row) => [`${instance.name} ${row.name}`, row.summary]))])];
  }
  const instance = find(words[0]);
  if (!instance) throw new LineError(`no instance "${words[0]}" runs here`);
  if (!words[1]) return [list(rowsOf(instance).map((row) => [`${instance.name} ${row.name}`, row.summary]))];
  const row = instance.commands.find(({ name }) => name === words[1]);
  if (!row) throw new LineError(`${words[0]} has no command "${words[1]}"`);
  const given = argumentsOf(row);
  return [h('p', {}, row.summary, row.streams ? '; its values come until it is stopped' : ''), h('pre', {}, usageOf(instance.name, row)),
          given.length > 0 && list(given.map(({ option, required, words: text }) => [option, required ? `required; ${text}` : text]))].filter(Boolean);
}

export const consoleWindow = {
  id: 'console', title: 'Console', icon: 'console', size: { width: 820, height: 520 },
  shownWhen: () => true,
  open(session) {
    const running = new Set(); // AbortControllers
    const lines = settings.get('console', []).filter((line) => typeof line === 'string').slice(-kMaxHistory);
    let at = lines.length, draft = '';
    let choices = [], chosen = -1, from = 0;

    const output = h('ol', { class: 'entries' });
    const pane = h('div', { class: 'console-pane', role: 'log', 'aria-label': 'Results', tabindex: '0' }, output);
    const list = h('ul', { class: 'choices', id: 'console-choices', role: 'listbox', 'aria-label': 'Completions', hidden: true });
    const hint = h('p', { class: 'hint quiet', id: 'console-hint' });
    const input = h('input', { type: 'text', class: 'command', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', 'aria-label': 'Command line',
                               role: 'combobox', 'aria-expanded': 'false', 'aria-controls': list.id, 'aria-autocomplete': 'list', 'aria-describedby': hint.id,
                               placeholder: 'help' });
    const element = h('div', { class: 'console' }, pane, h('div', { class: 'line-row' }, list, h('span', { class: 'prompt', 'aria-hidden': 'true' }, '›'), input), hint);

    const ownLine = (line) => own.find(({ name, line: alias }) => alias && wordsOf(line)[0]?.text === name);
    const toEnd = () => { pane.scrollTop = pane.scrollHeight; };

    function begin(line, stop) {
      const entry = new Entry(line, stop);
      output.append(entry.element);
      while (output.childElementCount > kMaxEntries) output.firstChild.remove();
      return entry;
    }

    async function execute(entry, line, signal) {
      const words = wordsOf(line).map(({ text }) => text);
      if (words[0] === 'help') return entry.put(...helpNodes(session.instances, words.slice(1)));
      if (words[0] === 'net') return netValue(entry);
      if (words[0] === 'raw') return rawValue(entry, words.slice(1));
      if (!session.visor) throw new LineError('the visor does not run yet');
      const { instance, row, args } = parseLine(ownLine(line)?.line ?? line, session.instances);
      let count = 0;
      for await (const value of session.visor.stream(instance, row.name, args, { signal })) {
        entry.add(value);
        count += 1;
        if (row.streams) entry.note(`${count} so far`);
        if (follows) requestAnimationFrame(toEnd);
      }
      entry.note('');
      return entry.finish(count > 0);
    }

    function netValue(entry) {
      entry.add((session.tpd?.visors ?? []).map(({ pk, transports, latencyMs, bytes }) => ({ visor: session.nameOf(pk) ?? '', pk, transports, latency_ms: latencyMs, bytes_today: bytes })));
      entry.finish(true);
    }

    async function rawValue(entry, [method = 'GET', path = '/api/about', body]) {
      const { status, body: bytes } = await window.skywireVisor.hvApi(method, path, body);
      const text = new TextDecoder().decode(bytes);
      entry.note(String(status));
      entry.add(text ? JSON.parse(text) : null);
      entry.finish(true);
    }

    let follows = true;
    pane.addEventListener('scroll', () => { follows = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 8; });

    async function run(line) {
      if (line === 'clear') { output.replaceChildren(); return; }
      const abort = new AbortController();
      const entry = begin(line, () => abort.abort());
      running.add(abort);
      follows = true;
      try {
        await execute(entry, line, abort.signal);
        entry.stop.remove();
      } catch (error) {
        if (error.code === 'ECANCELED') { entry.note('stopped'); entry.finish(true); } else entry.fail(error);
      } finally {
        running.delete(abort);
        requestAnimationFrame(() => requestAnimationFrame(toEnd));
      }
    }

    function submit() {
      const line = input.value.trim();
      close();
      if (!line) return;
      if (lines.at(-1) !== line) lines.push(line);
      settings.set('console', lines.slice(-kMaxHistory));
      at = lines.length;
      input.value = '';
      showHint();
      run(line);
    }

    // --- completions

    function close() {
      choices = [];
      chosen = -1;
      list.hidden = true;
      input.setAttribute('aria-expanded', 'false');
      input.removeAttribute('aria-activedescendant');
    }

    function offer() {
      const found = complete(input.value.slice(0, input.selectionStart), session.instances, own);
      from = found.from;
      choices = found.choices.slice(0, kMaxChoices);
      chosen = -1;
      if (!choices.length || !input.value) { close(); return; }
      list.replaceChildren(...choices.map(({ text, summary }, i) => h('li', { role: 'option', id: `console-choice-${i}`, 'aria-selected': 'false', on: { pointerdown: (event) => { event.preventDefault(); take(i); } } },
                                                                     h('code', {}, text), h('span', { class: 'quiet' }, summary))));
      list.hidden = false;
      input.setAttribute('aria-expanded', 'true');
    }

    function choose(i) {
      chosen = (i + choices.length) % choices.length;
      [...list.children].forEach((item, j) => item.setAttribute('aria-selected', String(j === chosen)));
      list.children[chosen].scrollIntoView({ block: 'nearest' });
      input.setAttribute('aria-activedescendant', `console-choice-${chosen}`);
    }

    function take(i) {
      const rest = input.value.slice(input.selectionStart);
      const taken = `${input.value.slice(0, from)}${choices[i].text} `;
      input.value = taken + rest.trimStart();
      input.setSelectionRange(taken.length, taken.length);
      offer();
      showHint();
    }

    /** As far as all choices agree, or the one that is left. */
    function tab() {
      if (chosen >= 0 || choices.length === 1) { take(Math.max(chosen, 0)); return; }
      const common = choices.map(({ text }) => text).reduce((a, b) => { let n = 0; while (n < a.length && a[n] === b[n]) n += 1; return a.slice(0, n); });
      const typed = input.value.slice(from, input.selectionStart);
      if (common.length > typed.length) {
        input.setRangeText(common, from, input.selectionStart, 'end');
        offer();
      } else {
        choose(0);
      }
    }

    function showHint() {
      const words = wordsOf(input.value).map(({ text }) => text);
      const instance = session.instances.find(({ name }) => name === words[0]);
      const row = instance?.commands.find(({ name }) => name === words[1]);
      hint.textContent = row ? `${usageOf(instance.name, row)} — ${row.summary}` : '';
      hint.hidden = !row;
    }

    function recall(way) {
      if (at === lines.length) draft = input.value;
      at = Math.max(0, Math.min(lines.length, at + way));
      input.value = at === lines.length ? draft : lines[at];
      showHint();
    }

    const keys = {
      Enter: () => { if (chosen >= 0) take(chosen); else submit(); },
      Tab: (event) => { if (event.shiftKey || !choices.length) return false; tab(); },
      ArrowDown: () => { if (choices.length) choose(chosen + 1); else recall(1); },
      ArrowUp: () => { if (choices.length && chosen >= 0) choose(chosen < 1 ? choices.length - 1 : chosen - 1); else { close(); recall(-1); } },
      Escape: () => { if (!choices.length) return false; close(); },
      c: (event) => {
        if (!event.ctrlKey || input.selectionStart !== input.selectionEnd || !running.size) return false;
        [...running].at(-1).abort();
      },
      l: (event) => { if (!event.ctrlKey) return false; output.replaceChildren(); },
    };
    input.addEventListener('keydown', (event) => { if (keys[event.key] && keys[event.key](event) !== false) event.preventDefault(); });
    input.addEventListener('input', () => { offer(); showHint(); });
    input.addEventListener('blur', close);
    element.addEventListener('click', ({ target }) => { if (target === pane && !String(getSelection())) input.focus(); });
    begin('help').put(h('p', { class: 'quiet' }, 'Type an instance and a command, for example "transports list"; Tab completes; "help" shows everything.'));
    showHint();
    return { element, focus: () => input.focus(), close() { for (const abort of running) abort.abort(); } };
  },
};
