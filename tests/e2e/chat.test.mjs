// Chat as people use it: two browsers and a native visor, one to one and in a private group, through the windows.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { keyOf, openTab } from './page.mjs';
import { Member, kFirstMs, kWithinMs } from './relay-network.mjs';
import { json, startBrowser, startDemo, until, wholeFile } from './support.mjs';

const jsQr = createRequire(new URL('../../web/package.json', import.meta.url))('jsqr');

const demo = await startDemo(wholeFile);
const browser = await startBrowser(wholeFile);
const native = demo.bootstrap.peers[1];
const nativeGateway = `http://${new URL(native.address).host}`;
/** A command of the native visor's chat. */
const nativeChat = (command, args = {}) => json(`${nativeGateway}/api/chat/${command}`, { method: 'POST', body: JSON.stringify(args) });

/** A browser of its own with nothing but the chat window. */
async function openChat(options = {}) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => { localStorage['visor-desktop'] ??= '{"order":[]}'; });
  const tab = await openTab(context, demo.address);
  const { page } = tab;
  await page.waitForFunction(() => window.skywireVisor.skychatGroupList && window.skywireVisor.status().then(({ dmsg_connected: connected, transports }) => connected && transports === 2), null, { timeout: kWithinMs });
  if (!options.hasTouch) {
    await page.click('#menu');
    await page.getByRole('menuitem', { name: 'Chat' }).click();
  }
  const chat = page.locator('#window-chat');
  return {
    ...tab, chat, context,
    message: (text) => chat.locator('.message', { hasText: text }),
    room: (name) => chat.locator('.room-button', { hasText: name }),
    field: chat.getByRole('textbox', { name: 'Message' }),
    async say(text) { await this.field.fill(text); await this.field.press('Enter'); },
    state: (text) => chat.locator('.message', { hasText: text }).locator('.state').getAttribute('data-state'),
  };
}
const shown = (locator) => locator.waitFor({ timeout: kWithinMs });
const stateIs = (tab, text, wanted) => until(() => tab.state(text), (state) => state === wanted, kWithinMs, `"${text}" ${wanted}`);

const hook = (tab, name, ...args) => tab.page.evaluate(([called, given]) => window.skywireVisor[called](...given), [name, args]);
/** What a tab's visor has of a group. */
const inTab = (tab, group) => hook(tab, 'skychatGroupReplay', group).then((rows) => JSON.parse(rows).map(({ text }) => text));
const heard = (where, texts, who) => until(where, (all) => texts.every((text) => all.includes(text)), kWithinMs, `${texts} at ${who}`);

const alice = await openChat(), bob = await openChat({ colorScheme: 'dark' });

