/** docs/scenarios.md has every key of the schemas, no other, and the defaults as the code has them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { keysAt } from '../../src/experiment/scenario/schema.js';
import { completeTopology } from '../../src/experiment/scenario/topology.js';
import { COMMON_DEFAULTS } from '../../src/experiment/workload/common/fields.js';
import { roomOf, KINDS } from '../../src/experiment/workload/rooms.js';
import { PLAIN_STREAM, workloadSchema } from '../../src/experiment/workload/schema.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { messageOf } from './scenario-fixtures.js';
import { docsPage } from '../support/docs-page.js';

const page = docsPage('scenarios.md');

/** A row of a table of keys: what its first cell names, and the cell of its default. */
interface Row {
  keys: string[];
  standard: string | undefined;
}

/** Tables whose first column is `key`, by what the heading above has in backticks; '' = nothing. */
function tablesOf(text: string): Map<string, Row[]> {
  const tables = new Map<string, Row[]>();
  for (const section of text.split(/^(?=#+ )/m)) {
    const [heading = '', ...lines] = section.split('\n');
    const begin = lines.findIndex((line) => line.startsWith('| key |'));
    if (begin < 0) continue;
    const cells = (line: string) => line.split('|').slice(1, -1);
    const column = cells(lines[begin] ?? '').findIndex((cell) => cell.trim() === 'default');
    const end = lines.findIndex((line, index) => index > begin && !line.startsWith('|'));
    const rows = lines.slice(begin + 2, end < 0 ? undefined : end).map((line): Row => ({
      keys: quoted(cells(line)[0] ?? ''),
      standard: cells(line)[column]?.trim(),
    }));
    tables.set(quoted(heading).join(' '), rows);
  }
  return tables;
}

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

/** What the tables must have, by the same names: from the schemas. */
function wanted(): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const ofKinds = KINDS.map((kind) => ['kind: ' + kind, Object.keys(roomOf(kind).fields)] as const);
  const own = new Set(ofKinds.flatMap(([, keys]) => keys));
  for (const [path, keys] of nested([])) {
    found.set(path, path === 'workload' ? keys.filter((key) => !own.has(key)) : keys);
  }
  for (const [name, keys] of ofKinds) found.set(name, keys);
  return found;
}

/** Every mapping below a path of the file, entries of lists included, with its keys. */
function nested(path: readonly PropertyKey[]): [string, readonly string[]][] {
  const keys = keysAt(path);
  if (keys === null) return [];
  const name = path.filter((step) => typeof step === 'string').join('.');
  const below = keys.flatMap((key) => {
    const inside = nested([...path, key]);
    return inside.length > 0 ? inside : nested([...path, key, 0]);
  });
  return [[name, keys], ...below];
}

/** What is wrong with the page; a table may be about several mappings, and has the keys of all. */
function faultsOf(text: string): string[] {
  const expected = wanted();
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const [heading, rows] of tablesOf(text)) {
    if (heading === 'forwarders') continue;
    const paths = expected.has(heading) ? [heading] : heading.split(' ');
    const valid = new Set(paths.flatMap((path) => expected.get(path) ?? []));
    const keys = rows.flatMap((row) => row.keys);
    paths.forEach((path) => seen.add(path));
    faults.push(
      ...[...valid].filter((key) => !keys.includes(key)).map((key) => `${heading}: no ${key}`),
    );
    faults.push(
      ...keys.filter((key) => !valid.has(key)).map((key) => `${heading}: what is ${key}?`),
    );
  }
  const absent = [...expected.keys()].filter((path) => !seen.has(path));
  return [...faults, ...absent.map((path) => `no table of '${path}'`)];
}

