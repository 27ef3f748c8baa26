/** The forwarders of the package's scenarios: no scenario measures the same thing twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { loadFile } from '../../src/experiment/scenario/load.js';
import { listScenarios } from '../../src/experiment/scenario/names.js';
import type { ForwarderEntry } from '../../src/data/record/plan.js';

/** Everything that tells one forwarder from another, options left to their defaults included. */
function effective({ use, options, strace, calls, check, payload }: ForwarderEntry): string {
  const kind = forwarderKinds.get(use);
  assert.ok(kind !== undefined, use);
  const settings = kind.runner.kind === 'builtin' ? kind.runner.settings.parse(options) : options;
  const ends = [check ?? null, payload ?? null];
  return JSON.stringify([
    use,
    strace === true,
    calls ?? null,
    ends,
    Object.entries(settings).sort(),
  ]);
}

function twice(forwarders: readonly ForwarderEntry[]): string[] {
  const first = new Map<string, string>();
  return forwarders.flatMap((entry) => {
    const earlier = first.get(effective(entry));
    first.set(effective(entry), entry.label);
    return earlier === undefined ? [] : [`'${entry.label}' is '${earlier}' again`];
  });
}

const entry = (use: string, options: Record<string, unknown> = {}): ForwarderEntry => ({
  label: `${use} ${JSON.stringify(options)}`,
  use,
  options,
});

/** Scenarios that measure a forwarder against itself. */
const AGAINST_ITSELF = ['slices'];

describe('forwarders of the shipped scenarios', async () => {
  const files = await Promise.all(
    (await listScenarios()).map((name) => loadFile(name, forwarderKinds)),
  );
  for (const { name, forwarders } of files.flatMap(({ scenarios }) => scenarios)) {
    it(`${name} has none twice`, () => {
      const again = AGAINST_ITSELF.includes(name) ? 1 : 0;
      assert.equal(twice(forwarders).length, again, twice(forwarders).join());
    });
  }

  it('would be found, though one leaves to its default what the other says', () => {
    const same: [string, Record<string, unknown>][] = [
      ['poc', { 'read-when-pipe-holds-data': true }],
      ['poc', { 'two-chunks': 'as-it-comes' }],
      ['splice', { nonblock: true, chunk: 2 ** 30 }],
      ['splice', { pipe: 2 ** 20 }],
      ['copy', { buffer: 2 ** 20 }],
      ['zerocopy', { threshold: 10 * 2 ** 10 }],
      ['sockmap', { flags: 'egress' }],
    ];
    for (const [use, options] of same) {
      assert.equal(twice([entry(use), entry(use, options)]).length, 1, JSON.stringify(options));
    }
    assert.deepEqual(twice([entry('poc'), entry('poc', { move: false })]), []);
    assert.deepEqual(twice([entry('copy'), { ...entry('copy'), check: 'none' }]), []);
  });
});