test('one to one', async (t) => {
  await t.test('a message to a key, from a sender who was unknown, read and answered', async () => {
    await alice.chat.getByRole('button', { name: 'New', exact: true }).click();
    await alice.chat.getByLabel('Public key').fill('02');
    await alice.chat.getByRole('button', { name: 'Write', exact: true }).click();
    assert.match(await alice.chat.locator('.start-panel [role=alert]').textContent(), /66 hex digits.*got 2/);
    await alice.chat.getByLabel('Public key').fill(bob.pk);
    await alice.chat.getByLabel('Public key').press('Enter');
    await alice.say('hello <img src=x onerror="document.title=1"><b>Bob</b>');
    const chip = bob.chat.getByRole('button', { name: /^New sender 0/ });
    await shown(chip);
    await stateIs(alice, 'hello', 'received');
    await chip.click();
    await shown(bob.message('<b>Bob</b>'));
    assert.equal(await bob.page.locator('img').count(), 0, 'words stay words');
    await stateIs(alice, 'hello', 'read');
    await bob.message('<b>Bob</b>').hover();
    await bob.message('<b>Bob</b>').getByRole('button', { name: 'Reply' }).click();
    await bob.say('hi Alice');
    await shown(alice.message('hi Alice'));
    assert.match(await alice.message('hi Alice').locator('.quote').textContent(), /^You: hello </);
  });

  await t.test('over the network that was chosen', async () => {
    await alice.chat.getByLabel('Transport').selectOption('dmsg');
    await alice.say('by the relay');
    await stateIs(alice, 'by the relay', 'read');
    assert.match(await alice.message('by the relay').locator('.state').getAttribute('title'), /over dmsg$/);
  });

  await t.test('a message is taken back at both ends', async () => {
    await alice.message('by the relay').hover();
    await alice.message('by the relay').getByRole('button', { name: 'Take back' }).click();
    await shown(bob.message('This message was taken back.'));
    await shown(alice.message('This message was taken back.'));
    assert.equal(await bob.message('by the relay').count(), 0);
  });

  await t.test('what cannot be sent returns to the field', async () => {
    const long = '€'.repeat(30000);
    await alice.field.evaluate((field, text) => { field.value = text; }, long);
    await alice.field.press('Enter');
    const alert = alice.chat.locator('.room-inside > [role=alert]');
    await until(() => alert.textContent(), (text) => /at most 64 KiB/.test(text), kWithinMs, 'why');
    assert.equal(await alice.field.inputValue(), long);
    await alice.field.fill('');
  });

  await t.test('the native visor writes, is counted, found, and answered over skynet', async () => {
    const sent = await nativeChat('send', { to: alice.pk, text: 'greetings from the native visor' });
    assert.equal(sent.state, 'received');
    await until(() => alice.room('native visor').getAttribute('aria-label'), (label) => /, 1 unread$/.test(label), kWithinMs, 'one unread');
    await alice.chat.getByRole('searchbox').fill('greetings');
    await alice.chat.locator('.hits .room-button').click({ timeout: kWithinMs });
    await shown(alice.message('greetings from'));
    await alice.chat.getByRole('searchbox').fill('');
    await alice.chat.getByLabel('Transport').selectOption('skynet');
    await alice.say('and back');
    await stateIs(alice, 'and back', 'received');
    await nativeChat('read', { peer: alice.pk });
    await stateIs(alice, 'and back', 'read');
    assert.match(await alice.message('and back').locator('.state').getAttribute('title'), /over skynet$/);
  });

  await t.test('what the chat does is told line by line', async () => {
    await alice.chat.getByRole('button', { name: 'Activity' }).click();
    const lines = await alice.chat.locator('.chat-activity li').allTextContents();
    for (const words of [`dialing dmsg ${bob.pk.slice(0, 8)}:1`, `connected with ${bob.pk.slice(0, 8)}`, `message from ${native.pk.slice(0, 8)}`]) {
      assert.ok(lines.some((line) => line.includes(`skychat: ${words}`)), lines.join('\n'));
    }
    await alice.chat.getByRole('button', { name: 'Activity' }).click();
  });
});

