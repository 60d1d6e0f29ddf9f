// The command line as people, scripts and shells use it, against a visor that runs.
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Program, atEnd, json, run, temporaryFolder, until, visorProgram } from './support.mjs';

const nowhere = 'http://127.0.0.1:1'; // nobody listens on tcpmux
const token = 'correct-horse-battery';

/** Runs the program to its end: its exit code and what it wrote, apart. */
function visor(args, env = {}) {
  return new Promise((resolve) => {
    execFile(visorProgram, args, { env: { ...process.env, ...env }, maxBuffer: 64 << 20, timeout: 60000 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code ?? error.signal : 0, stdout, stderr });
    });
  });
}

/** A visor with a gateway; `call` is the program pointed at it. */
async function startVisor(t, { gateway = {}, log, args = [], plugins = [] } = {}) {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'visor.json');
  writeFileSync(file, JSON.stringify({
    directory: path.join(folder, 'data'), ...(log && { log }),
    plugins: [{ plugin: 'storage_memory', as: 'disk' }, { plugin: 'gateway', config: { listen: 'tcp://127.0.0.1:0', ...gateway } },
              { plugin: 'transports', as: 'links' }, { plugin: 'feeds', config: { drive: 'disk' } }, ...plugins],
  }));
  const program = new Program(t, visorProgram, ['run', '--config', file, ...args]);
  const [, address] = await program.line(/listening on (http:\/\/[^\s"]+)/);
  await program.line(/running as /);
  return { program, address, folder, call: (args, env = {}) => visor(args, { VISOR_GATEWAY: address, ...env }) };
}

/** A command that streams: its lines as they come. */
function stream(t, address, args) {
  const child = spawn(visorProgram, args, { env: { ...process.env, VISOR_GATEWAY: address }, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.on('data', (data) => { stderr += data; });
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stderr })));
  atEnd(t, () => { child.kill('SIGKILL'); return ended; });
  return { child, ended, next: async () => JSON.parse((await lines.next()).value) };
}

test('dashes are as good as underscores', async (t) => {
  const { call } = await startVisor(t, { plugins: [{ plugin: 'chat', as: 'small_talk', config: { drive: 'disk' } }] });
  const listed = await call(['small-talk', 'group-list']);
  assert.equal(listed.code, 0, listed.stderr);
  assert.deepEqual(JSON.parse(listed.stdout), []);
  const help = await call(['small-talk', 'group-send', '--help']);
  assert.match(help.stdout, /group_send/);
});

const calls = (address) => async () => (await json(`${address}/api/gateway/status`)).calls;

