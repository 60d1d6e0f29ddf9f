/**
 * Hosts the module of kernel/wasm in the thread that loads it - a browser's worker, or Node 18 and later - and is its
 * clock, its wake-ups, its random numbers, its WebSockets and its requests.  Users have web/visor.js.
 */
import { VisorError, status } from './visor-error.js';

/** Values of one call that were handed out and not taken yet: so many, then the command is held back. */
export const kMaxWaitingValues = 64;
const kMaxTimerMs = 2 ** 31 - 1;   // of setTimeout
const kNoCloseCode = 1006;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function compile(wasm) {
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm)) return WebAssembly.compile(wasm);
  const isPath = typeof process === 'object' && typeof wasm === 'string' && !/^[a-z]+:/i.test(wasm);
  if (isPath || String(wasm).startsWith('file:')) { // Node does not fetch files
    return WebAssembly.compile(await (await import('node:fs/promises')).readFile(isPath ? wasm : new URL(wasm)));
  }
  const response = await fetch(wasm);
  if (!response.ok) throw new Error(`${wasm} answered ${response.status}; expected the visor's module`);
  const streams = response.headers.get('content-type') === 'application/wasm';
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

async function load(wasm, imports) {
  try {
    return await WebAssembly.instantiate(await compile(wasm), imports);
  } catch (error) {
    throw new VisorError(status.EIO, `the visor's module cannot be loaded: ${error.message}`, { cause: error });
  }
}

/** The text of JSON, or a VisorError in its place. */
function toJson(value, what) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    return new VisorError(status.EINVAL, `${what} cannot be written as JSON: ${error.message}`, { cause: error });
  }
}

/** Node 18 has its random numbers in a module. */
async function findCrypto() {
  return globalThis.crypto ?? (await import('node:crypto')).webcrypto;
}

