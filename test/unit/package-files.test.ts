import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageFiles } from '../../src/tasks/deploy/package-files.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import { scratch } from '../support/folder.js';

describe('packageFiles', () => {
  it('has what runs, and nothing of what builds and tests', () => {
    const files = packageFiles(packageRoot());
    for (const path of ['dist/src', 'native/src', 'node_modules/zod', 'node_modules/zrender']) {
      assert.ok(files.includes(path), path);
    }
    for (const path of ['dist/test', 'node_modules/typescript', 'node_modules/eslint']) {
      assert.ok(!files.includes(path), path);
    }
  });

  it('follows dependencies to where node finds them, each once, in circles too', (t) => {
    const root = scratch(t);
    const put = (path: string, dependencies: string[]) => {
      mkdirSync(join(root, path), { recursive: true });
      const about = { dependencies: Object.fromEntries(dependencies.map((name) => [name, '*'])) };
      writeFileSync(join(root, path, 'package.json'), JSON.stringify(about));
    };
    for (const path of [
      'dist/src',
      'native/recorder',
      'native/src',
      'bench/scenarios',
      'bench/proxies',
    ]) {
      mkdirSync(join(root, path), { recursive: true });
    }
    writeFileSync(join(root, 'native/binding.gyp'), '');
    put('.', ['a']);
    put('node_modules/a', ['b', '@s/c']);
    put('node_modules/a/node_modules/b', ['a']);
    put('node_modules/b', []);
    put('node_modules/@s/c', []);
    assert.deepEqual(
      packageFiles(root).filter((path) => path.startsWith('node_modules')),
      ['node_modules/@s/c', 'node_modules/a', 'node_modules/a/node_modules/b'],
    );
    put('node_modules/@s/c', ['d']);
    assert.throws(() => packageFiles(root), /the package 'd' is not installed; run 'make build'/);
  });

  it('refuses a package that was not built', (t) => {
    assert.throws(() => packageFiles(scratch(t)), /package\.json is missing; run 'make build'/);
  });
});