test('what a command gives: JSON for programs, a table for people', async (t) => {
  const { address, call } = await startVisor(t, { gateway: { hosts: ['localhost'], bootstrap: { text: 'ring \x1b[31m\x9b' } } });
  const piped = await call(['kernel', 'status']);
  assert.equal(piped.code, 0, piped.stderr);
  assert.equal(piped.stdout.trimEnd().split('\n').length, 1);
  const status = JSON.parse(piped.stdout);
  assert.equal(status.state, 'running');
  assert.deepEqual(status.instances.map(({ name }) => name).sort(), ['disk', 'feeds', 'gateway', 'links']);

  const hostile = await call(['kernel', 'config', '--table']);
  assert.match(hostile.stdout, /ring \\u001b\[31m\\x9b/);
  assert.ok(!/[\x1b\x9b]/.test(hostile.stdout), 'a terminal would obey it');

  const table = await call(['kernel', 'status', '--table']);
  assert.match(table.stdout, /^state +running$/m);
  assert.match(table.stdout, /^instances\n {2}name +plugin +version +state/m);
  assert.match(table.stdout, /^ {2}links +transports +\d/m);

  await t.test('a terminal gets the table, and JSON when asked', { skip: !existsSync('/usr/bin/script') }, () => {
    const onTerminal = (args) => spawnSync('script', ['-qec', `${visorProgram} ${args}`, '/dev/null'],
      { env: { ...process.env, VISOR_GATEWAY: address }, encoding: 'utf8' }).stdout;
    assert.match(onTerminal('kernel status'), /^state +running\r?$/m);
    assert.equal(JSON.parse(onTerminal('kernel status --json')).state, 'running');
    assert.equal(JSON.parse(onTerminal('kernel log --tail 1 --no-follow')).level, 'info'); // streams are lines everywhere
  });
});

test('arguments have the types that the schema wants, however they are written', async (t) => {
  const { address, call } = await startVisor(t, { log: { level: 'debug' } });
  const lines = async (...args) => {
    const answer = await call(['kernel', 'log', ...args]);
    assert.equal(answer.code, 0, answer.stderr);
    return answer.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  };
  assert.equal((await lines('--tail', '2', '--no-follow')).length, 2);
  assert.equal((await lines('--tail=2', '--follow', 'false')).length, 2);
  assert.equal((await lines('--follow=false', '--tail=1', '--level', 'debug')).length, 1);
  assert.equal((await lines('--args', '{"follow": false, "tail": 3}', '--tail', '1')).length, 1);
  const gateway = await lines('--no-follow', '--instance', 'gateway', '--level', 'info');
  assert.ok(gateway.length > 0);
  for (const record of gateway) assert.equal(record.instance, 'gateway');
  assert.ok((await lines('--no-follow', '--level', 'debug')).length > (await lines('--no-follow', '--level', 'info')).length);

  const first = await call(['--gateway', address, 'links', 'list'], { VISOR_GATEWAY: nowhere });
  assert.equal(first.stdout, '[]\n', first.stderr);
  const dashes = stream(t, address, ['links', 'watch', '--interval-ms', '100']); // interval_ms in the schema
  assert.deepEqual(await dashes.next(), []);
  assert.deepEqual(await dashes.next(), []);
});

test('streams come as lines until somebody has enough', async (t) => {
  const { program, address, call } = await startVisor(t);
  const follow = stream(t, address, ['kernel', 'log', '--tail', '1']);
  assert.equal((await follow.next()).level, 'info');
  await until(calls(address), (open) => open === 2, 5000, 'the call of the stream, beside that of the status');
  follow.child.kill('SIGINT');
  assert.deepEqual(await follow.ended, { code: 130, signal: null, stderr: '' });
  await until(calls(address), (open) => open === 1, 5000, 'Ctrl-C has cancelled the call');

  const left = stream(t, address, ['kernel', 'log', '--tail', '1']);
  await left.next();
  left.child.stdout.destroy();
  assert.deepEqual(await left.ended, { code: 0, signal: null, stderr: '' });
  await until(calls(address), (open) => open === 1, 5000, 'a reader that left has cancelled the call');

  const orphan = stream(t, address, ['kernel', 'log', '--tail', '1']);
  await orphan.next();
  await program.stop('SIGKILL');
  const end = await orphan.ended;
  assert.ok(end.code === 1 || end.code === 3, String(end.code));
  assert.match(end.stderr, /^visor: .+\n$/);
  assert.equal((await call(['kernel', 'status'])).code, 3);
});

test('a mistake is told in one sentence, with what was meant', async (t) => {
  const { call } = await startVisor(t);
  for (const [line, code, expected] of [
    ['lnks list', 2, /no instance "lnks" runs there; did you mean "links"\?/],
    ['links lst', 2, /links has no command "lst"; did you mean "list"\?/],
    ['kyegen x', 2, /did you mean "keygen"\?/],
    ['kernel log --tial 3', 2, /no option --tial; did you mean "--tail"\?/],
    ['kernel log --tail many', 2, /tail: expected integer from 0 to 1000.*got "many"/],
    ['kernel log --tail 5000', 2, /tail: expected integer from 0 to 1000.*got 5000/],
    ['kernel log --tail', 2, /--tail needs a value: NUMBER/],
    ['kernel log --tail 1 --tail 2', 2, /"tail" is given twice/],
    ['kernel log --level loud', 2, /level: .*got "loud"/],
    ['kernel log now', 2, /expected --key value, got "now"/],
    ['kernel log --args []', 2, /--args: expected a JSON object/],
    ['kernel status --json --table', 2, /exclude each other/],
    ['kernel status --timeout-ms soon', 2, /--timeout-ms: expected a number/],
    ['kernel status --limit 1', 2, /no option --limit; it takes no arguments/],
    ['links add --pk 1', 2, /links add: /],
    ['feeds get --path nothing/there', 1, /no feed of [0-9a-f]{66} is open or stored here/],
    ['links remove --id 00000000-0000-0000-0000-000000000000', 1, /./],
    ['kernel status --gateway nonsense', 2, /"nonsense.*is not an address/],
    [`kernel status --gateway ${nowhere}`, 3, /no visor answers at http:\/\/127\.0\.0\.1:1 .*visor run/],
    ['run --prot 9', 2, /no option --prot; did you mean "--port"\?/],
    ['run demo --port many', 2, /--port/],
    ['run --config /nowhere/at/all.json', 1, /\/nowhere\/at\/all\.json/],
    ['completions tcsh', 2, /tcsh/],
  ]) {
    const answer = await call(line.split(' '));
    assert.equal(answer.code, code, `${line}: ${answer.stderr}`);
    assert.equal(answer.stdout, '', line);
    assert.match(answer.stderr, expected, line);
    assert.match(answer.stderr, /^visor: [^\n]+\n$/, line);
  }
  const escape = await call(['links', 'li\x1b[31mst']);
  assert.match(escape.stderr, /no command "li\\x1b\[31mst"/);
  const full = spawnSync('sh', ['-c', '"$0" "$@" >/dev/full', visorProgram, 'kernel', '--help'], { encoding: 'utf8', env: { ...process.env, VISOR_GATEWAY: nowhere } });
  assert.equal(full.status, 1);
  assert.match(full.stderr, /^visor: stdout takes no more: No space left on device\n$/);
  const none = await call([]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /Usage: visor/);
  const half = await call(['links']);
  assert.equal(half.code, 2);
  assert.match(half.stderr, /Usage: visor links <command>/);
});

test('help is made of the rows, with or without a visor', async (t) => {
  const { address, call } = await startVisor(t);
  const top = await visor(['--help'], { VISOR_GATEWAY: nowhere });
  assert.equal(top.code, 0);
  for (const part of ['keygen', 'completions', 'transports ', 'status list watch add remove', 'Exit codes:', '130'])
    assert.ok(top.stdout.includes(part), part);

  const document = await json(`${address}/api`);
  const { Validator } = await import(new URL('../../web/node_modules/@seriousme/openapi-schema-validator/index.js', import.meta.url));
  const judged = await new Validator().validate(structuredClone(document));
  assert.ok(judged.valid, JSON.stringify(judged.errors));
  const { paths } = document;
  const instances = {};
  for (const { post } of Object.values(paths)) {
    const name = post['x-instance'];
    const instance = instances[name] ??= await call([name, '--help']);
    assert.equal(instance.code, 0, instance.stderr);
    assert.ok(instance.stdout.includes(`  ${post['x-command']}`) && instance.stdout.includes(post.summary.split(' ')[0]));
    const command = await call([post['x-instance'], post['x-command'], '--help']);
    assert.equal(command.code, 0, command.stderr);
    assert.ok(command.stdout.startsWith(post.summary));
    const schema = post.requestBody.content['application/json'].schema;
    for (const name of Object.keys(schema.properties ?? {})) assert.ok(command.stdout.includes(`--${name}`), name);
    assert.match(command.stdout, new RegExp(`Examples?:\n  visor ${post['x-instance']} ${post['x-command']}`));
  }
  const asked = await visor(['help', 'run'], { VISOR_GATEWAY: nowhere });
  assert.match(asked.stdout, /--interval-ms/);
  assert.match((await visor(['--version'])).stdout, /^visor \d+\.\d+\.\d+\n$/);
  const absent = await visor(['transports', 'add', '-h'], { VISOR_GATEWAY: nowhere });
  assert.equal(absent.code, 0, absent.stderr);
  assert.match(absent.stdout, /--type stcpr\|swsr\|ws/);
  assert.match(absent.stdout, /visor transports add --pk [0-9a-f]{66} --type stcpr --address tcp:/);
});

test('the man page and the completions know every word', async (t) => {
  const { address, call } = await startVisor(t);
  const man = await visor(['man'], { VISOR_GATEWAY: nowhere });
  assert.equal(man.code, 0, man.stderr);
  const file = path.join(temporaryFolder(t), 'visor.1');
  writeFileSync(file, man.stdout);
  for (const [tool, ...args] of [['groff', '-man', '-ww', '-z'], ['mandoc', '-T', 'lint', '-W', 'error'], ['man', '--warnings', '-l']]) {
    const checked = spawnSync(tool, [...args, file], { encoding: 'utf8', env: { ...process.env, MANPAGER: 'cat' } });
    if (checked.error) { t.diagnostic(`${tool} is not here`); continue; }
    assert.equal(checked.status, 0, checked.stderr);
    assert.equal(checked.stderr, '', tool);
  }
  for (const part of ['EXIT STATUS', 'visor keygen', 'transports add', '\\-\\-interval_ms', 'VISOR_TOKEN']) assert.ok(man.stdout.includes(part), part);

  const scripts = {};
  for (const shell of ['bash', 'zsh', 'fish']) {
    const written = await call(['completions', shell, '--running']);
    assert.equal(written.code, 0, written.stderr);
    scripts[shell] = path.join(temporaryFolder(t), `visor.${shell}`);
    writeFileSync(scripts[shell], written.stdout);
    const checked = spawnSync(shell, ['-n', scripts[shell]], { encoding: 'utf8' });
    if (checked.error) t.diagnostic(`${shell} is not here`);
    else assert.equal(checked.status, 0, checked.stderr);
  }
  const { paths } = await json(`${address}/api`);
  const complete = (words) => spawnSync('bash', ['-c',
    `source ${scripts.bash}; COMP_WORDS=(visor ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; ` +
    'compopt() { :; }; _visor; printf "%s\\n" "${COMPREPLY[@]}"'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  assert.deepEqual(complete(['li']), ['links']);
  assert.deepEqual(complete(['ke']), ['keygen', 'kernel']);
  assert.deepEqual(complete(['links', '']),
    Object.values(paths).filter(({ post }) => post['x-instance'] === 'links').map(({ post }) => post['x-command']));
  assert.deepEqual(complete(['kernel', 'log', '--le']), ['--level']);
  assert.deepEqual(complete(['kernel', 'log', '--level', 'w']), ['warn']);
  assert.deepEqual(complete(['--gateway', address, 'kernel', 'lo']), ['log']);
  assert.deepEqual(complete(['run', 'de']), ['demo']);
  assert.deepEqual(complete(['completions', 'z']), ['zsh']);
  if (!spawnSync('zsh', ['--version']).error) {
    // Outside of zsh's own completion its functions are ours: what _visor hands them is shown.
    const zsh = (words) => spawnSync('zsh', ['-f', '-c',
      'compdef() { : }; compadd() { shift; print -l -- "$@" }; _describe() { [[ $# == 2 ]] && print -l -- "${(P@)2}" }; ' +
      `source ${scripts.zsh}; words=(visor ${words.map((word) => `'${word}'`).join(' ')}); CURRENT=$#words; _visor`], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
    assert.ok(zsh(['']).some((line) => line.startsWith('links:Measured')), zsh(['']).join());
    assert.deepEqual(zsh(['links', '']).map((line) => line.split(':')[0]), complete(['links', '']));
    assert.ok(zsh(['links', '-']).some((line) => line.startsWith('--json:')));
    assert.deepEqual(zsh(['kernel', 'log', '--level', '']), ['trace', 'debug', 'info', 'warn', 'error']);
  }
  if (spawnSync('fish', ['--version']).error) return;
  const fish = spawnSync('fish', ['--no-config', '-c', `source ${scripts.fish}; complete -C 'visor links add --type s'`], { encoding: 'utf8' });
  assert.deepEqual(fish.stdout.split('\n').filter(Boolean).map((line) => line.split('\t')[0]), ['stcpr', 'swsr']);
});

test('a token is asked for, and an open address without one is refused', async (t) => {
  const { address, call } = await startVisor(t, { gateway: { token } });
  const without = await call(['kernel', 'status']);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^visor: [^\n]*--token or VISOR_TOKEN\n$/);
  assert.equal((await call(['kernel', 'status'], { VISOR_TOKEN: 'wrong-horse-battery' })).code, 1);
  const config = await call(['kernel', 'config'], { VISOR_TOKEN: token });
  assert.equal(config.code, 0, config.stderr);
  assert.ok(!config.stdout.includes(token), 'a token is shown to nobody');
  assert.equal((await call(['kernel', 'status', '--token', token])).code, 0);
  assert.equal((await fetch(`${address}/api`)).status, 401);

  const file = path.join(temporaryFolder(t), 'open.json');
  writeFileSync(file, JSON.stringify({ plugins: [{ plugin: 'gateway', config: { listen: 'tcp://0.0.0.0:0' } }] }));
  const open = await run(t, visorProgram, ['run', '--config', file]);
  assert.equal(open.code, 1);
  assert.match(open.text, /tcp:\/\/0\.0\.0\.0:0.*"token"/);
});

test('a key is made once, for its owner alone', async (t) => {
  const file = path.join(temporaryFolder(t), 'visor.key');
  const made = await visor(['keygen', file]);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /^0[23][0-9a-f]{64}\n$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const secret = readFileSync(file, 'utf8');
  const again = await visor(['keygen', file]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /exists already/);
  assert.equal(readFileSync(file, 'utf8'), secret);
});

test('the log: text or JSON lines, levels for each instance', async (t) => {
  const { program } = await startVisor(t, { args: ['--log-json'], log: { level: 'warn', instances: { gateway: 'debug', kernel: 'info' } } });
  await program.stop();
  assert.equal(program.exit.code, 0);
  const records = program.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  assert.ok(records.some(({ instance, level }) => instance === 'gateway' && level === 'debug'));
  assert.deepEqual([...new Set(records.map(({ instance }) => instance))].sort(), ['gateway', 'kernel']);
  for (const { time } of records) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const text = await startVisor(t);
  assert.match(text.program.text(), /^\d\d:\d\d:\d\d\.\d{3} info {2}gateway: listening on http:/m);
});
