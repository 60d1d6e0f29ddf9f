// `visor check` finds each defect of the plugins that are broken on purpose, says so in a sentence, and finds nothing where
// there is none.
import assert from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const { VISOR, VISOR_BROKEN } = process.env;
const kTwoVisors = ['--config', '{"peer":"@PEER_HOST@"}'];

function check(plugin, args, defect = '') {
  const file = path.join(VISOR_BROKEN, `visor-${plugin}.so`);
  return new Promise((resolve) => {
    const env = { ...process.env, VISOR_CHECK_DEFECT: defect };
    execFile(VISOR, ['check', file, ...args], { env, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

async function finds(plugin, defect, name, words, args = []) {
  const { code, stdout, stderr } = await check(plugin, ['--json', '--only', name, '--timeout', '60', ...args], defect);
  assert.notStrictEqual(stdout, '', stderr);
  const { checks } = JSON.parse(stdout);
  const line = checks.find((each) => `${each.group}/${each.check}` === name);
  assert.ok(line, `${name} did not run: ${stdout}`);
  assert.strictEqual(line.outcome, 'failed', `${name} did not find it`);
  assert.match(line.reason, words);
  assert.strictEqual(code, name === 'life/needs' ? 3 : 1);
}

async function passes(plugin, args = []) {
  const { code, stdout } = await check(plugin, ['--json', ...args]);
  const report = JSON.parse(stdout);
  assert.deepStrictEqual(report.checks.filter((each) => each.outcome === 'failed'), []);
  assert.strictEqual(code, 0);
  assert.ok(report.passed > 20);
  assert.doesNotMatch(stdout.replace(/"(promise|reason)":"[^"]*"/g, ''), /\d[eE]/, 'numbers are written plainly');
  return report.checks.map((each) => `${each.group}/${each.check}`);
}

const sound = [['broken', []], ['broken_drive', []], ['broken_net', kTwoVisors]];
const ran = new Set(); // every check that there is, once these have passed
for (const [plugin, args] of sound) {
  test(`${plugin} without a defect passes`, async () => (await passes(plugin, args)).forEach((name) => ran.add(name)));
}

const defects = {
  broken_needy: [['', 'life/needs', /needs check\.nobody\/1, which no visor-\*\.so beside it offers; say who does with --with/]],
  broken_egg: [['', 'life/needs', /broken_egg needs broken_chicken \(check\.chicken\/1\), broken_chicken needs broken_egg \(check\.egg\/1\)/]],
  broken_exports_more: [['', 'scan/symbols', /visor_check_leaked_symbol/]],
  broken: [
    ['loud_load', 'scan/quiet', /opens a file when it is loaded/],
    ['bad_schema', 'scan/load', /configuration: the schema: properties\.mode\.enum/],
    ['bad_example', 'scan/schemas', /speed/],
    ['offers_nothing', 'life/start_stop', /announces check\.service\/1/],
    ['offers_unannounced', 'life/start_stop', /check\.other\/1/],
    ['leaks_memory', 'life/thousand', /leaks memory/],
    ['leaks_files', 'life/thousand', /leaks file descriptors: 800 more/],
    ['leaks_threads', 'life/thousand', /leaks threads/],
    ['global_state', 'life/side_by_side', /the second of two visors.*one of it runs already/],
    ['keeps_lock', 'life/again', /start number 2.*the folder is in use/],
    ['never_stops', 'life/start_stop', /did not complete stop/],
    ['never_stops_early', 'life/stop_at_once', /did not complete stop within a minute/],
    ['refuses_silently', 'life/reconfigure', /refuses the new configuration .* without a word/],
    ['configures_once', 'life/reconfigure', /the configuration it began with is refused: .*a new configuration already/],
    ['refuses_silently', 'life/configurations', /without a word/],
    ['crashes_on_config', 'life/configurations', /crashed: SIGABRT, while start/],
    ['fails_and_completes', 'life/configurations', /ran its done too/],
    ['positive_status', 'life/configurations', /the status 7/],
    ['starts_twice', 'contract/done', /the done of start ran twice/],
    ['starts_early', 'contract/done', /the done of start ran before the call had returned/],
    ['starts_from_thread', 'contract/threads', /the done of start ran on another thread/],
    ['host_from_thread', 'contract/threads', /called host->timer on another thread/],
    ['keeps_arguments', 'contract/lent', /touched the arguments of a command after/],
    ['reads_beyond', 'contract/lent', /read beyond the end of the arguments of a command/],
    ['timer_after_stop', 'contract/after_stop', /ran after stop had completed/],
    ['leaves_timer', 'contract/left', /left 1 timers behind/],
    ['leaves_watch', 'contract/left', /left a watch of visor\.net\/1 open/],
    ['uses_after_close', 'contract/misuse', /closed the handle of a watch of visor\.net\/1 twice/],
    ['silent_failure', 'contract/errors', /without a word/],
    ['finishes_twice', 'commands/least', /length called finish on a call that was finished/],
    ['never_finishes', 'commands/least', /length.*did not finish within a minute/],
    ['ignores_cancel', 'commands/cancel', /follow.*did not finish within 10 s after its caller had left/],
    ['emits_nonsense', 'commands/least', /length.*no JSON/],
    ['emits_two', 'commands/least', /length.*2 values/],
    ['crashes_on_argument', 'commands/fuzz', /crashed: SIGABRT, while running the command length/],
    ['ignores_full', 'commands/slow_caller', /after VISOR_EAGAIN|still not done/],
    ['loses_values', 'commands/slow_caller', /100 values to a quick caller/],
    ['leaves_call', 'commands/stopped', /without finishing/],
  ],
  broken_drive: [
    ['opens_twice', 'drive/names', /open of a map that is open/],
    ['names_share', 'drive/names', /a key that another map has/],
    ['forgets_empty', 'drive/sizes', /the empty key/],
    ['cuts_large', 'drive/sizes', /a value of 16 MiB/],
    ['half_batch', 'drive/batches', /10,000 operations/],
    ['first_word_counts', 'drive/batches', /the last word counts/],
    ['cursor_backwards', 'drive/cursors', /step/],
    ['cursor_sees_later', 'drive/cursors_during_writes', /as it was when the cursor was made|ended early/],
    ['snapshot_sees_later', 'drive/snapshots', /a snapshot after the map was written to/],
    ['snapshot_writes', 'drive/snapshots', /write to a snapshot: expected VISOR_EPERM/],
    ['stats_no_json', 'drive/sync_and_stats', /expected a JSON object/],
    ['sync_never', 'drive/sync_and_stats', /sync/],
    ['sync_twice', 'drive/sync_and_stats', /the done of sync ran twice/],
    ['sync_early', 'drive/sync_and_stats', /the done of sync ran before the call had returned/],
    ['cursors_hold_map', 'drive/closing', /erase of a map that was closed with .* left open: a cursor reads it/],
    ['sync_dies_with_map', 'drive/sync_then_close', /because the map was closed/],
    ['keeps_key', 'contract/lent', /the key given to get/],
    ['unsorted_keys', 'drive/model', /seed \d+, step \d+/],
    ['forgets_on_restart', 'drive/restarts', /after 1 restarts.*is missing/],
    ['tears_when_killed', 'drive/killed', /round \d+/],
  ],
  broken_net: [
    ['shares_ports', 'net/listen', /expected VISOR_EEXIST/],
    ['keeps_ports', 'net/listen', /whose listener was closed/],
    ['fails_silently', 'net/refused', /without a word/],
    ['cancels_in_call', 'net/cancel', /the done of dial ran inside cancel/],
    ['cannot_cancel', 'net/cancel', /cancelled/],
    ['wrong_peer', 'net/streams', /peer\(\) is not/],
    ['ends_both', 'net/streams', /after end\(\) of one side/],
    ['swaps_bytes', 'net/bulk', /not what was sent/],
    ['takes_everything', 'net/back_pressure', /64 MiB were taken/],
    ['never_ready', 'net/back_pressure', /never heard `ready`/],
    ['takes_large', 'net/limits', /write of more than 1 MiB: expected VISOR_EINVAL/],
    ['closes_others', 'net/many', /closing streams disturbed others/],
    ['gives_up_on_rubbish', 'contract/strangers', /its listener .* takes nobody any more/],
    ['closes_fine', 'net/cut', /says VISOR_OK although/],
    ['echoes_in_call', 'contract/events', /ran inside write/],
    ['keeps_parts', 'contract/lent', /the bytes given to a stream's write/],
    ['takes_everything', 'contract/pressure', /did not arrive|never heard of it/],
  ],
};
for (const [plugin, rows] of Object.entries(defects)) {
  for (const [defect, name, words] of rows) {
    test(`${name} finds ${plugin} ${defect}`, () =>
      finds(plugin, defect, name, words, plugin === 'broken_net' ? kTwoVisors : []));
  }
}

test('every check is found to fail by one defect at least', () => {
  const proven = new Set(Object.values(defects).flat().map(([, name]) => name));
  assert.deepStrictEqual([...ran].filter((name) => !proven.has(name)), [], 'without a defect');
  assert.deepStrictEqual([...proven].filter((name) => !ran.has(name)), [], 'that do not exist');
});

test('a plugin that refuses its own configuration has started in no check', async () => {
  const never = ['--config', '{"mode":"never"}'];
  await finds('broken', '', 'life/stop_at_once', /did not start: .*not for this machine/, never);
  await finds('broken', '', 'life/configurations', /its own configuration: .*not for this machine/, never);
});

test('two visors that cannot meet for want of a configuration are no failure of theirs', async () => {
  const net = ['--json', '--only', 'net', '--only', 'contract/pressure'];
  const without = await check('broken_net', net);
  const { checks, skipped } = JSON.parse(without.stdout);
  assert.strictEqual(without.code, 0);
  assert.strictEqual(skipped, 9);
  for (const each of checks.filter(({ group }) => group === 'net')) {
    assert.strictEqual(each.outcome, 'skipped');
    assert.match(each.reason, /do not reach each other: no peer is configured; give .* with --config/);
  }
  const given = await check('broken_net', [...net, '--config', '{}']);
  assert.strictEqual(JSON.parse(given.stdout).failed, 10);
  assert.strictEqual(given.code, 1);
});

test('exit codes and sentences', async (t) => {
  await t.test('no such file', async () => {
    const { code, stdout } = await check('nowhere', []);
    assert.strictEqual(code, 1);
    assert.match(stdout, /there is no such file/);
  });
  await t.test('no such group', async () => {
    const { code, stderr } = await check('broken', ['--only', 'lives']);
    assert.strictEqual(code, 2);
    assert.match(stderr, /expected one of the groups scan, life/);
  });
  await t.test('no such check', async () => {
    for (const [only, words] of [
      ['drive/nope', /the group drive has no such check; There are names, sizes, .*killed/],
      ['life/trousand', /the group life has no such check; did you mean life\/thousand\? There are/],
      ['life/', /the group life has no such check/],
    ]) {
      const { code, stdout, stderr } = await check('broken', ['--only', only]);
      assert.strictEqual(code, 2, only);
      assert.match(stderr, words);
      assert.strictEqual(stdout, '');
    }
  });
  await t.test('checks that are not about it', async () => {
    const { code, stderr } = await check('broken', ['--only', 'drive/names']);
    assert.strictEqual(code, 2);
    assert.match(stderr, /broken has nothing that these checks are about/);
  });
  await t.test('a need that nobody meets', async () => {
    const { code, stdout } = await check('broken_needy', []);
    assert.strictEqual(code, 3);
    assert.match(stdout, /FAIL +life\/needs .*needs check\.nobody\/1/);
    assert.doesNotMatch(stdout, /life\/start_stop/);
  });
  await t.test('a configuration that is not understood', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'visor-check-test-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, 'mine.json');
    await writeFile(file, '{\n  "mode": fast}');
    for (const [config, words] of [
      ['{x', /--config, line 1, column 2: /],
      ['', /--config, line 1, column 1: the text ends before/],
      ['7', /--config: expected an object, got 7/],
      ['{"mode":7}', /--config: mode: expected .*, got 7/],
      ['{"speed":1}', /--config: .*speed/],
      [`@${file}`, /mine\.json, line 2, column 11: /],
      [`@${file}.no`, /the file cannot be read/],
    ]) {
      const { code, stdout, stderr } = await check('broken', ['--only', 'life/start_stop', '--config', config]);
      assert.strictEqual(code, 2, `${config}: ${stdout}`);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /the configuration of alpha/);
      assert.strictEqual(stdout, '', 'no trial runs');
    }
  });
  await t.test('a seed that is none', async () => {
    for (const seed of ['-1', '18446744073709551616', '1e3', 'one']) {
      const { code, stderr } = await check('broken', ['--only', 'scan', `--seed=${seed}`]);
      assert.strictEqual(code, 2, seed);
      assert.match(stderr, /--seed: expected a whole number from 0 to 18446744073709551615/);
    }
    const { code, stdout } = await check('broken', ['--only', 'scan', '--seed', '010', '--json']);
    assert.strictEqual(code, 0);
    assert.strictEqual(JSON.parse(stdout).seed, 10);
  });
});
