// What benches need that start other programs: a folder that goes with us, a port that nobody has.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A folder of our own, removed when this process ends. */
export function ownFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'visor-bench-'));
  // Who was just told to end may still write.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return folder;
}

/** A port of this machine on which nobody listens now. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
