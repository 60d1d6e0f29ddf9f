/** Lines of the console: words, arguments by the rows' schemas, completions.  As `visor INSTANCE COMMAND [--key value]...` has them. */

/** A mistake in a line, in a sentence. */
export class LineError extends Error {}

/** The words of a line: {text, from, to}; quotes ' and ", backslashes outside of '. */
export function wordsOf(line) {
  const words = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at])) { at += 1; continue; }
    const from = at;
    let text = '', quote = '';
    for (; at < line.length && (quote || !/\s/.test(line[at])); ++at) {
      const character = line[at];
      if (character === '\\' && quote !== "'" && at + 1 < line.length) text += line[++at];
      else if (quote ? character === quote : character === '"' || character === "'") quote = quote ? '' : character;
      else text += character;
    }
    words.push({ text, from, to: at, open: quote !== '' });
  }
  return words;
}

/** How many letters lie between two words. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; ++i) {
    const next = [i];
    for (let j = 1; j <= b.length; ++j) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
    row = next;
  }
  return row[b.length];
}

/** "; did you mean X?", if one of the names is near. */
export function meant(word, names) {
  const near = names.map((name) => [distance(word, name), name]).sort((a, b) => a[0] - b[0])[0];
  return near && near[0] <= Math.max(2, Math.floor(word.length / 3)) ? `; did you mean "${near[1]}"?` : '';
}

const optionOf = (name) => `--${name.replaceAll('_', '-')}`;
const propertiesOf = (row) => row.arguments?.properties ?? {};
const typesOf = (schema) => [schema.type ?? (schema.enum ? 'string' : [])].flat();

/** The commands of an instance that people see. */
export function rowsOf(instance) {
  return instance.commands.filter(({ hidden }) => !hidden);
}

function findRow(instances, words) {
  const [first, second] = words;
  const instance = instances.find(({ name }) => name === first.text);
  if (!instance) throw new LineError(`no instance "${first.text}" runs here${meant(first.text, [...instances.map(({ name }) => name), 'help', 'clear'])}`);
  const names = instance.commands.map(({ name }) => name);
  if (!second) throw new LineError(`${first.text} has the commands ${rowsOf(instance).map(({ name }) => name).join(', ') || 'none'}`);
  const row = instance.commands.find(({ name }) => name === second.text);
  if (!row) throw new LineError(`${first.text} has no command "${second.text}"${meant(second.text, names)}`);
  return { instance, row };
}

function valueOf(name, schema, text) {
  const types = typesOf(schema);
  const number = Number(text);
  if ((types.includes('integer') || types.includes('number')) && text.trim() !== '' && Number.isFinite(number)) return number;
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (types.includes('null') && text === 'null') return null;
  if (types.includes('string')) return text;
  if (types.length === 0 || types.includes('object')) {
    try {
      return JSON.parse(text);
    } catch {
      if (types.length === 0) return text;
    }
  }
  throw new LineError(`${name}: expected ${types.join(' or ')}, got "${text}"`);
}

function readOption(word, row) {
  const [written, ...rest] = word.text.slice(2).split('=');
  const name = written.replaceAll('-', '_');
  const properties = propertiesOf(row);
  if (name in properties) return { name, schema: properties[name], value: rest.length ? rest.join('=') : undefined };
  const negated = name.replace(/^no_/, '');
  if (negated !== name && typesOf(properties[negated] ?? {}).includes('boolean')) return { name: negated, schema: properties[negated], value: 'false' };
  if (name === 'args') return { name, schema: null, value: rest.length ? rest.join('=') : undefined };
  const known = Object.keys(properties).map(optionOf);
  throw new LineError(`there is no option --${written}${known.length ? meant(`--${written}`, known) || `; there are ${known.join(', ')}` : '; it takes no arguments'}`);
}

/**
 * @param {string} line
 * @param {{name: string, commands: object[]}[]} instances as Session has them
 * @returns {{instance: string, row: object, args: object}} throws a LineError
 */
