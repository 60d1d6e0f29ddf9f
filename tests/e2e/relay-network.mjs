// A relay network of real processes: a discovery, servers, clients, each a `visor run` of its own.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Program, atEnd, json, temporaryFolder, until, visorProgram } from './support.mjs';

export const kFirstMs = 1000;   // until everybody has a group's first message; five times that where sanitizers and other tests take their part
export const kWithinMs = 30000; // a limit for machines that are busy, never a wait

/** One process; its configuration is kept, so that it can be killed and started again with the same key and address. */
export class Visor {
  constructor(t, name, plugins) {
    this.t = t;
    this.name = name;
    this.folder = temporaryFolder(t);
    writeFileSync(path.join(this.folder, 'visor.key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    this.plugins = plugins;
  }

  async start() {
    const config = path.join(this.folder, 'visor.json');
    writeFileSync(config, JSON.stringify({
      identity: { file: path.join(this.folder, 'visor.key') },
      plugins: [{ plugin: 'gateway', config: { listen: this.listen ?? 'tcp://127.0.0.1:0' } }, ...this.plugins],
    }));
    this.program = new Program(this.t, visorProgram, ['run', '--config', config]);
    const [, gateway] = await this.program.line(/(http:\/\/127\.0\.0\.1:\d+)/);
    this.gateway = gateway;
    this.listen = gateway.replace('http', 'tcp');
    this.pk = (await json(`${gateway}/api/kernel/status`)).key;
    return this;
  }

  kill() { return this.program.stop('SIGKILL'); }
  status() { return json(`${this.gateway}/api/${this.plugins.at(-1).plugin}/status`); }

  /** Values of a command as they come, until the caller has enough; throws what the command fails with. */
  async *stream(instance, command, args, signal) {
    const response = await fetch(`${this.gateway}/api/${instance}/${command}`, { method: 'POST', body: JSON.stringify(args), signal });
    if (!response.ok) throw new Error(`${command} answered ${response.status}: ${await response.text()}`);
    let rest = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const value = JSON.parse(line);
        if (value.error && !value.event) throw new Error(value.error.message);
        yield value;
      }
    }
  }

  /** Says a text to a port and waits until it comes back; how many milliseconds that took. */
  async echo(pk, port, text, limitMs = 10000) {
    const began = performance.now();
    const abort = new AbortController();
    const late = setTimeout(() => abort.abort(new Error(`no echo of ${text} within ${limitMs} ms`)), limitMs);
    try {
      for await (const value of this.stream('dmsg', 'dial', { pk, port, text }, abort.signal)) {
        if (value.event === 'data' && value.text === text) return performance.now() - began;
      }
      throw new Error(`the stream ended before ${text} came back`);
    } finally {
      clearTimeout(late);
      abort.abort();
    }
  }

  /** Echoes on a port until the test ends or the process does. */
  async serveEcho(port) {
    const abort = new AbortController();
    atEnd(this.t, () => abort.abort());
    const values = this.stream('dmsg', 'listen', { port, echo: true }, abort.signal);
    await values.next();
    (async () => { for await (const value of values) this.heard = value; })().catch(() => {});
  }

  /** Waits until it is connected and its entry says so. */
  async ready(servers = 1) {
    await until(() => this.status(), (status) => status.servers.length >= servers && (status.discovery?.registered ?? true), 15000, `${this.name} ready`);
    return this;
  }
}

/** A visor with a chat, whose history is on a disk. */
export class Member extends Visor {
  /** @param {object} dmsg how it finds others @param {object} chat what its chat does otherwise than by default */
  constructor(t, name, dmsg, chat = {}) {
    super(t, name, []);
    this.plugins = [{ plugin: 'storage_leveldb', as: 'disk', config: { path: path.join(this.folder, 'data') } }, { plugin: 'fetch' },
      { plugin: 'dmsg', config: dmsg }, { plugin: 'feeds', config: { drive: 'disk' } }, { plugin: 'chat', config: { drive: 'disk', ...chat } }];
  }
  /** Until its chat runs: the gateway answers before the last plugin has started. */
  async start() {
    await super.start();
    await until(() => fetch(`${this.gateway}/api/chat/status`).then(({ ok }) => ok), (ok) => ok, kWithinMs, `${this.name} with a chat`);
    return this;
  }
  async chat(command, args = {}) { return json(`${this.gateway}/api/chat/${command}`, { method: 'POST', body: JSON.stringify(args) }); }
  async heard(group) { return (await this.chat('group_messages', { group, limit: 1000 })).map(({ text }) => text); }
  say(group, text) { return this.chat('group_send', { group, text }); }
}

export async function startDiscovery(t) {
  return new Visor(t, 'discovery', [{ plugin: 'storage_memory', as: 'disk' },
    { plugin: 'dmsg_discovery', config: { drive: 'disk', test_mode: true, interval_ms: 1000 } }]).start();
}

export async function startServer(t, name, discovery) {
  const server = await new Visor(t, name, [{ plugin: 'fetch' },
    { plugin: 'dmsg_server', config: { listen: 'tcp://127.0.0.1:0', ...(discovery ? { discovery: discovery.gateway } : {}), interval_ms: 1000 } }]).start();
  const [, address] = await server.program.line(/relaying at tcp:\/\/(\S+)/);
  server.address = address;
  server.plugins.at(-1).config.listen = `tcp://${address}`; // and there again after a restart
  return server;
}

export function client(t, name, discovery, more = {}) {
  return new Visor(t, name, [{ plugin: 'fetch' }, { plugin: 'dmsg', config: { ...(discovery.gateway ? { discovery: discovery.gateway } : {}), interval_ms: 1000, ...more } }]).start();
}