test('a private group of two browsers and a native visor', async (t) => {
  const joined = async (tab) => tab.page.evaluate(() => JSON.parse(window.skywireVisor.skychatGroupList())[0]);

  await t.test('made, and joined by the invitation that comes as a message', async () => {
    await alice.chat.getByRole('button', { name: 'New', exact: true }).click();
    await alice.chat.getByLabel('Name', { exact: true }).fill('friends');
    await alice.chat.getByRole('button', { name: 'Make the group' }).click();
    await alice.chat.getByRole('button', { name: 'Details' }).click();
    for (const pk of [bob.pk, native.pk]) {
      await alice.chat.getByLabel('Public key of the new member').fill(pk);
      await alice.chat.getByRole('button', { name: 'Add and invite' }).click();
      await until(() => alice.chat.locator('.member-name').evaluateAll((names) => names.map(({ title }) => title)), (keys) => keys.includes(pk), kWithinMs, 'the member');
    }
    await bob.message('skychat:invite:').hover({ timeout: kWithinMs });
    await bob.message('skychat:invite:').getByRole('button', { name: 'Join this group' }).click();
    await bob.chat.getByRole('button', { name: 'Join', exact: true }).click();
    const link = await until(() => nativeChat('history', { peer: alice.pk }), (rows) => rows.find(({ text }) => text.startsWith('skychat:invite:'))?.text, kWithinMs, 'the invitation');
    assert.equal((await nativeChat('group_join', { invite: link })).name, 'friends');
    const group = await joined(alice);
    assert.deepEqual([group.name, group.mode, group.role, group.members], ['friends', 'private', 'owner', 3]);
    await until(() => joined(bob), (row) => row?.status === 'active' && row.members === 3, kWithinMs, 'Bob in it');
  });

  await t.test('the code on the screen is the invitation', async () => {
    await alice.chat.getByRole('button', { name: 'QR code' }).click();
    const modules = await alice.chat.locator('.qr path').getAttribute('d', { timeout: kWithinMs });
    const size = Number((await alice.chat.locator('.qr').getAttribute('viewBox')).split(' ')[2]);
    const scale = 3, side = size * scale;
    const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
    for (const [, x, y] of modules.matchAll(/M(\d+) (\d+)h/g)) {
      for (let i = 0; i < scale * scale; ++i) {
        const at = 4 * (((Number(y) + 4) * scale + Math.floor(i / scale)) * side + (Number(x) + 4) * scale + (i % scale));
        pixels.fill(0, at, at + 3);
      }
    }
    const read = jsQr(pixels, side, side);
    const { id } = await joined(alice);
    assert.equal(read.data, `${demo.address}/#${await alice.page.evaluate((group) => window.skywireVisor.skychatGroupInvite(group), id)}`);
    await alice.chat.getByRole('button', { name: 'Details' }).click();
  });

  await t.test('each hears the others, in one order', async () => {
    const { id: group } = await joined(alice);
    await alice.say('first');
    await shown(bob.message('first'));
    await bob.message('first').hover();
    await bob.message('first').getByRole('button', { name: 'Reply' }).click();
    await bob.say('second');
    await shown(alice.message('second'));
    assert.equal(await alice.message('second').locator('.quote').textContent(), 'You: first');
    await until(() => nativeChat('group_messages', { group }), (rows) => rows.length === 2, kWithinMs, 'both natively');
    await nativeChat('group_send', { group, text: 'third' });
    for (const tab of [alice, bob]) {
      await shown(tab.message('third'));
      assert.deepEqual(await tab.chat.locator('.message .said').allTextContents(), ['first', 'second', 'third']);
    }
    assert.deepEqual((await nativeChat('group_messages', { group })).map(({ text }) => text), ['first', 'second', 'third']);
  });

  await t.test('who is removed sees it, and hears nothing more', async () => {
    await alice.chat.getByRole('button', { name: 'Details' }).click();
    await alice.chat.locator('.members-list li', { has: alice.page.locator(`[title="${bob.pk}"]`) }).getByRole('button', { name: 'Remove' }).click();
    await until(() => bob.field.getAttribute('placeholder'), (words) => /no longer in this group/.test(words), kWithinMs, 'Bob told');
    await alice.chat.getByRole('button', { name: 'Details' }).click();
    await alice.say('without Bob');
    const { id: group } = await joined(alice);
    await until(() => nativeChat('group_messages', { group }), (rows) => rows.some(({ text }) => text === 'without Bob'), kWithinMs, 'the native visor');
    assert.equal(await bob.message('without Bob').count(), 0);
  });
});

test('while the founder, a tab, is closed: the others hear each other, and one more is added', async () => {
  const carol = await openChat();
  assert.deepEqual(await carol.page.evaluate(() => ['skychatMessages', 'skychatGroupList', 'skychatGroupMessages'].map((hook) => window.skywireVisor[hook]())), ['[]', '[]', '[]'], 'lists, never null');
  const { id: group, invite } = await hook(carol, 'skychatGroupCreate', 'without Carol', 'private');
  assert.deepEqual(await hook(carol, 'skychatGroupAddMember', group, bob.pk), { id: group, members: 2 });
  assert.deepEqual(await hook(carol, 'skychatGroupAddMember', group, native.pk), { id: group, members: 3 });
  assert.deepEqual(await hook(bob, 'skychatGroupJoin', invite), { id: group, name: 'without Carol' });
  await nativeChat('group_join', { invite });
  await hook(carol, 'call', 'chat', 'group_promote', { group, peer: native.pk });
  await hook(carol, 'skychatGroupSend', group, 'hello');
  const natively = () => nativeChat('group_messages', { group }).then((rows) => rows.map(({ text }) => text));
  await Promise.all([heard(() => inTab(bob, group), ['hello'], 'Bob'), heard(natively, ['hello'], 'the native visor')]);
  await until(() => nativeChat('group_show', { group }), ({ admin }) => admin, kWithinMs, 'the native visor an admin');
  assert.deepEqual(carol.problems, []);
  await carol.context.close();

  await nativeChat('group_send', { group, text: 'she is gone' });
  await hook(bob, 'skychatGroupSend', group, 'so she is');
  await nativeChat('group_add', { group, peer: alice.pk });
  await hook(alice, 'skychatGroupJoin', (await nativeChat('group_invite', { group })).invite);
  await hook(alice, 'skychatGroupSend', group, 'I am late');
  const said = ['she is gone', 'so she is', 'I am late'];
  await Promise.all([heard(() => inTab(alice, group), said, 'Alice'), heard(() => inTab(bob, group), said, 'Bob'), heard(natively, said, 'the native visor')]);
});

