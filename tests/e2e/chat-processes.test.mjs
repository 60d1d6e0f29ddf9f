// Groups of real processes: two and ten that start at the same instant, a member added while the founder is away, one who is
// removed, and kill -9 of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Member, Visor, kFirstMs, kWithinMs } from './relay-network.mjs';
import { until, wholeFile } from './support.mjs';

const kMembers = 10;

/* A process that is started again in one test goes on in the next. */
const hub = await new Visor(wholeFile, 'hub', [{ plugin: 'fetch' }, { plugin: 'dmsg_server', config: { listen: 'tcp://127.0.0.1:0', interval_ms: 1000 } }]).start();
const [, relay] = await hub.program.line(/relaying at (tcp:\/\/\S+)/);
/* They find each other by the hub, which relays for all. */
const member = (name) => new Member(wholeFile, name, { servers: [{ pk: hub.pk, address: relay }], interval_ms: 1000 }, { networks: ['dmsg'], retry_ms: 200, max_retry_ms: 1000 });
const all = Array.from({ length: kMembers }, (_, i) => member(`member ${i}`));
await Promise.all(all.map((one) => one.start()));
const everybody = (members, group, texts, what) => Promise.all(members.map((one) => until(() => one.heard(group), (heard) => texts.every((text) => heard.includes(text)), kWithinMs, `${what} at ${one.name}`)));

/** Makes a group, lets all join, and restarts all at the same instant: how long the first message takes to each. */
async function together(members, name, t) {
  const [founder, ...others] = members;
  const { id, invite } = await founder.chat('group_create', { name, members: others.map(({ pk }) => pk) });
  await Promise.all(others.map((one) => one.chat('group_join', { invite })));
  await Promise.all(members.map((one) => until(() => one.chat('group_show', { group: id }), ({ members: count }) => count === members.length, kWithinMs, `${one.name} knows all`)));
  await Promise.all(members.map((one) => one.kill()));
  await Promise.all(members.map((one) => one.start()));
  const began = performance.now();
  await founder.say(id, `first in ${name}`);
  await everybody(members, id, [`first in ${name}`], 'the first message');
  const tookMs = Math.round(performance.now() - began);
  t.diagnostic(`${members.length} processes started at the same instant: the first message was everywhere after ${tookMs} ms`);
  return { id, invite, tookMs };
}

test('two that start at the same instant', async (t) => {
  const { tookMs } = await together(all.slice(0, 2), 'two', t);
  assert.ok(tookMs < 5 * kFirstMs, `${tookMs} ms`);
});

test('ten that start at the same instant, and what happens to them', async (t) => {
  const [founder, second, ...others] = all.slice(0, kMembers - 1);
  const late = all.at(-1);
  const members = [founder, second, ...others];
  const { id, invite, tookMs } = await together(members, 'many', t);
  assert.ok(tookMs < 5 * kFirstMs, `${tookMs} ms`);

  await t.test('one is added while the founder is away', async () => {
    await founder.chat('group_promote', { group: id, peer: second.pk });
    await until(() => second.chat('group_show', { group: id }), ({ admin }) => admin, kWithinMs, 'the second an admin');
    await founder.kill();
    await second.chat('group_add', { group: id, peer: late.pk });
    await late.chat('group_join', { invite });
    await late.say(id, 'late');
    await second.say(id, 'welcome');
    await everybody([second, late, ...others], id, ['late', 'welcome'], 'what was said without the founder');
    await founder.start();
    await everybody([founder], id, ['late', 'welcome'], 'what the founder missed');
  });

  await t.test('who is removed reads nothing new', async () => {
    const out = others[0];
    await founder.chat('group_remove', { group: id, peer: out.pk });
    await until(() => out.chat('group_show', { group: id }), ({ status }) => status === 'revoked', kWithinMs, 'told');
    await founder.say(id, 'without them');
    const rest = [second, late, ...others.slice(1)];
    await everybody(rest, id, ['without them'], 'the others');
    assert.ok(!(await out.heard(id)).includes('without them'));
  });

  await t.test('kill -9 of members loses and doubles nothing', async () => {
    const rest = [founder, second, late, ...others.slice(1)];
    const said = [];
    const killed = [founder, second, late];
    for (const [i, one] of killed.entries()) {
      said.push(`before kill ${i}`);
      await one.say(id, said.at(-1));
      await one.kill(); // at once: nothing was waited for
    }
    await others.at(-1).say(id, 'while they are away');
    await Promise.all(killed.map((one) => one.start()));
    said.push('while they are away');
    await everybody(rest, id, said, 'everything');
    const views = await Promise.all(rest.map((one) => one.heard(id)));
    for (const view of views) {
      assert.equal(new Set(view).size, view.length, 'none twice');
      assert.deepEqual(view, views[0], 'one order');
    }
  });
});

test('what is sent to somebody who is away arrives once and in order, whoever is killed meanwhile', async () => {
  const [from, to] = all;
  const texts = Array.from({ length: 60 }, (_, i) => `kept ${i}`);
  const arrived = async () => (await to.chat('history', { peer: from.pk, limit: 1000 })).map(({ text }) => text);
  await to.kill();
  for (const text of texts) assert.equal((await from.chat('send', { to: to.pk, text, wait_ms: 0 })).state, 'pending');
  await from.kill();
  await Promise.all([from.start(), to.start()]);
  await until(arrived, (some) => some.length > 0, kWithinMs, 'the first of them');
  await from.kill(); // while the others arrive
  await from.start();
  await to.kill();
  await to.start();
  await until(arrived, (some) => some.length >= texts.length, kWithinMs, 'all of them');
  await until(() => from.chat('history', { peer: to.pk, limit: 1000 }), (rows) => rows.every(({ state }) => state === 'received'), kWithinMs, 'all acknowledged');
  assert.deepEqual(await arrived(), texts);
  assert.equal((await from.chat('status')).waiting.messages, 0);
});
