import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import { writeTree } from '../support/tree.js';

const root = mkdtempSync(join(tmpdir(), 'splicebench-storeys-'));
after(() => {
  rmSync(root, { recursive: true });
});

/** What the rule says of a tree of these files, with the project's own order and configuration. */
function judged(name: string, files: Readonly<Record<string, string>>) {
  const tree = join(root, name);
  const own = ['.dependency-cruiser.cjs', 'tsconfig.json', 'src/storeys.json', 'package.json'];
  writeTree(tree, files, own);
  symlinkSync(join(packageRoot(), 'node_modules'), join(tree, 'node_modules'));
  const { status, stdout } = spawnSync(
    join('node_modules', '.bin', 'depcruise'),
    ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'err'],
    { cwd: tree, encoding: 'utf8' },
  );
  return {
    failed: status !== 0,
    rules: [...stdout.matchAll(/error ([\w/.-]+):/g)].map((m) => m[1]),
  };
}

const leaf = 'export interface A {\n  a: number;\n}\n';
const using = (from: string) => `import type { A } from '${from}';\nexport type B = A;\n`;

describe('the storeys', () => {
  it('let imports go down and to the left', () => {
    const { failed } = judged('good', {
      'src/base/text/a.ts': leaf,
      'src/base/process/b.ts': using('../text/a.js'),
      'src/machine/topology/common/c.ts': using('../../../base/text/a.js'),
      'src/machine/topology/veth/d.ts': using('../common/c.js').replaceAll('A', 'B as A'),
      'src/cli/e.ts': using('../base/text/a.js'),
    });
    assert.equal(failed, false);
  });

  it('refuse an import that goes up, also of a type only', () => {
    const { failed, rules } = judged('up', {
      'src/cli/a.ts': leaf,
      'src/base/text/b.ts': using('../../cli/a.js'),
    });
    assert.ok(failed);
    assert.deepEqual(rules, ['only-down-from-base/text']);
  });

  it('refuse an import to the right in the same storey', () => {
    const { rules } = judged('right', {
      'src/data/results/a.ts': leaf,
      'src/data/record/b.ts': using('../results/a.js'),
    });
    assert.deepEqual(rules, ['only-down-from-data/record']);
  });

  it('refuse an import between rooms that know nothing of each other', () => {
    const { rules } = judged('beside', {
      'src/tasks/lab/a.ts': leaf,
      'src/tasks/claims/b.ts': using('../lab/a.js'),
    });
    assert.deepEqual(rules, ['only-down-from-tasks/claims']);
  });

  it('refuse a room that imports what its own folder is divided into the other way round', () => {
    const { rules } = judged('inside', {
      'src/experiment/workload/a.ts': leaf,
      'src/experiment/workload/stream/b.ts': using('../a.js'),
    });
    assert.deepEqual(rules, ['only-down-from-experiment/workload/stream']);
  });

  it('refuse a circle inside a room', () => {
    const { rules } = judged('circle', {
      'src/base/text/a.ts': `${leaf}import type { B } from './b.js';\nexport type C = B;\n`,
      'src/base/text/b.ts': using('./a.js'),
    });
    assert.ok(rules.includes('no-circle'));
  });

  it('refuse a file without a room', () => {
    const { rules } = judged('homeless', {
      'src/base/text/a.ts': leaf,
      'src/somewhere/b.ts': using('../base/text/a.js'),
    });
    assert.ok(rules.includes('every-file-has-a-room'));
  });
});