/** What a response says, its body read as long as it is not longer than maxBody bytes. */
async function readAnswer(response, maxBody) {
  if (response.type === 'opaqueredirect') {
    throw new VisorError(status.EPROTO, 'the answer is a redirect, of which browsers do not tell where to; ask there');
  }
  const pieces = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = await (reader?.read() ?? { done: true });
    if (done) break;
    size += value.length;
    if (size > maxBody) throw new VisorError(status.EPROTO, `the body is longer than ${maxBody} bytes`);
    pieces.push(value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return { status: response.status, headers, body };
}

export class ModuleHost {
  #exports; #random; #onLog; #onStop; #WebSocket;
  #events = []; #inside = false; #dead = null;
  #timer; #soon = null; #channel = null;
  #calls = new Map(); #lastCall = 0;
  #sockets = new Map();
  #fetches = new Map();
  #boot = null; #stops = [];
  #output = { 1: '', 2: '' };

  /**
   * Compiles and instantiates the module; nothing runs yet.
   * @param {object} options
   * @param {string|URL|BufferSource|WebAssembly.Module} options.wasm the module, or where it is fetched
   * @param {typeof WebSocket} [options.WebSocket] the class of sockets; Node before 22 has none of its own
   * @param {(record: {time: string, level: string, instance: string, text: string}) => void} [options.onLog]
   *   each record of the log
   * @param {(error: Error) => void} [options.onStop] the module broke: nothing of it runs any more
   * @returns {Promise<ModuleHost>}
   */
  static async load({ wasm, WebSocket = globalThis.WebSocket, onLog = () => {}, onStop = () => {} }) {
    const host = new ModuleHost();
    host.#WebSocket = WebSocket;
    host.#onLog = onLog;
    host.#onStop = onStop;
    const crypto = await findCrypto();
    host.#random = (bytes) => crypto.getRandomValues(bytes);
    const instance = await load(wasm, { visor: host.#visorImports(), wasi_snapshot_preview1: host.#wasiImports() });
    host.#exports = instance.exports;
    host.#enter((exports) => exports._initialize());
    return host;
  }

  /**
   * Starts the visor.
   * @param {object} options
   * @param {object} options.config as the kernel's configuration file: {plugins: [{plugin, as?, config?}], ...}
   * @param {string} [options.secretKey] 64 hex digits; without it a key is drawn that lasts as long as the visor
   * @returns {Promise<{pk: string}>} the public key, 66 hex digits; rejects with a VisorError that says what is wrong
   *   with the configuration, or which plugin did not start
   */
  boot({ config, secretKey }) {
    if (this.#boot) return Promise.reject(new VisorError(status.EAGAIN, 'a start is under way'));
    return new Promise((resolve, reject) => {
      const text = toJson({ config, secret_key: secretKey }, 'the configuration');
      if (text instanceof VisorError) return reject(text);
      this.#boot = { resolve, reject };
      return this.#enter((exports) => {
        const sizes = this.#put(text);
        if (sizes) exports.visor_boot(...sizes);
        else this.#started(status.EINVAL, 'the configuration is too long');
      });
    });
  }

  /**
   * Begins a call of a command.
   * @param {string} instance
   * @param {string} command
   * @param {object} args
   * @param {{value: (value: any) => void, finished: (error: VisorError | null) => void}} events each value, at most 64
   *   that are not taken; then the end, once, which may come before this returns
   * @returns {{taken: (count?: number) => void, cancel: () => void}} to ask for as many values more; to end the call
   *   with ECANCELED.  Both do nothing after the end.
   */
  open(instance, command, args, events) {
    const text = toJson(args, 'the arguments');
    if (text instanceof VisorError) {
      events.finished(text);
      return { taken() {}, cancel() {} };
    }
    const id = ++this.#lastCall;
    this.#calls.set(id, { events, waiting: 0, held: false });
    this.#enter((exports) => {
      const sizes = this.#put(instance, command, text);
      if (sizes) exports.visor_call(id, ...sizes);
      else this.#finished(id, status.EINVAL, 'the arguments are too long');
    });
    return {
      taken: (count = 1) => this.#taken(id, count),
      cancel: () => { if (this.#calls.has(id)) this.#enter((exports) => exports.visor_cancel(id)); },
    };
  }

  /**
   * Stops the visor, or the start that is under way; it may be booted again.
   * @returns {Promise<void>} when no timer, socket or call of it is left
   */
  stop() {
    return new Promise((resolve) => {
      this.#stops.push(resolve);
      this.#enter((exports) => exports.visor_stop());
    });
  }

  // --- into the module: one event at a time, never while another one is inside

  #enter(event) {
    this.#events.push(event);
    if (this.#inside) return;
    this.#inside = true;
    try {
      while (this.#events.length && !this.#dead) this.#events.shift()(this.#exports);
    } catch (error) {
      this.#die(error);
    } finally {
      this.#inside = false;
      if (this.#dead) this.#sweep();
    }
  }

  /** Writes texts or bytes, one after another, where the module looks for them; their sizes, or null: too long. */
  #put(...parts) {
    const bytes = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part));
    let at = this.#exports.visor_input(bytes.reduce((sum, part) => sum + part.length, 0));
    if (!at && bytes.some((part) => part.length)) return null;
    for (const part of bytes) {
      this.#memory(at, part.length).set(part);
      at += part.length;
    }
    return bytes.map((part) => part.length);
  }

  /** A view that holds until the module runs again: its memory moves when it grows. */
  #memory(at, size) {
    return new Uint8Array(this.#exports.memory.buffer, at >>> 0, size);
  }

  #text(at, size) {
    return decoder.decode(this.#memory(at, size));
  }

  // --- the end of a module that broke: whoever waits hears of it

  #die(error) {
    this.#dead = error;
  }

  #sweep() {
    this.#events = [];
    const error = new VisorError(status.EINTERNAL, `the visor broke: ${this.#dead.message}`, { cause: this.#dead });
    this.#wake(-1);
    for (const id of [...this.#sockets.keys()]) this.#dropSocket(id);
    for (const id of [...this.#fetches.keys()]) this.#dropFetch(id);
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.events.finished(error);
    this.#boot?.reject(error);
    this.#boot = null;
    for (const stopped of this.#stops.splice(0)) stopped();
    const onStop = this.#onStop;
    this.#onStop = () => {};
    onStop(error);
  }

  // --- what the module asks for

  #visorImports() {
    return {
      now_ms: () => performance.now(),
      unix_ms: () => Date.now(), // performance.timeOrigin knows nothing of a machine that slept
      wake: (delayMs) => this.#wake(delayMs),
      log: (at, size) => this.#log(JSON.parse(this.#text(at, size))),
      started: (result, at, size) => this.#started(result, this.#text(at, size)),
      stopped: () => this.#stopped(),
      value: (id, at, size) => this.#value(id, this.#text(at, size)),
      finished: (id, result, at, size) => this.#finished(id, result, this.#text(at, size)),
      socket_open: (id, at, size) => this.#openSocket(id, this.#text(at, size)),
      // A copy: the bytes leave later, when the module's memory holds something else.
      socket_send: (id, at, size) => this.#sockets.get(id)?.send(this.#memory(at, size).slice()),
      socket_buffered: (id) => this.#sockets.get(id)?.bufferedAmount ?? 0,
      socket_close: (id) => this.#sockets.get(id)?.close(1000),
      socket_drop: (id) => this.#dropSocket(id),
      fetch_start: (id, method, methodSize, url, urlSize, headers, headersSize, body, bodySize, maxBody) =>
        void this.#fetch(id, this.#text(url, urlSize), {
          method: this.#text(method, methodSize),
          headers: this.#text(headers, headersSize),
          body: bodySize ? this.#memory(body, bodySize).slice() : undefined, // a copy: it leaves later
        }, maxBody),
      fetch_drop: (id) => this.#dropFetch(id),
    };
  }

  #wake(delayMs) {
    clearTimeout(this.#timer);
    this.#soon = null;
    if (delayMs < 0) {
      this.#channel?.port1.close();
      this.#channel = null;
    } else if (delayMs > 0) {
      this.#timer = setTimeout(() => this.#enter((exports) => exports.visor_turn()), Math.min(Math.ceil(delayMs), kMaxTimerMs));
    } else {
      const soon = {};
      this.#soon = soon;
      this.#nextTask(() => {
        if (this.#soon === soon) this.#enter((exports) => exports.visor_turn());
      });
    }
  }

  /** A timer of 0 ms would take 4 ms in a browser once it was set by another. */
  #nextTask(fn) {
    if (typeof setImmediate === 'function') {
      setImmediate(fn);
      return;
    }
    this.#channel ??= new MessageChannel();
    this.#channel.port1.onmessage = fn;
    this.#channel.port2.postMessage(0);
  }

  #log(record) {
    try {
      this.#onLog(record);
    } catch (error) {
      console.error(error);
    }
  }

  #started(result, text) {
    const boot = this.#boot;
    this.#boot = null;
    if (result === 0) boot?.resolve({ pk: text });
    else boot?.reject(new VisorError(result, text));
  }

  #stopped() {
    this.#wake(-1);
    this.#stops.shift()?.();
  }

  #value(id, json) {
    const call = this.#calls.get(id);
    if (!call) return 0;
    if (call.waiting >= kMaxWaitingValues) {
      call.held = true;
      return status.EAGAIN;
    }
    ++call.waiting;
    call.events.value(JSON.parse(json));
    return 0;
  }

  #taken(id, count) {
    const call = this.#calls.get(id);
    if (!call) return;
    call.waiting -= count;
    if (!call.held || call.waiting > kMaxWaitingValues / 2) return;
    call.held = false;
    this.#enter((exports) => exports.visor_resume(id));
  }

  #finished(id, result, text) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    call.events.finished(result === 0 ? null : new VisorError(result, text));
  }

  // --- sockets

  #openSocket(id, url) {
    let socket;
    try {
      socket = new this.#WebSocket(url);
    } catch {
      return status.EINVAL;
    }
    this.#sockets.set(id, socket);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#enter((exports) => exports.visor_socket_opened(id));
    socket.onmessage = ({ data }) => this.#enter((exports) => this.#received(exports, id, data));
    socket.onerror = () => {}; // a close follows, and says as much
    socket.onclose = ({ code, reason }) => this.#enter((exports) => {
      const sizes = this.#put(reason ?? '') ?? [0];
      exports.visor_socket_closed(id, code || kNoCloseCode, ...sizes);
    });
    return 0;
  }

  #received(exports, id, data) {
    const bytes = typeof data === 'string' ? null : new Uint8Array(data);
    const sizes = bytes && this.#put(bytes);
    if (sizes) {
      exports.visor_socket_message(id, ...sizes);
      return;
    }
    const why = bytes ? `the peer sent a message of ${bytes.length} bytes` : 'the peer sent text; expected binary messages';
    exports.visor_socket_refused(id, ...this.#put(why));
  }

  #dropSocket(id) {
    const socket = this.#sockets.get(id);
    if (!socket) return;
    this.#sockets.delete(id);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  // --- requests

  async #fetch(id, url, { method, headers, body }, maxBody) {
    const controller = new AbortController();
    this.#fetches.set(id, controller);
    let answer;
    try {
      const response = await fetch(url, {
        method, body, signal: controller.signal, redirect: 'manual',
        headers: headers.split('\r\n').filter(Boolean).map((line) => line.split(/: (.*)/s, 2)),
        credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer',
      });
      answer = await readAnswer(response, maxBody);
    } catch (error) {
      answer = error instanceof VisorError ? error : new VisorError(status.EIO,
        `the browser has no answer (${error.message}); nobody is there, or it may not tell pages of this origin`);
    }
    if (!this.#fetches.delete(id)) return; // nobody waits any more
    if (answer instanceof VisorError) controller.abort();
    this.#enter((exports) => this.#fetched(exports, id, answer));
  }

  #fetched(exports, id, answer) {
    const sizes = answer instanceof VisorError ? null : this.#put(answer.headers, answer.body);
    if (sizes) {
      exports.visor_fetch_answered(id, answer.status, ...sizes);
      return;
    }
    const error = answer instanceof VisorError ? answer : new VisorError(status.EPROTO, 'the answer is too long');
    exports.visor_fetch_failed(id, error.status, ...this.#put(error.message));
  }

  #dropFetch(id) {
    const controller = this.#fetches.get(id);
    this.#fetches.delete(id);
    controller?.abort();
  }

  // --- WASI: random numbers, and what the C++ library writes when it gives up

  #wasiImports() {
    const ok = 0, badDescriptor = 8, notSupported = 52;
    const refuse = () => notSupported;
    const store = (at, value) => new DataView(this.#exports.memory.buffer).setUint32(at, value, true);
    return {
      random_get: (at, size) => {
        for (let done = 0; done < size; done += 65536) {
          this.#random(this.#memory(at + done, Math.min(65536, size - done)));
        }
        return ok;
      },
      fd_write: (fd, vectors, count, written) => {
        if (!(fd in this.#output)) return badDescriptor;
        const view = new DataView(this.#exports.memory.buffer);
        let size = 0;
        for (let i = 0; i < count; ++i) {
          const at = view.getUint32(vectors + 8 * i, true);
          const length = view.getUint32(vectors + 8 * i + 4, true);
          this.#output[fd] += this.#text(at, length);
          size += length;
        }
        const lines = this.#output[fd].split('\n');
        this.#output[fd] = lines.pop().slice(-4096);
        const level = fd === 2 ? 'error' : 'info';
        for (const text of lines) this.#log({ time: new Date().toISOString(), level, instance: 'module', text });
        store(written, size);
        return ok;
      },
      proc_exit: (code) => { throw new Error(`the module ended with code ${code}`); },
      environ_sizes_get: (count, size) => { store(count, 0); store(size, 0); return ok; },
      environ_get: () => ok,
      clock_time_get: (clock, precision, at) => {
        const ms = clock === 0 ? Date.now() : performance.now();
        new DataView(this.#exports.memory.buffer).setBigUint64(at, BigInt(Math.round(ms * 1e6)), true);
        return ok;
      },
      fd_close: refuse, fd_seek: refuse, fd_read: refuse, fd_fdstat_get: refuse, fd_fdstat_set_flags: refuse,
      fd_prestat_get: () => badDescriptor, fd_prestat_dir_name: () => badDescriptor, path_open: refuse,
      poll_oneoff: refuse, sched_yield: () => ok,
    };
  }
}
