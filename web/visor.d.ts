/** Types of visor.js; visor-rows.d.ts beside it is written by the build from the plugins' own rows (types.mjs). */
import type { Commands, Configurations } from './visor-rows.js';

export type { Commands, Configurations };

/** Why a visor did not do what it was asked. */
export class VisorError extends Error {
  /** The status of visor/abi.h, negative. */
  readonly status: number;
  /** Its name. */
  readonly code: 'EINVAL' | 'ENOENT' | 'EEXIST' | 'EAGAIN' | 'ECANCELED' | 'ETIMEDOUT' | 'EIO' | 'ECORRUPT' | 'ENOSPC'
    | 'ENOSYS' | 'EPERM' | 'ECLOSED' | 'EPROTO' | 'EINTERNAL';
}

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** A record of the log. */
export interface LogRecord { time: string; level: Level; instance: string; sequence: number; text: string }

/** One plugin to start, under its own name or another. */
export type PluginRow = { [P in keyof Configurations]: { plugin: P; as?: string; config?: Configurations[P] } }[keyof Configurations];

/** What a visor runs. */
export interface Config {
  plugins: readonly PluginRow[];
  log?: { level?: Level; instances?: { [instance: string]: Level } };
}

export interface BootOptions<C extends Config> {
  config: C;
  /** 64 hex digits; without it a key is drawn that lasts as long as the visor. */
  secretKey?: string;
  /** The module or where it is; visor.wasm beside visor.js if not said. */
  wasm?: string | URL | BufferSource | WebAssembly.Module;
  /** Whether it runs in a worker of its own; true in a page, false elsewhere if not said. */
  worker?: boolean;
  /** Whether all tabs of this origin that boot with this key share one visor; it ends with the last of them. */
  shared?: boolean;
  /** The class of its sockets, not with a worker; Node before 22 has none of its own. */
  WebSocket?: unknown;
  onLog?: (record: LogRecord) => void;
  /** It broke: nothing of it runs any more. */
  onStop?: (error: VisorError) => void;
}

/** The plugin of each instance that a configuration starts. */
export type Instances<C extends Config> =
  { [Row in C['plugins'][number] as Row extends { as: infer Name extends string } ? Name : Row['plugin']]: Row['plugin'] }
  & { kernel: 'kernel' };

type Rows<Plugin> = Plugin extends keyof Commands ? Commands[Plugin] : never;
type Arguments<Row> = Row extends { arguments: infer A } ? A : never;
type Value<Row> = Row extends { value: infer V } ? V : never;
type Rest<A> = {} extends A ? [args?: A, options?: CallOptions] : [args: A, options?: CallOptions];

export interface CallOptions {
  /** Aborting ends the call with ECANCELED. */
  signal?: AbortSignal;
}

/** A running visor; `I` has the plugin of each instance, or lets everything through. */
export class Visor<I = { [instance: string]: any }> {
  private constructor();
  /** The public key, 66 hex digits. */
  readonly pk: string;
  /** Whether other tabs have the same visor. */
  readonly shared: boolean;
  /** Calls a command: its last value, when it has finished. */
  call<N extends keyof I & string, M extends keyof Rows<I[N]> & string>(
    instance: N, command: M, ...rest: Rest<Arguments<Rows<I[N]>[M]>>): Promise<Value<Rows<I[N]>[M]>>;
  /** The values of a command, as fast as they are taken; leaving the loop ends it. */
  stream<N extends keyof I & string, M extends keyof Rows<I[N]> & string>(
    instance: N, command: M, ...rest: Rest<Arguments<Rows<I[N]>[M]>>): AsyncIterableIterator<Value<Rows<I[N]>[M]>>;
  /** Stops the visor; of one that tabs share, leaves it. */
  stop(): Promise<void>;
}

/** Starts a visor; rejects with a VisorError that says what is wrong. */
export function boot<const C extends Config>(options: BootOptions<C>): Promise<Visor<Instances<C>>>;
