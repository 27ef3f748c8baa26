import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ESLint, Linter } from 'eslint';
import { packageRoot } from '../../src/base/process/package-root.js';
import { writeTree } from '../support/tree.js';

const root = mkdtempSync(join(tmpdir(), 'splicebench-lint-'));
after(() => {
  rmSync(root, { recursive: true });
});

/** What knip says of a tree whose main file imports `a` of a module with this text. */
function deadCode(name: string, module: string) {
  const tree = join(root, name);
  const files = {
    'src/cli/main.ts': "import { a } from './a.js';\nprocess.exitCode = a;\n",
    'src/cli/a.ts': module,
    'package.json': '{ "name": "tree", "type": "module" }',
  };
  writeTree(tree, files, ['knip.jsonc', 'tsconfig.json']);
  symlinkSync(join(packageRoot(), 'node_modules'), join(tree, 'node_modules'));
  return spawnSync(join('node_modules', '.bin', 'knip'), ['--include', 'exports,files'], {
    cwd: tree,
    encoding: 'utf8',
  });
}

describe('dead exports', () => {
  it('are none where all are imported', () => {
    const { status, stdout } = deadCode('alive', 'export const a = 1;\n');
    assert.equal(status, 0, stdout);
  });

  it('fail the lint', () => {
    const { status, stdout } = deadCode('dead', 'export const a = 1;\nexport const unused = 2;\n');
    assert.equal(status, 1);
    assert.match(stdout, /unused/);
  });
});

/** The rules of size that `text` breaks as a file of src. */
async function brokenBy(text: string): Promise<(string | null)[]> {
  const config = (await new ESLint({ cwd: packageRoot() }).calculateConfigForFile(
    'src/cli/main.ts',
  )) as { rules: Linter.RulesRecord };
  const rules = Object.fromEntries(
    ['max-lines', 'max-lines-per-function'].map((name) => [name, config.rules[name] ?? 'off']),
  );
  return new Linter().verify(text, { rules }).map(({ ruleId }) => ruleId);
}

describe('the size of files and functions', () => {
  it('is 400 and 60 lines at most, blank lines and comments not counted', async () => {
    const body = 'f();\n'.repeat(58);
    assert.deepEqual(await brokenBy(`function f() {\n${body}// why\n\n}\n`), []);
    assert.deepEqual(await brokenBy(`function f() {\n${body}f();\n}\n`), [
      'max-lines-per-function',
    ]);
    assert.deepEqual(await brokenBy('f();\n'.repeat(400)), []);
    assert.deepEqual(await brokenBy('f();\n'.repeat(401)), ['max-lines']);
  });
});
