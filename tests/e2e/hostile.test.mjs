// Garbage on every port and mistakes of an operator: each a clear message, nothing else harmed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { atEnd, demoArguments, json, run, startDemo, temporaryFolder, until, visorProgram } from './support.mjs';

/** Sends bytes and waits until the other side has closed. Gives what it answered. */
function send(port, chunks) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const answer = [];
    socket.on('connect', () => { for (const chunk of chunks) socket.write(chunk); });
    socket.on('data', (data) => answer.push(data));
    socket.on('error', () => {}); // a reset is an answer too
    socket.on('close', () => resolve(Buffer.concat(answer).toString('latin1')));
    socket.setTimeout(40000, () => { socket.destroy(); reject(new Error(`port ${port} kept a hostile connection for 40 s`)); });
  });
}

const u16 = (value) => Buffer.from([value >> 8, value & 255]);
const upgrade = 'GET /skywire HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const garbage = {
  'random bytes': [randomBytes(4096)],
  'an oversized handshake frame': [u16(65535), randomBytes(65535)],
  'a handshake frame that is no key': [u16(33), Buffer.alloc(33, 0xff)],
  'an empty handshake frame': [u16(0)],
  'an endless header': [`GET / HTTP/1.1\r\nX: ${'a'.repeat(100000)}\r\n\r\n`],
  'a request with a bad length': ['POST /api/kernel/status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n'],
  'a body too large': ['POST /api/kernel/status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n'],
  'a WebSocket frame without a mask': [upgrade, Buffer.from([0x82, 0x05, 1, 2, 3, 4, 5])],
  'a WebSocket frame of 2^63 bytes': [upgrade, Buffer.from([0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4])],
  'a WebSocket that speaks garbage': [upgrade, Buffer.concat([Buffer.from([0x82, 0xa0, 0, 0, 0, 0]), Buffer.alloc(32, 7)])],
};

test('garbage on every listening port harms nobody', { concurrency: true }, async (t) => {
  const { program, address, bootstrap } = await startDemo(t);
  const ports = new Set([Number(new URL(address).port)]);
  for (const peer of bootstrap.peers) ports.add(Number(new URL(peer.address).port));
  for (const [, port] of program.text().matchAll(/tcp:\/\/127\.0\.0\.1:(\d+)/g)) ports.add(Number(port));
  assert.ok(ports.size >= 3, `the demo listens for HTTP twice and for TCP transports: ${[...ports]}`);

  const ask = () => json(`${address}/metrics?edges=true`);
  const live = (metrics) => metrics.filter((row) => row.live && row.latency?.avg > 0).length;
  await until(ask, live, 15000, 'a live transport between the native visors');

  // All at once: what says too little to be refused is closed only when its time is over.
  const all = [...ports].flatMap((port) => Object.entries(garbage).map(([what, chunks]) => [port, what, chunks]));
  await Promise.all(all.map(([port, what, chunks]) => t.test(`${what} to port ${port}`, () => send(port, chunks))));
  assert.equal(program.exit, undefined, program.text());
  await until(ask, live, 5000, 'the transport still live');
  const status = await json(`${address}/api/kernel/status`);
  assert.equal(status.state, 'running');
});

test('mistakes of an operator are told apart', async (t) => {
  const folder = temporaryFolder(t);
  const attempt = async (config) => {
    const file = path.join(folder, 'visor.json');
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    const result = await run(t, visorProgram, ['run', '--config', file, '--data', folder]);
    assert.notEqual(result.code, 0);
    assert.equal(result.signal, null, result.text);
    return result.text;
  };

  await t.test('a typo in a name', async () => {
    assert.match(await attempt({ plugins: [{ plugin: 'transports', config: { intervall_ms: 1000 } }] }), /intervall_ms.*interval_ms/s);
  });
  await t.test('a value of the wrong kind', async () => {
    assert.match(await attempt({ plugins: [{ plugin: 'transports', config: { interval_ms: 'soon' } }] }), /plugins\[0\]\.config\.interval_ms.*integer.*"soon"/s);
  });
  await t.test('text that is not JSON', async () => {
    assert.match(await attempt('{"plugins": ['), /visor\.json.*line 1/s);
  });
  await t.test('a missing plugin', async () => {
    assert.match(await attempt({ plugins: [{ plugin: 'transport' }] }), /transport.*transports/s);
  });
  await t.test('a missing file', async () => {
    const result = await run(t, visorProgram, ['run', '--config', path.join(folder, 'none.json')]);
    assert.notEqual(result.code, 0);
    assert.match(result.text, /none\.json/);
  });
  await t.test('a port in use', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    atEnd(t, () => server.close());
    const { port } = server.address();
    const said = await attempt({ plugins: [{ plugin: 'gateway', config: { listen: `tcp://127.0.0.1:${port}` } }] });
    assert.match(said, new RegExp(`127\\.0\\.0\\.1:${port}.*in use`, 's'));
    assert.match((await run(t, visorProgram, demoArguments(port, folder))).text, /in use.*--port/s);
  });
});
