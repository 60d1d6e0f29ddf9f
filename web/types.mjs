// node types.mjs VISOR.wasm OUT.d.ts: the types of every plugin's configuration and commands, as visor.d.ts uses them,
// from the rows of the module's plugins.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { boot } from './visor.js';

const isName = (text) => /^[A-Za-z_$][\w$]*$/.test(text);
const key = (text) => (isName(text) ? text : JSON.stringify(text));
const union = (types) => [...new Set(types)].join(' | ');
const comment = (text, indent) => (text ? `${indent}/** ${text.replaceAll('*/', '*\\/')} */\n` : '');

const plainTypes = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' };

function objectType(schema, indent) {
  const inner = `${indent}  `;
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) =>
    `${comment(member.description, inner)}${inner}${key(name)}${required.has(name) ? '' : '?'}: ${typeOf(member, inner)};\n`);
  const others = schema.additionalProperties ?? true;
  if (others !== false && members.length === 0) return `{ [name: string]: ${typeOf(others, indent)} }`;
  if (others !== false) members.push(`${inner}[name: string]: unknown;\n`);
  return members.length ? `{\n${members.join('')}${indent}}` : 'Record<string, never>';
}

/** The TypeScript type of the values that fit a schema, or a wider one where TypeScript has none. */
export function typeOf(schema, indent = '') {
  if (schema === true) return 'unknown';
  if (schema === false) return 'never';
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return union(choices.map((choice) => typeOf(choice, indent)));
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return schema.properties ? objectType(schema, indent) : 'unknown';
  return union(types.map((type) => {
    if (type === 'object') return objectType(schema, indent);
    if (type === 'array') return `readonly (${typeOf(schema.items ?? true, indent)})[]`;
    return plainTypes[type];
  }));
}

function commandsType(plugin) {
  const rows = plugin.commands.map((row) =>
    `${comment(row.summary, '    ')}    ${row.name}: { arguments: ${typeOf(row.arguments, '    ')}; value: any };\n`);
  return `{\n${rows.join('')}  }`;
}

async function main(wasm, out) {
  const visor = await boot({ wasm: pathToFileURL(path.resolve(wasm)), config: { plugins: [] }, worker: false });
  const { plugins, kernel } = await visor.call('kernel', 'plugins', { schemas: true });
  await visor.stop();
  const configurations = plugins.map((plugin) =>
    `${comment(plugin.summary, '  ')}  ${plugin.name}: ${typeOf(plugin.config, '  ')};\n`);
  const commands = [{ name: 'kernel', ...kernel }, ...plugins].map((plugin) => `  ${plugin.name}: ${commandsType(plugin)};\n`);
  fs.writeFileSync(out, `// Written by the build from the plugins' rows.

/** The configuration of each plugin. */
export interface Configurations {
${configurations.join('')}}

/** The commands of each plugin: what they take, and each value that they give. */
export interface Commands {
${commands.join('')}}
`);
}

const [wasm, out] = process.argv.slice(2);
if (!wasm || !out) {
  console.error('usage: types.mjs VISOR.wasm OUT.d.ts');
  process.exit(2);
}
await main(wasm, out);
