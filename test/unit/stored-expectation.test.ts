/** Expectations that are stored with the cases: each can be read, and names cases that there are. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import { loadCases } from '../../src/tasks/conformance/case.js';
import { readExpectedMatrix } from '../../src/tasks/conformance/expected-matrix.js';

void test('every stored expectation has every case, and no other', async () => {
  const folder = join(packageRoot(), 'bench', 'conformance', 'expected');
  const names = (await loadCases([])).map(({ name }) => name);
  for (const file of readdirSync(folder)) {
    const { cells } = await readExpectedMatrix(join(folder, file));
    assert.deepEqual(cells.map((cell) => cell.case).toSorted(), names.toSorted(), file);
  }
});