export function parseLine(line, instances) {
  const words = wordsOf(line);
  if (words.at(-1)?.open) throw new LineError('a quotation mark is not closed');
  const { instance, row } = findRow(instances, words);
  const args = {};
  for (let i = 2; i < words.length; ++i) {
    if (!words[i].text.startsWith('--')) throw new LineError(`expected --key value, got "${words[i].text}"`);
    const { name, schema, value: written } = readOption(words[i], row);
    let value = written;
    const flag = schema && typesOf(schema).includes('boolean');
    if (value === undefined) {
      const next = words[i + 1];
      const taken = next && (flag ? /^(true|false)$/.test(next.text) : true);
      if (!taken && !flag) throw new LineError(`${optionOf(name)} needs a value`);
      value = taken ? words[++i].text : 'true';
    }
    if (!schema) Object.assign(args, argumentsObject(value));
    else if (typesOf(schema).includes('array')) (args[name] ??= []).push(valueOf(name, schema.items ?? {}, value));
    else if (name in args) throw new LineError(`"${name}" is given twice`);
    else args[name] = valueOf(name, schema, value);
  }
  return { instance: instance.name, row, args };
}

function argumentsObject(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch { /* told below */ }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new LineError(`--args: expected a JSON object, got ${text}`);
  return value;
}

/**
 * What could stand where the cursor is.
 * @param {string} line up to the cursor
 * @param {object[]} instances
 * @param {{name: string, summary: string}[]} others words of the console's own
 * @returns {{from: number, choices: {text: string, summary: string}[]}} each replaces the line from `from` on
 */
export function complete(line, instances, others) {
  const words = wordsOf(line);
  const inWord = words.length > 0 && words.at(-1).to === line.length && !/\s$/.test(line);
  const word = inWord ? words.pop() : { text: '', from: line.length };
  const starting = (choices) => ({ from: word.from, choices: choices.filter(({ text }) => text.startsWith(word.text) && text !== word.text) });
  if (words.length === 0) {
    return starting([...instances.map(({ name, plugin }) => ({ text: name, summary: plugin === name ? 'instance' : `instance of ${plugin}` })),
                     ...others.map(({ name, summary }) => ({ text: name, summary }))]);
  }
  const help = words[0].text === 'help';
  const path = help ? words.slice(1) : words;
  if (path.length === 0) return starting(instances.map(({ name }) => ({ text: name, summary: 'instance' })));
  const instance = instances.find(({ name }) => name === path[0].text);
  if (!instance) return starting([]);
  if (path.length === 1) return starting(rowsOf(instance).map(({ name, summary }) => ({ text: name, summary })));
  const row = instance.commands.find(({ name }) => name === path[1].text);
  if (!row || help) return starting([]);
  const properties = propertiesOf(row);
  const before = words.at(-1).text;
  const asked = before.startsWith('--') && !before.includes('=') ? properties[before.slice(2).replaceAll('-', '_')] : null;
  if (asked && !typesOf(asked).includes('boolean')) return starting((asked.enum ?? asked.items?.enum ?? []).map((value) => ({ text: String(value), summary: '' })));
  const given = new Set(words.map(({ text }) => text));
  return starting(Object.entries(properties).filter(([name, schema]) => !given.has(optionOf(name)) || typesOf(schema).includes('array'))
    .map(([name, schema]) => ({ text: optionOf(name), summary: schema.description ?? schema.enum?.join(', ') ?? typesOf(schema).join(' or ') })));
}

/** "instance command --key TYPE [--key TYPE]": what a command takes. */
export function usageOf(instance, row) {
  const required = new Set(row.arguments?.required ?? []);
  const options = Object.entries(propertiesOf(row)).map(([name, schema]) => {
    const value = schema.enum ? schema.enum.join('|') : typesOf(schema).join('|').toUpperCase();
    const text = typesOf(schema).includes('boolean') ? optionOf(name) : `${optionOf(name)} ${value}`;
    return required.has(name) ? text : `[${text}]`;
  });
  return [instance, row.name, ...options].join(' ');
}

/** Each argument of a command: {option, required, words}. */
export function argumentsOf(row) {
  const required = new Set(row.arguments?.required ?? []);
  return Object.entries(propertiesOf(row)).map(([name, schema]) => ({
    option: optionOf(name), required: required.has(name),
    words: [schema.description, schema.enum && `one of ${schema.enum.join(', ')}`, schema.minimum !== undefined && schema.maximum !== undefined && `${schema.minimum} to ${schema.maximum}`,
            schema.default !== undefined && `${JSON.stringify(schema.default)} if not said`].filter(Boolean).join('; '),
  }));
}
