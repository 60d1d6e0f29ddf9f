// A stranger's plugins, built against the installed SDK without this tree, run in the installed visor.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { keptFolder, keptReleases } from '../../sdk/abi/abi.mjs';
import { Program, temporaryFolder } from '../e2e/support.mjs';
import { buildProject, codeBlocks, copyTemplate, install, prefix, project, run, tidy, work } from './support.mjs';

const visor = path.join(prefix, 'bin/visor');
const template = path.join(work, 'template');
const toPrefix = `-DCMAKE_PREFIX_PATH=${prefix}`;
const pkgConfig = (...args) => run('pkg-config', [...args, 'visor-plugin'], { env: { ...process.env, PKG_CONFIG_PATH: path.join(prefix, 'lib/pkgconfig') } }).trim();

/** A visor with these plugins and a gateway; gives (instance, command, ...arguments) => what the command prints. */
async function start(t, plugins, program = visor, ...options) {
  const folder = temporaryFolder(t);
  const config = path.join(folder, 'visor.json');
  const gateway = { plugin: 'gateway', config: { listen: 'tcp://127.0.0.1:0' } };
  writeFileSync(config, JSON.stringify({ identity: { file: path.join(folder, 'key') }, directory: folder, plugins: [gateway, ...plugins] }));
  const running = new Program(t, program, ['run', '--config', config, ...options]);
  const [, address] = await running.line(/listening on (?:tcp|http):\/\/(\S+)/);
  return (...words) => run(visor, [...words, '--gateway', `http://${address}`]);
}

/** What every hello answers, whatever it was built against. */
function greets(call) {
  assert.deepEqual(JSON.parse(call('hello', 'greet', '--name', 'Ada')), { text: 'Good day, Ada' });
  assert.deepEqual(call('hello', 'count', '--to', '3').trim().split('\n').map(Number), [1, 2, 3]);
  assert.throws(() => call('hello', 'greet'), /name/);
  assert.equal(JSON.parse(call('hello', 'status')).greeted, 1);
}
const hello = { plugin: 'hello', config: { greeting: 'Good day' } };

before(install);
after(tidy);

test('the template: find_package, build, install, run', async (t) => {
  copyTemplate('template');
  const out = buildProject(template, toPrefix);
  run('cmake', ['--install', out, '--prefix', prefix]);
  const symbols = run('nm', ['-D', '--defined-only', path.join(prefix, 'lib/visor/visor-hello.so')]).trim();
  assert.match(symbols, /^\w+ \w visor_plugin_hello$/);
  assert.match(run(visor, ['check', path.join(prefix, 'lib/visor/visor-hello.so')]), /hello/);
  greets(await start(t, [hello]));
});

test('a bundle: the same plugin linked into a visor of one\'s own', async (t) => {
  const lists = path.join(template, 'CMakeLists.txt'); // as the test before has built it
  appendFileSync(lists, 'visor_bundle(visor-hello PLUGINS hello gateway storage_memory)\n');
  const program = path.join(buildProject(template, toPrefix), 'visor-hello');
  const listed = run(program, ['plugins']);
  for (const name of ['hello', 'gateway', 'storage_memory']) assert.match(listed, new RegExp(`^${name} .*\\n  from bundled`, 'm'));
  greets(await start(t, [hello], program));
});

test('mistakes in a CMakeLists.txt are named', () => {
  const lists = (rest) => `cmake_minimum_required(VERSION 3.25)\nproject(a LANGUAGES C CXX)\nfind_package(Visor ${rest}`;
  const refused = (rest, why) => assert.throws(() => buildProject(project('mistake', { 'CMakeLists.txt': lists(rest) }), toPrefix), why);
  refused('0.1 REQUIRED)\nvisor_bundle(mine PLUGINS nothing)\n', /there is no plugin 'nothing'/);
  refused('0.1 REQUIRED)\nvisor_add_plugin(My-Plugin SOURCES a.c)\n', /of the form \[a-z\]/);
  refused('0.1 REQUIRED COMPONENTS nonsense)\n', /no component 'nonsense'/);
  refused('9.0 REQUIRED)\n', /compatible\s+with\s+requested\s+version\s+"9\.0"/);
});

test('pkg-config and a plugin in C', async (t) => {
  const version = readFileSync(new URL('../../CMakeLists.txt', import.meta.url), 'utf8').match(/project\(Visor VERSION (\S+)/)[1];
  assert.equal(pkgConfig('--modversion'), version);
  assert.equal(path.resolve(pkgConfig('--variable=plugindir')), path.join(prefix, 'lib/visor'));
  const source = new URL('plain.c', import.meta.url).pathname;
  run('cc', ['-std=c11', '-Wall', '-Wextra', '-pedantic', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden', source,
    ...pkgConfig('--cflags').split(/\s+/), '-o', path.join(prefix, 'lib/visor/visor-plain.so')]);
  const call = await start(t, [{ plugin: 'plain' }]);
  assert.deepEqual(JSON.parse(call('plain', 'echo', '--text', 'ABC')), { text: 'ABC' });
});

test('the README\'s plugin', async (t) => {
  const [source, lists] = codeBlocks('README.md', '## A plugin in twenty lines');
  assert.equal(source.language, 'cpp');
  assert.ok(source.text.trim().split('\n').length <= 20, 'it has twenty lines');
  const out = buildProject(project('readme', { 'echo.cpp': source.text, 'CMakeLists.txt': lists.text }), toPrefix);
  run('cmake', ['-E', 'copy', path.join(out, 'plugins/visor-echo.so'), path.join(prefix, 'lib/visor')]);
  const call = await start(t, [{ plugin: 'echo' }]);
  assert.deepEqual(JSON.parse(call('echo', 'say', '--text', 'here')), { text: 'here' });
});

test('the guide\'s examples compile', () => {
  const block = (heading) => codeBlocks('docs/plugin-guide.md', heading).find(({ language }) => language === 'cpp').text;
  const source = `#include <visor/plugin.hpp>
    class Notes final : public visor::Instance {
     public:
      using Instance::Instance;
      void start(Started started) override;
      visor::Task open(Started started);
      visor_status store();
      void network();
      void heard(visor::ByteView) {}
      void gone(const visor::Error&) {}
      visor::Owned<visor_kv> kv_;
      visor::Listener listener_;
      visor::Stream stream_;
      visor::Task task_;
    };
    ${block('## Waiting')}
    visor_status Notes::store() { ${block('## Storage')} return status; }
    void Notes::network() { ${block('## Network')} }
    ${block('## The instance')}`;
  const folder = project('guide', { 'guide.cpp': source });
  run('c++', ['-std=c++23', '-Wall', '-Wextra', '-fsyntax-only', `-I${prefix}/include`, path.join(folder, 'guide.cpp')]);
});

for (const version of keptReleases()) {
  test(`plugins built against ${version} run on today's host`, async (t) => {
    const kept = keptFolder(version);
    const folder = path.join(work, version);
    run('cmake', ['-E', 'make_directory', folder]);
    for (const plugin of ['storage_memory', 'gateway']) run('cmake', ['-E', 'copy', path.join(prefix, `lib/visor/visor-${plugin}.so`), folder]);
    run('c++', ['-std=c++23', '-shared', '-fPIC', '-fvisibility=hidden', `-I${kept}/include`, path.join(kept, 'template/hello.cpp'),
      '-lboost_json', '-o', path.join(folder, 'visor-hello.so')]);
    greets(await start(t, [hello], visor, '--plugin-dir', folder));
  });
}