/** A default as the page has it, read as the file's key would be; null = the page says it in words. */
function standardOf({ standard = '' }: Row): { value: unknown } | null {
  const [, text] = /^`([^`]+)`$/.exec(standard) ?? [];
  return text === undefined ? null : { value: parse(text) };
}

describe('docs/scenarios.md', () => {
  it('has every key of the schemas where it belongs, and no other', () => {
    assert.deepEqual(faultsOf(page), []);
  });

  it('would be told a key too few, one too many, one of another kind, and a table that is not there', () => {
    const without = page.replace(/\n\| `stall` [^\n]*/, '');
    assert.deepEqual(faultsOf(without), ['workload: no stall']);
    const more = page.replace(
      '\n| `queues` |',
      '\n| `quota` | veth | size | none | |\n| `queues` |',
    );
    assert.deepEqual(faultsOf(more), ['topology: what is quota?']);
    const elsewhere = page.replace('| `pipelining` |', '| `transfers` |');
    assert.deepEqual(faultsOf(elsewhere), [
      'kind: http: no pipelining',
      'kind: http: what is transfers?',
    ]);
    const untold = page.replace('### `workload.decoys`', '### Decoys');
    assert.ok(faultsOf(untold).includes("no table of 'workload.decoys'"));
  });

  it('has the keys of an entry of forwarders, each of which one may have', () => {
    const keys =
      tablesOf(page)
        .get('forwarders')
        ?.flatMap((row) => row.keys) ?? [];
    assert.deepEqual(keys, ['use', 'name', 'strace', 'calls', 'check', 'payload', 'pages']);
    for (const key of [...keys.slice(1), 'colour']) {
      const said = messageOf(() => scenarioOf({ use: 'copy', [key]: 0 }));
      assert.equal(said.includes(`unknown key '${key}'`), key === 'colour', said);
    }
  });

  it('has the defaults of workloads as the code has them', () => {
    for (const kind of KINDS) {
      const defaults: Readonly<Record<string, unknown>> = {
        ...COMMON_DEFAULTS,
        ...roomOf(kind).defaults,
      };
      for (const row of [...rowsOf('workload'), ...rowsOf(`kind: ${kind}`)]) {
        const standard = standardOf(row);
        // Said with the kind that has it, in words.
        if (
          standard === null ||
          row.keys.some((key) => ['kind', 'direction', 'payload'].includes(key))
        )
          continue;
        for (const key of row.keys) {
          assert.deepEqual(parsed(key, standard.value), defaults[key], `${kind}.${key}`);
        }
      }
    }
    assert.equal(PLAIN_STREAM.direction, 'download');
  });

  it('has the defaults of blocks and of the topology as the code has them', () => {
    const { blocks } = scenarioOf('copy');
    assert.deepEqual(
      Object.fromEntries(rowsOf('blocks').map((row) => [row.keys[0], standardOf(row)?.value])),
      {
        min: blocks.min,
        max: blocks.max,
        target: '3%',
        equivalent: '3%',
        rounds: undefined,
        budget: null,
      },
    );
    assert.deepEqual([blocks.target, blocks.equivalent, blocks.budget], [0.03, 0.03, null]);
    const standard = (key: string) =>
      rowsOf('topology').find(({ keys }) => keys[0] === key)?.standard;
    const veth = completeTopology({ kind: 'veth', sysctls: {} });
    assert.ok(veth.kind === 'veth');
    assert.equal(standard('congestion'), `\`${veth.congestion}\``);
    assert.equal(standard('mtu'), `${veth.mtu}; as the port has it`);
    assert.equal(standard('shaper'), `\`${veth.shaper}\``);
    assert.equal(standard('queues'), String(veth.queues));
  });

  it('has an example that is one, and says what it stands for', () => {
    const [, example = ''] = /```yaml\n([^]*?)```/.exec(page) ?? [];
    const { cells, forwarders } = parseScenario(example, 'my-proxy.yaml', forwarderKinds);
    assert.equal(cells.length, 4);
    for (const cell of [cells[0], cells[3]])
      assert.ok(page.includes(`\`${cell?.key}\``), cell?.key);
    assert.equal(forwarders.length, 7);
    const text = page.replaceAll(/\s+/g, ' ');
    assert.ok(text.includes(`(${forwarders.map(({ label }) => `\`${label}\``).join(', ')})`));
  });

  it('has examples of thresholds that can be read', () => {
    const section = (page.split('## `thresholds`')[1] ?? '').replace(/```[^]*?```/, '');
    const examples = quoted(section).filter((text) => /[<>=]/.test(text));
    assert.ok(examples.length >= 5);
    const yaml = `name: t\nforwarders: [splice, copy, direct]\nthresholds: ${JSON.stringify(examples)}\n`;
    assert.equal(parseScenario(yaml, 't.yaml', forwarderKinds).thresholds.length, examples.length);
  });
});

function rowsOf(heading: string): Row[] {
  return tablesOf(page).get(heading) ?? assert.fail(heading);
}

/** A value as the workload's schema reads it for a key. */
function parsed(key: string, value: unknown): unknown {
  const { [key]: found }: Record<string, unknown> = workloadSchema.parse({ [key]: value });
  return found;
}

function scenarioOf(entry: unknown) {
  return parseScenario(
    JSON.stringify({ name: 't', forwarders: [entry] }),
    't.yaml',
    forwarderKinds,
  );
}
