/** Debug builds: what gives them away, what does not, and what the verdict says of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildNotes } from '../../src/experiment/verdict/verdict-build.js';
import { debugBuildOf } from '../../src/machine/role/debug-build.js';
import type { TrialRecord } from '../../src/data/record/record.js';

const HAPROXY = [
  'HAProxy version 2.6.12-1+deb12u4',
  '  CFLAGS  = -O2 -g -O2 -fstack-protector-strong -Wformat',
  '  DEBUG   = -DDEBUG_STRICT -DDEBUG_MEMORY_POOLS',
].join('\n');
const maps = (library: string) => [`7f00-7f01 r-xp 00000000 08:01 42 ${library}`];

describe('a debug build', () => {
  for (const [what, build, loaded, expected] of [
    ["HAProxy's usual package", HAPROXY, [], null],
    ['HAProxy that looks after its memory', `${HAPROXY} -DDEBUG_UAF`, [], '-DDEBUG_UAF'],
    ['one compiled without optimisation', HAPROXY.replaceAll('-O2', '-O0'), [], '-O0'],
    ['one with a sanitizer', `${HAPROXY} -fsanitize=address`, [], '-fsanitize=address'],
    ['nginx with its log', 'configure arguments: --with-compat --with-debug', [], null],
    ['nginx without', "configure arguments: --with-compat --with-cc-opt='-g -O2'", [], null],
    ['what is only named alike', '--with-debugger -O01 x-O0', [], null],
    ['a library of a sanitizer', '', maps('/usr/lib/gcc/libasan.so.8'), 'AddressSanitizer'],
    ['ThreadSanitizer', '', maps('/usr/lib/libtsan.so.2.0.0'), 'ThreadSanitizer'],
    ['an ordinary program', '', maps('/usr/lib/x86_64-linux-gnu/libc.so.6'), null],
  ] as const) {
    it(what, () => {
      assert.equal(debugBuildOf(build, loaded), expected);
    });
  }
});

describe('the verdict', () => {
  it('names a debug build once, and nobody else', () => {
    const trial = (forwarder: string, detail: TrialRecord['forwarder_detail']) =>
      ({ forwarder, forwarder_detail: detail }) as TrialRecord;
    const built = trial('nginx', { debug_build: '-O0' });
    const notes = buildNotes([built, built, trial('copy', {})]);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /^nginx is a debug build \(-O0\)/);
  });
});
