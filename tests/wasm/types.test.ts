// Checked by the TypeScript compiler, never run: what visor.d.ts and the rows that the build wrote let through, and
// what they refuse.
import { boot, Visor, VisorError } from 'visor';

const pk = '02'.padEnd(66, '0');

export async function use(): Promise<void> {
  const visor = await boot({
    config: {
      plugins: [
        { plugin: 'storage_memory', as: 'disk' }, { plugin: 'transports', config: { interval_ms: 1000, peers: [{ pk, type: 'swsr', address: 'ws://127.0.0.1/' }] } },
        { plugin: 'feeds', config: { drive: 'disk' } }, { plugin: 'telemetry' },
      ],
      log: { level: 'debug' },
    },
    secretKey: '1f'.repeat(32), shared: true,
    onLog: ({ level, text }) => console.log(level, text.length),
    onStop: (error: VisorError) => console.error(error.code === 'EINTERNAL', error.status),
  });
  const status = await visor.call('telemetry', 'status');
  console.log(status, visor.pk.length);
  await visor.call('kernel', 'plugins', { schemas: true });
  await visor.call('transports', 'remove', { id: 'x' }).catch(() => {});
  for await (const record of visor.stream('kernel', 'log', { level: 'warn', tail: 3 }, { signal: AbortSignal.timeout(1) })) console.log(record);

  // @ts-expect-error there is no such command
  await visor.call('telemetry', 'statsu');
  // @ts-expect-error the instance is called disk
  await visor.call('storage_memory', 'status');
  // @ts-expect-error an unknown argument
  await visor.call('kernel', 'log', { tails: 3 });
  // @ts-expect-error a level that is none
  await visor.call('kernel', 'log', { level: 'loud' });
  // @ts-expect-error arguments are required
  await visor.call('transports', 'add');
  // @ts-expect-error there is no such plugin
  await boot({ config: { plugins: [{ plugin: 'storage_memroy' }] } });
  // @ts-expect-error a wrong type in a plugin's configuration
  await boot({ config: { plugins: [{ plugin: 'feeds', config: { drive: 1 } }] } });

  const any: Visor = visor as unknown as Visor;
  await any.call('whatever', 'status');
  await visor.stop();
}
