// visor-chat as people use it: in a pseudo-terminal, whose screen is read as a terminal shows it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Visor } from './relay-network.mjs';
import { json, until, wholeFile } from './support.mjs';
import { Terminal, keys, kWithinMs } from './terminal.mjs';

const program = process.env.VISOR_CHAT;

const visor = (name, peers = []) => new Visor(wholeFile, name, [{ plugin: 'storage_memory', as: 'disk' },
  { plugin: 'transports', config: { listen: 'tcp://127.0.0.1:0', interval_ms: 1000, peers } }, { plugin: 'feeds', config: { drive: 'disk' } },
  { plugin: 'chat', config: { drive: 'disk', networks: ['skynet'] } }]).start();
const here = await visor('here');
const { listening } = await json(`${here.gateway}/api/transports/status`);
const there = await visor('there', [{ pk: here.pk, type: 'stcpr', address: listening.stcpr }]);
const far = (command, args = {}) => json(`${there.gateway}/api/chat/${command}`, { method: 'POST', body: JSON.stringify(args) });
const short = (pk) => `${pk.slice(0, 8)}…${pk.slice(-4)}`;

test('help, and what is no terminal', () => {
  const help = spawnSync(program, ['--help'], { encoding: 'utf8' });
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--gateway/);
  assert.match(help.stdout, /Examples:\n {2}visor-chat/);
  assert.equal(spawnSync(program, ['--nonsense']).status, 2);
  const piped = spawnSync(program, [], { encoding: 'utf8' });
  assert.equal(piped.status, 3);
  assert.match(piped.stderr, /needs a terminal.*visor chat send/);
});

test('without colours, and where the terminal has none', async (t) => {
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'vt100' }]) {
    const terminal = new Terminal(t, `--gateway ${here.gateway}`, 80, 20, env);
    await terminal.shows(/connected with http:/);
    terminal.type(`/nonsense${keys.enter}`);
    await terminal.shows(/there is no \/nonsense/);
    terminal.type(keys.leave);
    assert.equal(await terminal.exited, 0);
    assert.doesNotMatch(terminal.said, /\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])(;[0-9;]*)?m/, JSON.stringify(env));
  }
});

test('a conversation and a group in a terminal', async (t) => {
  const terminal = new Terminal(t, `--gateway ${here.gateway}`, 100, 24);
  await terminal.shows(/connected with http:/);
  await terminal.shows(/Enter send .* F1 help/);

  await far('send', { to: here.pk, text: 'grüße 你好 \u001b[2J\u0007 <b>end</b>' });
  await terminal.shows(new RegExp(`${short(there.pk)} \\(1\\)`));
  terminal.type(keys.tab);
  await terminal.shows(/grüße 你好 �\[2J� <b>end<\/b>/); // what would clear the screen is shown, not done
  await until(() => far('history', { peer: here.pk }), ([message]) => message.state === 'read', kWithinMs, 'read there');

  terminal.type(`${keys.answer}ça va? 👍`);
  await terminal.shows(/↳ .*grüße/);
  terminal.type(keys.enter);
  const answer = await until(() => far('history', { peer: here.pk }), (rows) => rows.find(({ out }) => !out), kWithinMs, 'the answer there');
  assert.equal(answer.text, 'ça va? 👍');
  assert.ok(answer.reply_to);
  await terminal.shows(/you ✓✓/);
  await far('read', { peer: here.pk });
  await terminal.shows(/you ✓✓ read/);
  terminal.type(`/unsend${keys.enter}`);
  await terminal.shows(/\(taken back\)/);

  terminal.type(`/nonsense${keys.enter}`);
  await terminal.shows(/there is no \/nonsense; F1 shows/);
  terminal.type(keys.help);
  await terminal.shows(/Keys and commands[^]*\/join LINK/);
  terminal.type(`/group pals${keys.enter}`);
  await terminal.shows(/# pals/);
  terminal.type(`/add ${there.pk}${keys.enter}`);
  await terminal.shows(/add: done/);
  const [group] = await json(`${here.gateway}/api/chat/group_list`);
  const { invite } = await json(`${here.gateway}/api/chat/group_invite`, { method: 'POST', body: JSON.stringify({ group: group.id }) });
  await far('group_join', { invite });
  terminal.type(`hello group${keys.enter}`);
  await until(() => far('group_messages', { group: group.id }), (rows) => rows[0]?.text === 'hello group', kWithinMs, 'it in the group there');
  await far('group_send', { group: group.id, text: 'a line that is long enough to be broken where the screen is narrow, at a space' });
  await terminal.shows(/a line that is long enough/);

  terminal.resize(50, 16);
  await terminal.shows(/^# ?pals|^pals {2}private, 2 members/m); // one side at a time
  await terminal.shows(/a line that is long enough to be broken where/);
  await until(() => terminal.lines(), (lines) => lines.every((line) => line.length <= 50) && /Enter send/.test(lines[15]), kWithinMs, 'all of it within 50 columns');
  terminal.resize(100, 24);
  await terminal.shows(/Rooms/);

  terminal.type('half a thought');
  await terminal.shows(/> half a thought/);
  await here.kill();
  await terminal.shows(/not connected, trying again/);
  await here.start();
  await until(() => terminal.lines().at(-1), (line) => !line.includes('not connected'), kWithinMs, 'connected again');
  await terminal.shows(/# pals[^]*> half a thought/); // the room, and what was being written
  await there.kill();
  await here.kill();
  await terminal.shows(/not connected, trying again/);
  terminal.type(keys.leave);
  assert.equal(await terminal.exited, 0, terminal.said.slice(-3000));
  assert.match(terminal.said.slice(-200), /\[\?1049l/, 'the screen is given back');
});
