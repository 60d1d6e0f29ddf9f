// The page's modules that need no browser: lines of the console, where windows may be, histories, keys that people bring.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineError, complete, parseLine, usageOf, wordsOf } from '../../web/page/command-line.js';
import { cascade, fit, kLeast, readRect, resize } from '../../web/page/desktop/geometry.js';
import { History } from '../../web/page/history.js';
import { readIdentity } from '../../web/page/identity-text.js';

const instances = [
  { name: 'kernel', plugin: 'kernel', commands: [
    { name: 'status', summary: 'State', arguments: { type: 'object', additionalProperties: false } },
    { name: 'log', summary: 'The log', streams: true, arguments: { type: 'object', properties: {
      tail: { type: 'integer', minimum: 0, maximum: 1000 }, follow: { type: 'boolean' }, level: { enum: ['info', 'warn'] }, instance: { type: 'string' } } } },
    { name: 'secret', summary: 'Not shown', hidden: true, arguments: {} }] },
  { name: 'links', plugin: 'transports', commands: [
    { name: 'add', summary: 'Adds', arguments: { type: 'object', required: ['pk'], properties: {
      pk: { type: 'string' }, interval_ms: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } }, more: { type: 'object' } } } }] },
];
const argsOf = (line) => parseLine(line, instances).args;
const mistake = (line) => {
  try {
    parseLine(line, instances);
  } catch (error) {
    assert.ok(error instanceof LineError, String(error));
    return error.message;
  }
  return assert.fail(`${line}: no mistake was found`);
};

test('lines become words as in a shell', () => {
  const texts = (line) => wordsOf(line).map(({ text }) => text);
  assert.deepEqual(texts('  a  "b c" d\\ e \'f"\\\' ""'), ['a', 'b c', 'd e', 'f"\\', '']);
  assert.equal(wordsOf('a "b').at(-1).open, true);
  assert.deepEqual(texts(''), []);
});

test('arguments have the types of their schema', () => {
  assert.deepEqual(argsOf('kernel log --tail 3 --no-follow --level=warn'), { tail: 3, follow: false, level: 'warn' });
  assert.deepEqual(argsOf('kernel log --follow --tail=0'), { follow: true, tail: 0 });
  assert.deepEqual(argsOf('kernel log --follow false --instance 7'), { follow: false, instance: '7' });
  assert.deepEqual(argsOf('links add --pk 02 --interval-ms 5 --tags a --tags b --more \'{"x":1}\''), { pk: '02', interval_ms: 5, tags: ['a', 'b'], more: { x: 1 } });
  assert.deepEqual(argsOf('kernel log --args \'{"tail":2}\' --level info'), { tail: 2, level: 'info' });
});

test('a mistake is told with what was meant', () => {
  assert.match(mistake('kernl status'), /no instance "kernl".*"kernel"/);
  assert.match(mistake('kernel'), /status, log$/);
  assert.match(mistake('kernel statsu'), /"status"/);
  assert.match(mistake('kernel log --tial 3'), /--tial; did you mean "--tail"/);
  assert.match(mistake('kernel log --tail many'), /tail: expected integer, got "many"/);
  assert.match(mistake('kernel log --tail'), /--tail needs a value/);
  assert.match(mistake('kernel log --tail 1 --tail 2'), /given twice/);
  assert.match(mistake('kernel log now'), /expected --key value/);
  assert.match(mistake('kernel status --x 1'), /takes no arguments/);
  assert.match(mistake('kernel log --instance "x'), /not closed/);
  assert.match(mistake('kernel log --args []'), /JSON object/);
});

