/** Copied code, long C++ files and includes that go up fail the lint. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import { writeTree } from '../support/tree.js';

const root = mkdtempSync(join(tmpdir(), 'splicebench-lint-tree-'));
after(() => {
  rmSync(root, { recursive: true });
});

/** A tree of these files, with the project's own rule about copies. */
function tree(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(root, name);
  writeTree(folder, files, ['.jscpd.json']);
  return folder;
}

describe('copied code', () => {
  const lines = Array.from({ length: 24 }, (_, n) => `  total += step(${n}, total, 'a${n}');`);
  const copy = (name: string) =>
    `export function ${name}(step: (n: number, total: number, word: string) => number): number {\n` +
    `  let total = 0;\n${lines.join('\n')}\n  return total;\n}\n`;
  const found = (name: string, files: Readonly<Record<string, string>>) =>
    spawnSync(join(packageRoot(), 'node_modules', '.bin', 'jscpd'), ['--silent'], {
      cwd: tree(name, {
        'src/a.ts': copy('first'),
        'bench/b.ts': '',
        'native/src/c.cc': '',
        ...files,
      }),
    }).status;

  it('fails the lint, and what was written once does not', () => {
    assert.equal(found('written', {}), 0);
    assert.equal(found('copied', { 'src/d.ts': copy('second') }), 1);
  });
});

describe('C++ files', () => {
  const check = (name: string, lines: number) =>
    spawnSync(
      'sh',
      [
        join(packageRoot(), '.ci', 'check-sizes.sh'),
        tree(name, { 'native/src/a.cc': 'f();\n'.repeat(lines) }),
      ],
      { encoding: 'utf8' },
    );

  it('have 400 lines at most', () => {
    assert.equal(check('short', 400).status, 0);
    const { status, stderr } = check('long', 401);
    assert.equal(status, 1);
    assert.match(stderr, /native\/src\/a\.cc/);
  });
});

describe('includes of C++ files', () => {
  const check = (name: string, files: Readonly<Record<string, string>>) => {
    const folder = tree(name, files);
    writeTree(folder, {}, ['native/storeys.json']);
    const script = join(packageRoot(), '.ci', 'check-includes.cjs');
    return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  };
  const header = { 'native/src/faults/a.h': '#pragma once\n' };

  it('may go down, to the left, and within their folder', () => {
    const { status } = check('down', {
      ...header,
      'native/src/posix/b.h': '#pragma once\n',
      'native/src/counters/c.h': '#include "posix/b.h"\n#include <vector>\n',
      'native/src/faults/d.cc': '#include "faults/a.h"\n#include "counters/c.h"\n',
      'native/src/addon.cc': '#include "faults/a.h"\n',
    });
    assert.equal(status, 0);
  });

  it('may not go up, to the right, to a neighbour, or where no storey is', () => {
    const { status, stderr } = check('up', {
      ...header,
      'native/src/endpoint/b.h': '#include "faults/a.h"\n',
      'native/src/posix/c.cc': '#include "counters/c.h"\n',
      'native/src/forward/d.cc': '#include "endpoint/b.h"\n',
      'native/src/attic/e.cc': '',
    });
    assert.equal(status, 1);
    assert.deepEqual(stderr.trim().split('\n').slice(1), [
      "native/src/attic/e.cc: no storey has a folder 'attic'",
      'native/src/endpoint/b.h: endpoint may not include faults/a.h',
      'native/src/forward/d.cc: forward may not include endpoint/b.h',
      'native/src/posix/c.cc: posix may not include counters/c.h',
    ]);
  });
});
