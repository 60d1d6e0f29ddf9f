// The ABI may grow at the end and nowhere else: headers that were changed on purpose must be refused, or let through.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { breaks, keptReleases, structs, todaysHeaders } from '../../sdk/abi/abi.mjs';

const layout = fileURLToPath(new URL('../../sdk/abi/layout.c', import.meta.url));

/** A copy of today's headers in which `from` has become `to`. */
function changed(t, file, from, to) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'visor-abi-'));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(todaysHeaders, folder, { recursive: true });
  const name = path.join(folder, 'visor', file);
  const text = readFileSync(name, 'utf8');
  assert.equal(text.split(from).length, 2, `${file} has "${from}" once`);
  writeFileSync(name, text.replace(from, to));
  return folder;
}

/** What the compiler says of sdk/abi/layout.c with these headers; empty if every row holds. */
function layoutErrors(include, ...target) {
  const compiler = target.length ? 'clang-19' : 'cc';
  const { status, stderr } = spawnSync(compiler, [...target, '-std=c11', '-fsyntax-only', `-I${include}`, layout], { encoding: 'utf8' });
  assert.equal(status !== 0, stderr !== '', stderr);
  return stderr;
}

const refused = {
  'a function put in before others': ['storage.h', '  visor_status (*get)(visor_kv *', '  visor_status (*count)(visor_kv *, uint64_t *);\n  visor_status (*get)(visor_kv *'],
  'a function taken away': ['net.h', '  void (*end)(visor_stream *);', '  '],
  'an argument of another type': ['net.h', 'void (*pause)(visor_stream *, bool paused);', 'void (*pause)(visor_stream *, double paused);'],
  'a function at the end, beside one that was changed': ['feed.h', 'void (*close)(visor_feed *);', 'visor_status (*close)(visor_feed *);\n  void (*more)(visor_feed *);'],
  'a value that grew': ['abi.h', '  visor_span value; /* empty', '  visor_span value, more; /* empty'],
  'a row that grew in the middle': ['net.h', '  uint32_t size, state;\n', '  uint32_t size, state;\n  uint64_t flags;\n'],
};

test('today\'s headers keep what every release promised', () => {
  assert.ok(keptReleases().length > 0);
  for (const version of keptReleases()) assert.equal(breaks(version, todaysHeaders), '', version);
});

test('a function at the end of a table is let through, and so is a table of its own', (t) => {
  const include = changed(t, 'storage.h', 'void (*close)(visor_kv *); /* closes its cursors', 'void (*close)(visor_kv *);\n  visor_status (*count)(visor_kv *, uint64_t *); /* closes its cursors');
  const another = changed(t, 'storage.h', 'typedef struct visor_drive {', 'typedef struct visor_lake_api {\n  uint32_t size, caps;\n} visor_lake_api;\ntypedef struct visor_drive {');
  for (const version of keptReleases()) {
    assert.equal(breaks(version, include), '', version);
    assert.equal(breaks(version, another), '', version);
  }
  assert.equal(layoutErrors(include), '');
});

for (const [what, change] of Object.entries(refused)) {
  test(`${what} is refused`, (t) => {
    const include = changed(t, ...change);
    for (const version of keptReleases()) assert.match(breaks(version, include), /visor_\w+/, version);
  });
}

test('the rows of layout.c hold for 64-bit and wasm32, and refuse what was moved or renumbered', (t) => {
  const wasm = '--target=wasm32-wasi';
  for (const target of [[], [wasm]]) {
    assert.equal(layoutErrors(todaysHeaders, ...target), '');
    assert.match(layoutErrors(changed(t, ...refused['a function put in before others']), ...target), /visor_kv_api\.get has moved/);
    assert.match(layoutErrors(changed(t, 'abi.h', 'VISOR_EIO = -7', 'VISOR_EIO = -70'), ...target), /VISOR_EIO was renumbered/);
  }
});

test('every member of every struct has its row in layout.c', () => {
  const rows = readFileSync(layout, 'utf8');
  for (const [name, members] of Object.entries(structs(todaysHeaders))) {
    if (members.length === 1 && members[0] === 'api') {
      assert.ok(rows.includes(`OBJECT(${name})`) || rows.includes(`FIELD(${name}, api`), name);
      continue;
    }
    const table = rows.includes(`TABLE(${name})`);
    assert.ok(members.length > 0, name);
    for (const member of members) {
      const found = rows.includes(`SLOT(${name}, ${member},`) || rows.includes(`FIELD(${name}, ${member},`) || (table && (member === 'size' || member === 'caps'));
      assert.ok(found, `${name}.${member}`);
    }
  }
});
