// node --no-warnings run.mjs PROGRAM.wasm READABLE_FOLDER [ARGUMENT...]
//
// Runs a WASI command (a Catch2 program) under Node: it may read READABLE_FOLDER, under its own absolute path, and
// nothing else.  The exit code is the program's; a trap (an abort, a bad access) is 70, with its stack on stderr.
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { WASI } from 'node:wasi';

// Node 20's shortcut from compiled code into WASI's functions corrupts its heap: programs crash, now and then, in a
// garbage collection while their memory grows.
v8.setFlagsFromString('--no-turbo-fast-api-calls');

const [program, folder, ...args] = process.argv.slice(2);
if (!program || !folder) {
  console.error('usage: run.mjs PROGRAM.wasm READABLE_FOLDER [ARGUMENT...]');
  process.exit(2);
}

// An absent folder would be refused by WASI before the program can say which file it misses.
const preopens = fs.existsSync(folder) ? { [path.resolve(folder)]: path.resolve(folder) } : {};
const wasi = new WASI({ version: 'preview1', args: [path.basename(program), ...args], preopens, returnOnExit: true });
try {
  const module = await WebAssembly.compile(fs.readFileSync(program));
  const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
  process.exitCode = wasi.start(instance);
} catch (error) {
  console.error(`${program}: ${error.stack ?? error}`);
  process.exitCode = 70;
}