test('a tab and a native visor that start at the same instant', async (t) => {
  const native = await new Member(wholeFile, 'native', { ...demo.bootstrap.dmsg, interval_ms: 1000 }).start();
  const tab = await openTab(await browser.newContext(), demo.address);
  const { id: group, invite } = await native.chat('group_create', { name: 'again', members: [tab.pk] });
  /** In memory alone: after each start it enters by its invitation, and says something at once. */
  const enter = async (text) => {
    await tab.page.waitForFunction(() => window.skywireVisor);
    await hook(tab, 'boot');
    const upMs = performance.now();
    await hook(tab, 'call', 'chat', 'group_join', { invite });
    await hook(tab, 'skychatGroupSend', group, text);
    return upMs;
  };
  const said = async (text) => {
    await native.start();
    const upMs = performance.now();
    await native.say(group, text);
    return upMs;
  };
  await enter('before');
  await native.say(group, 'as before');
  await Promise.all([heard(() => inTab(tab, group), ['before', 'as before'], 'the tab'), heard(() => native.heard(group), ['before', 'as before'], 'the native visor')]);

  await native.kill();
  const began = performance.now();
  const arrived = (where, text, who) => heard(where, [text], who).then(() => performance.now());
  const [[nativeMs, atNativeMs], [tabMs, atTabMs]] = await Promise.all([
    said('from the native visor').then(async (ms) => [ms, await arrived(() => native.heard(group), 'from the tab', 'the native visor')]),
    tab.page.reload().then(() => enter('from the tab')).then(async (ms) => [ms, await arrived(() => inTab(tab, group), 'from the native visor', 'the tab')]),
  ]);
  const since = (ms, from = began) => Math.round(ms - from);
  const tookMs = since(Math.max(atNativeMs, atTabMs), Math.max(nativeMs, tabMs));
  t.diagnostic(`started at the same instant: the native visor's chat answered after ${since(nativeMs)} ms, the tab's visor ran after ${since(tabMs)} ms; the tab had the native visor's message after ${since(atTabMs)} ms, the native visor the tab's after ${since(atNativeMs)} ms: ${tookMs} ms after both ran`);
  assert.ok(tookMs < 5 * kFirstMs, `${tookMs} ms`);
  assert.equal(await keyOf(tab.page), tab.pk);
  const view = await native.heard(group);
  assert.deepEqual([...view].sort(), ['as before', 'before', 'from the native visor', 'from the tab'], 'nothing lost, nothing twice');
  const others = ['as before', 'from the native visor', 'from the tab']; // what it said itself went with its memory
  await heard(() => inTab(tab, group), others, 'the tab');
  assert.deepEqual((await inTab(tab, group)).filter((text) => text !== 'before'), view.filter((text) => text !== 'before'), 'one order');
});

