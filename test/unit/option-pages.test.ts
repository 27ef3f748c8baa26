/** What the pages say of forwarders' options, held against the registry. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { OPTION_SECTION, optionTable } from '../../bench/readme/option-table.js';
import { replaceSection } from '../../bench/readme/section.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { docsPage } from '../support/docs-page.js';

function optionsOf(use: string): Readonly<Record<string, unknown>> {
  return forwarderKinds.get(use)?.options.shape ?? assert.fail(use);
}

/** Options that the rows of one driver do not have. */
function untold(page: string, use: string, options: readonly string[]): string[] {
  const [section = ''] = page.split('## Options')[1]?.split('\n## ') ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  const first = rows.findIndex((row) => row.split('|')[1]?.includes(`\`${use}\``));
  if (first < 0) return [...options];
  const next = rows.findIndex((row, index) => index > first && row.split('|')[1]?.trim() !== '');
  const own = rows.slice(first, next < 0 ? undefined : next).map((row) => row.split('|')[2] ?? '');
  return options.filter((option) => !own.some((cell) => new RegExp(`\`${option}[:\`]`).test(cell)));
}

describe('docs/mechanisms.md', () => {
  it('has the table of options as the registry has them (make docs)', () => {
    const text = docsPage('mechanisms.md');
    assert.equal(replaceSection(text, OPTION_SECTION, optionTable()), text);
  });

  it('would differ if an option or a default were another', () => {
    const [text, table] = [docsPage('mechanisms.md'), optionTable()];
    for (const other of [
      table.replace(/\n\| `vmsplice` \| `pipe`[^\n]*/, ''),
      table.replace('| `10KiB` |', '| `16KiB` |'),
    ]) {
      assert.notEqual(other, table);
      assert.notEqual(replaceSection(text, OPTION_SECTION, other), text);
    }
  });

  it('gives values and defaults as a scenario writes them', () => {
    const rows = optionTable().split('\n');
    for (const row of [
      '| `copy-adaptive` | `min` | 4KiB to 8MiB | `4KiB` |',
      '| `splice` | `threads` | 1 to 64 | `1` |',
      '| `splice` | `resize` | 4KiB to 2GiB - 1 | none |',
      '| `file-source` | `via` | `sendfile`, `splice` | `sendfile` |',
      '| `file-sink` | `dir` | a path | `$TMPDIR`, else `/tmp` |',
      '| `poc` | `move` | `true`, `false` | `true` |',
    ]) {
      assert.ok(rows.includes(row), row);
    }
  });
});

describe('docs/proxies.md', () => {
  const page = docsPage('proxies.md');

  it('has every option of every program, beside program and config', () => {
    for (const use of ['haproxy', 'nginx', 'socat', 'go', 'node-pipe', 'ssh']) {
      const options = Object.keys(optionsOf(use)).filter(
        (key) => !['program', 'config'].includes(key),
      );
      assert.deepEqual(untold(page, use, options), [], use);
    }
  });

  it('would be told an option that it lacks', () => {
    assert.deepEqual(untold(page, 'socat', ['buffer', 'workers']), ['workers']);
  });
});

describe('docs/selftest.md', () => {
  it('has every fault', () => {
    const fault = optionsOf('faulty')['fault'];
    assert.ok(fault instanceof z.ZodOptional);
    const words = fault.unwrap();
    assert.ok(words instanceof z.ZodEnum);
    const [, table = ''] = docsPage('selftest.md').split('## Faults in your own scenarios');
    const missing = [...words.options, 'none-such'].filter((one) => !table.includes(`\`${one}\``));
    assert.deepEqual(missing, ['none-such']);
  });
});
