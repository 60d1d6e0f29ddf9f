// feeds_peers.mjs NAME LEAVES: leaves as in bench/feeds_net.cpp, owned by a process of another program. Says "ready" or why
// not; then each line on stdin makes a new reader, in a process of its own, fetch them all over loopback TCP, and its
// milliseconds are answered.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort, ownFolder } from './peer_processes.mjs';

const [name, countText, ...rest] = process.argv.slice(2);
const count = Number(countText);
const script = fileURLToPath(import.meta.url);
const folder = ownFolder();

const leafPath = (i) => `d${String(Math.floor(i / 100)).padStart(5, '0')}/leaf${String(i % 100).padStart(2, '0')}`;
function leafValue(i) {
  const value = Buffer.alloc(200);
  let state = (i * 2654435761 + 1) >>> 0;
  for (let at = 0; at < 200; at += 4) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
    value.writeUInt32LE(state, at);
  }
  return value;
}
const since = (begin) => Number(process.hrtime.bigint() - begin) / 1e6;

// A commit whose tree has the leaves, served by git's daemon; a reader is a bare repository that fetches it.
async function git() {
  const owner = path.join(folder, 'owner');
  const run = (args, options = {}) => {
    const { status, stderr } = spawnSync('git', args, { maxBuffer: 1 << 30, ...options });
    if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
  };
  run(['init', '--quiet', '--bare', owner]);
  const parts = [Buffer.from('commit refs/heads/main\ncommitter bench <b@example.org> 0 +0000\ndata 0\n')];
  for (let i = 0; i < count; i++) {
    parts.push(Buffer.from(`M 100644 inline ${leafPath(i)}\ndata 200\n`), leafValue(i), Buffer.from('\n'));
  }
  run(['-C', owner, 'fast-import', '--quiet'], { input: Buffer.concat(parts) });
  const port = await freePort();
  const daemon = spawn('git', ['daemon', '--listen=127.0.0.1', `--port=${port}`, '--export-all', `--base-path=${folder}`],
    { stdio: 'ignore' });
  process.on('exit', () => daemon.kill());
  await reachable(port);
  return async (run_number) => {
    const reader = path.join(folder, `reader${run_number}`);
    run(['init', '--quiet', '--bare', reader]);
    const begin = process.hrtime.bigint();
    run(['-C', reader, 'fetch', '--quiet', `git://127.0.0.1:${port}/owner`, 'main']);
    const took = since(begin);
    rmSync(reader, { recursive: true, force: true });
    return took;
  };
}

// One block a leaf, path and value; a reader downloads all blocks, which verifies them against the signed tree.
async function hypercore() {
  const { default: Hypercore } = await import(path.join(path.dirname(script), 'peers/node_modules/hypercore/index.js'));
  const core = new Hypercore(path.join(folder, 'owner'));
  await core.ready();
  const blocks = Array.from({ length: count }, (_, i) => Buffer.concat([Buffer.from(leafPath(i)), leafValue(i)]));
  await core.append(blocks);
  const server = net.createServer((socket) => {
    const stream = core.replicate(false);
    socket.pipe(stream).pipe(socket);
    socket.on('error', () => {});
    stream.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    const reader = spawn('node', [script, 'hypercore-reader', countText, core.key.toString('hex'), String(server.address().port)],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    for await (const part of reader.stdout) text += part;
    return Number(text);
  };
}

async function hypercoreReader(key, port) {
  const { default: Hypercore } = await import(path.join(path.dirname(script), 'peers/node_modules/hypercore/index.js'));
  const core = new Hypercore(path.join(folder, 'reader'), Buffer.from(key, 'hex'));
  await core.ready();
  const begin = process.hrtime.bigint();
  const socket = net.connect(Number(port), '127.0.0.1');
  const stream = core.replicate(true);
  socket.pipe(stream).pipe(socket);
  await core.download({ start: 0, end: count }).done();
  process.stdout.write(String(since(begin)));
  process.exit(0);
}

async function reachable(port) {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const socket = net.connect(port, '127.0.0.1');
    const there = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the daemon does not listen');
}

if (name === 'hypercore-reader') {
  await hypercoreReader(...rest);
} else {
  let fetch;
  try {
    fetch = await { git, hypercore }[name]();
  } catch (error) {
    console.log(String(error.message).split('\n')[0]);
    process.exit(0);
  }
  console.log('ready');
  let number = 0;
  for await (const _ of createInterface({ input: process.stdin })) console.log(String(await fetch(++number)));
  process.exit(0);
}