test('keyboard, scripts, a phone', async (t) => {
  await t.test('by keyboard alone', async () => {
    const { keyboard } = alice.page;
    await alice.chat.getByRole('searchbox').focus();
    const label = () => alice.page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    for (let i = 0; i < 8 && await label() !== 'native visor'; ++i) await keyboard.press('ArrowDown');
    assert.equal(await label(), 'native visor');
    await keyboard.press('Enter');
    await keyboard.type('typed');
    await keyboard.press('Shift+Enter');
    await keyboard.type('twice');
    await keyboard.press('Enter');
    await shown(alice.message('typed\ntwice'));
  });

  await t.test('the hooks', async () => {
    const answers = await alice.page.evaluate(async ([bobKey]) => {
      const { skywireVisor: visor } = window;
      const [group] = JSON.parse(visor.skychatGroupList());
      return {
        sent: await visor.skychatSend(bobKey, 'by a script', 'auto'), said: await visor.skychatGroupSend(group.id, 'by a script too'),
        unknown: await visor.skychatSend(bobKey, 'x', 'pigeon').catch(({ message }) => message), bad: await visor.skychatGroupJoin('hello').catch(({ message }) => message),
        history: JSON.parse(await visor.skychatHistory(bobKey)),
      };
    }, [bob.pk]);
    assert.deepEqual([answers.sent, answers.said], [null, null]);
    assert.match(answers.unknown, /unknown network .pigeon/);
    assert.match(answers.bad, /skychat:invite/);
    assert.equal(answers.history.at(-1).text, 'by a script');
    const last = (hook) => alice.page.evaluate((name) => JSON.parse(window.skywireVisor[name]()).at(-1), hook);
    const message = await until(() => last('skychatMessages'), (row) => row.text === 'by a script' && row, kWithinMs, 'it in skychatMessages()');
    assert.deepEqual([message.from, message.out], [bob.pk, true]);
    const said = await until(() => last('skychatGroupMessages'), (row) => row.text === 'by a script too' && row, kWithinMs, 'it in skychatGroupMessages()');
    assert.equal(said.from, alice.pk);
  });

  await t.test('a public group is found in the directory, joined, and taken out of it', async () => {
    await alice.chat.getByRole('button', { name: 'New', exact: true }).click();
    await alice.chat.getByLabel('Name', { exact: true }).fill('Kayaking');
    await alice.chat.getByLabel('Kind').selectOption('public');
    await alice.chat.getByLabel('Topic').fill('rivers <b>and</b> lakes');
    await alice.chat.getByRole('button', { name: 'Make the group' }).click();
    await shown(alice.chat.locator('.room-title', { hasText: 'Kayaking' }));
    await bob.chat.getByRole('button', { name: 'New', exact: true }).click();
    const found = bob.chat.locator('.found-groups li', { hasText: 'Kayaking' });
    const find = async (words) => {
      await bob.chat.getByLabel('Search', { exact: true }).fill(words);
      await bob.chat.getByRole('button', { name: 'Find', exact: true }).click();
      return found.count();
    };
    await until(() => find('river'), (count) => count === 1, kWithinMs, 'the group in the directory');
    assert.match(await found.locator('small').textContent(), /^rivers <b>and<\/b> lakes · 1 member · by /);
    await found.getByRole('button', { name: 'Join Kayaking' }).click();
    await shown(bob.chat.locator('.room-title', { hasText: 'Kayaking' }));
    await bob.say('who is paddling?');
    await shown(alice.message('who is paddling?'));
    await alice.chat.getByRole('button', { name: 'Details' }).click();
    const listing = alice.chat.locator('.details').getByLabel('Listed in the directory');
    await shown(listing); // until it is, it says nothing
    assert.ok(await listing.isChecked());
    await listing.uncheck();
    await until(() => nativeChat('group_directory', { search: 'kayak' }), (rows) => rows.length === 0, kWithinMs, 'it gone from the directory');
    await alice.chat.getByRole('button', { name: 'Details' }).click();
  });

  await t.test('one after the other on a phone, opened by an invitation', async () => {
    const { invite } = await alice.page.evaluate(() => window.skywireVisor.skychatGroupCreate('open house', 'public'));
    const phone = await browser.newContext({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
    const { page, problems } = await openTab(phone, `${demo.address}/#${invite}`);
    const chat = page.locator('#window-chat');
    await chat.getByRole('button', { name: 'Join', exact: true }).tap({ timeout: kWithinMs });
    await shown(chat.locator('.room-title', { hasText: 'open house' }));
    assert.ok(await chat.locator('.chat-side').isHidden());
    await chat.getByRole('textbox', { name: 'Message' }).fill('from a phone');
    await chat.getByRole('button', { name: 'Send' }).tap();
    await shown(chat.locator('.message', { hasText: 'from a phone' }));
    await alice.room('open house').click({ timeout: kWithinMs });
    await shown(alice.message('from a phone'));
    await chat.getByRole('button', { name: 'Back' }).tap();
    await shown(chat.locator('.room-button', { hasText: 'open house' }));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390), 'nothing sticks out');
    assert.deepEqual(problems, []);
  });
  assert.deepEqual([...alice.problems, ...bob.problems], []);
});