test('completions come from the rows', () => {
  const own = [{ name: 'help', summary: '' }];
  const texts = (line) => complete(line, instances, own).choices.map(({ text }) => text);
  assert.deepEqual(texts(''), ['kernel', 'links', 'help']);
  assert.deepEqual(texts('ke'), ['kernel']);
  assert.deepEqual(texts('kernel '), ['status', 'log']);
  assert.deepEqual(texts('help kernel l'), ['log']);
  assert.deepEqual(texts('kernel log --'), ['--tail', '--follow', '--level', '--instance']);
  assert.deepEqual(texts('kernel log --tail 3 --'), ['--follow', '--level', '--instance']);
  assert.deepEqual(texts('kernel log --level '), ['info', 'warn']);
  assert.deepEqual(texts('nobody '), []);
  assert.equal(complete('kernel lo', instances, own).from, 7);
  assert.equal(usageOf('links', instances[1].commands[0]), 'links add --pk STRING [--interval-ms INTEGER] [--tags ARRAY] [--more OBJECT]');
});

test('windows stay on the desktop, whatever is asked of them', () => {
  const area = { width: 1000, height: 700 };
  const inside = ({ x, y, width, height }, { width: w, height: h }) => x >= 0 && y >= 0 && x + width <= w && y + height <= h;
  assert.deepEqual(fit({ x: -50, y: 9000, width: 400, height: 300 }, area), { x: 0, y: 400, width: 400, height: 300 });
  assert.deepEqual(resize({ x: 100, y: 100, width: 400, height: 300 }, 'nw', 500, -500, area), { x: 220, y: 0, width: 280, height: 400 });
  let seed = 7;
  const random = (most) => { seed = (seed * 1103515245 + 12345) % 2 ** 31; return seed % most; };
  for (let i = 0; i < 2000; ++i) {
    const room = { width: 200 + random(2000), height: 120 + random(1500) };
    const rect = fit({ x: random(5000) - 2500, y: random(5000) - 2500, width: random(4000), height: random(4000) }, room);
    assert.ok(inside(rect, room), JSON.stringify({ rect, room }));
    assert.ok(inside(cascade({ width: random(2000), height: random(2000) }, random(12), room), room));
    if (room.width < kLeast.width || room.height < kLeast.height) continue;
    const changed = resize(rect, ['n', 'se', 'w', 'nw'][random(4)], random(4000) - 2000, random(4000) - 2000, room);
    assert.ok(inside(changed, room) && changed.width >= kLeast.width && changed.height >= kLeast.height, JSON.stringify({ rect, changed, room }));
  }
  assert.equal(readRect({ x: 1, y: 2, width: 'wide', height: 4 }), null);
  assert.equal(readRect(null), null);
});

test('rates and sums survive transports that come, go and start again', () => {
  const history = new History();
  const row = (id, sent, epoch = 'a') => ({ id, epoch, latency_ms: 2, sent_bytes: sent, received_bytes: 0 });
  history.add([row('x', 0)], 0);
  history.add([row('x', 1000), row('y', 500)], 1000);
  assert.deepEqual(history.of('x').sent, [{ t: 1000, v: 1000 }]);
  assert.equal(history.sum.sent_bytes, 1500);
  history.add([row('y', 500)], 2000);
  assert.equal(history.sum.sent_bytes, 1500, 'what a closed transport carried is not lost');
  history.add([row('y', 100, 'b')], 3000);
  assert.equal(history.sum.sent_bytes, 1600, 'counters that start again add to it');
  assert.ok(history.total.sent.every(({ v }) => v >= 0));
  for (let t = 4000; t < 500000; t += 1000) history.add([row('y', t, 'b')], t);
  assert.equal(history.of('y').latency.length, 120, 'it is bounded');
});

test('keys that people bring are checked before anything is replaced', () => {
  const key = '1f'.repeat(32);
  assert.deepEqual(readIdentity(` ${key.toUpperCase()}\n`), { secretKey: key, pk: null });
  assert.deepEqual(readIdentity(`{"sk":"${key}","pk":"02AB"}`), { secretKey: key, pk: '02ab' });
  for (const [text, words] of [['', /64 hex/], ['abc', /got 3 characters/], [`${key}0`, /got 65/], ['g'.repeat(64), /not all of them hex/], ['00'.repeat(32), /no secret key/],
    ['f'.repeat(64), /no secret key/], ['fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', /no secret key/], ['{', /not JSON/], ['{}', /no "sk"/]]) {
    assert.throws(() => readIdentity(text), words, text);
  }
  assert.ok(readIdentity('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140'));
});
