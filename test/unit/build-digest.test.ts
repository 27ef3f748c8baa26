import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildDigest, digestOf } from '../../src/machine/host/build-digest.js';
import { buildFault } from '../../src/machine/topology/hosts/remote-hosts.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import { scratch } from '../support/folder.js';

/** A package with a little of everything. */
function put(root: string, change: Record<string, string> = {}): string {
  const files = {
    'dist/src/cli/main.js': 'main',
    'dist/src/cli/main.js.map': 'map',
    'dist/src/native.js': 'native',
    'dist/test/x.js': 'test',
    'native/src/addon.cc': 'addon',
    'native/binding.gyp': '-O3',
    'native/build/Release/splicebench.node': 'x64',
    ...change,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('the digest of a build', () => {
  it('is the same wherever it lies, whenever it was written, and for every processor', (t) => {
    const a = put(scratch(t));
    const elsewhere = {
      'native/build/Release/splicebench.node': 'arm64',
      'dist/src/cli/main.js.map': 'another',
      'dist/test/x.js': 'another',
    };
    const b = put(scratch(t), elsewhere);
    utimesSync(join(b, 'dist/src/native.js'), 1, 1);
    assert.match(digestOf(a), /^[0-9a-f]{12}$/);
    assert.equal(digestOf(a), digestOf(b));
    // As `deploy` leaves it: without source maps and tests.
    rmSync(join(b, 'dist/test'), { recursive: true });
    rmSync(join(b, 'dist/src/cli/main.js.map'));
    assert.equal(digestOf(a), digestOf(b));
  });

  for (const [what, change] of Object.entries({
    'a changed program': { 'dist/src/native.js': 'native2' },
    'one more program': { 'dist/src/more.js': '' },
    "a changed source of the addon's": { 'native/src/addon.cc': 'addon2' },
    'another way to compile it': { 'native/binding.gyp': '-O2' },
    'bytes that moved from one file to the next': {
      'dist/src/cli/main.js': 'mainn',
      'dist/src/native.js': 'ative',
    },
  })) {
    it(`differs by ${what}`, (t) => {
      assert.notEqual(digestOf(put(scratch(t))), digestOf(put(scratch(t), change)));
    });
  }

  it('is that of the package that runs', () => {
    assert.equal(buildDigest(), digestOf(packageRoot()));
  });
});

describe('a host with a build', () => {
  const here = { splicebench: '0.1.0', build: 'aaaaaaaaaaaa' };

  it('takes part with the same one', () => {
    assert.equal(buildFault(here, here), null);
  });

  it('is refused with another version, another build, or one that does not tell', () => {
    assert.equal(
      buildFault({ ...here, splicebench: '0.0.1' }, here),
      'has splicebench 0.0.1 (build aaaaaaaaaaaa), and this is 0.1.0 (build aaaaaaaaaaaa)',
    );
    assert.equal(
      buildFault({ ...here, build: 'bbbbbbbbbbbb' }, here),
      'has another build of splicebench 0.1.0 (bbbbbbbbbbbb), and this is aaaaaaaaaaaa',
    );
    assert.equal(
      buildFault({ splicebench: '0.1.0' }, here),
      'has another build of splicebench 0.1.0 (unknown), and this is aaaaaaaaaaaa',
    );
  });
});
