/** What commands and the processes of a set load: they are started over and over, and pay for it each time. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';

const SOURCE = join(packageRoot(), 'dist', 'src');
const ROLES = join(SOURCE, 'machine', 'role');
const IMPORT = /^(?:import|export)\s(?:[^'"]*?from\s+)?['"]([^'"]+)['"]/gm;

/** Packages that a module loads before it runs: those of its own imports and of what they import. */
function packagesOf(path: string, seen = new Set<string>()): Set<string> {
  const found = new Set<string>();
  if (seen.has(path)) return found;
  seen.add(path);
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(IMPORT)) {
    if (name.startsWith('.')) {
      for (const one of packagesOf(join(dirname(path), name), seen)) found.add(one);
    } else if (!name.startsWith('node:')) {
      found.add(name);
    }
  }
  return found;
}

describe('the roles of a set', () => {
  for (const role of ['endpoint-role', 'forwarder-role', 'command-role', 'serve']) {
    it(`${role} loads neither schemas nor charts nor the command line`, () => {
      const packages = packagesOf(join(ROLES, `${role}.js`));
      const allowed = ['vscode-jsonrpc/node', 'tinyexec'];
      assert.deepEqual(
        [...packages].filter((name) => !allowed.includes(name)),
        [],
      );
    });
  }

  it('control: the registry of forwarders does load schemas', () => {
    assert.ok(packagesOf(join(ROLES, '..', 'forwarders', 'registry.js')).has('zod'));
  });
});

describe('a command', () => {
  it('loads the chart library only once a chart is drawn', () => {
    for (const command of ['run', 'report', 'claims', 'lab']) {
      const packages = packagesOf(join(SOURCE, 'cli', `${command}.js`));
      assert.ok(packages.has('zod'), command);
      assert.ok(!packages.has('echarts'), command);
    }
  });

  it('loads no other command', () => {
    const packages = packagesOf(join(SOURCE, 'cli', 'program.js'));
    assert.deepEqual([...packages], ['commander']);
  });
});
