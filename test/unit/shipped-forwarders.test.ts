/** The forwarders of the package's scenarios: no scenario measures the same thing twice. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { forwarderKinds } from '../../src/forwarders/registry.js';
import { packageRoot } from '../../src/native.js';
import { loadFile } from '../../src/scenario/load.js';
import { listScenarios } from '../../src/scenario/names.js';
import type { ForwarderEntry } from '../../src/scenario/plan.js';

type Value = string | number | boolean;

const MECHANISMS = join(packageRoot(), 'native', 'src', 'forward');

/** `settings.flag("move", true)`, `settings.size("pipe", kDefaultPipe)`, `settings.text("dir", x)`. */
const SETTING = /settings\.(?:flag|size|text)\("([\w-]+)",\s*("[^"]*"|\w+)\)/g;

/** What native code takes where an option is not given: by mechanism, from its source. */
const builtinDefaults = new Map<string, Record<string, Value>>();
for (const file of readdirSync(MECHANISMS).filter((name) => name.endsWith('.cc'))) {
  const source = readFileSync(join(MECHANISMS, file), 'utf8');
  const found = [...source.matchAll(SETTING)].flatMap(([, name = '', value = '']) => {
    const known = valueOf(value, source);
    return known === null ? [] : [[name, known] as const];
  });
  builtinDefaults.set(file.slice(0, -'.cc'.length).replaceAll('_', '-'), Object.fromEntries(found));
}

/** null = only known while it runs. */
function valueOf(text: string, source: string): Value | null {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.startsWith('"')) return text.slice(1, -1);
  if (/^\d+$/.test(text)) return Number(text);
  const constant = new RegExp(`constexpr \\w+ ${text} = \\w+\\{(\\d+)\\} << (\\d+);`).exec(source);
  return constant === null ? null : Number(constant[1]) * 2 ** Number(constant[2]);
}

/** Everything that tells one forwarder from another, options left to their defaults included. */
function effective({ use, options, strace }: ForwarderEntry): string {
  const kind = forwarderKinds.get(use);
  assert.ok(kind !== undefined, use);
  const defaults = kind.runner.kind === 'builtin' ? builtinDefaults.get(use) : {};
  const settings = { ...defaults, ...options };
  return JSON.stringify([use, strace === true, Object.entries(settings).sort()]);
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

describe('forwarders of the shipped scenarios', async () => {
  const files = await Promise.all(
    (await listScenarios()).map((name) => loadFile(name, forwarderKinds)),
  );
  for (const { name, forwarders } of files.flatMap(({ scenarios }) => scenarios)) {
    it(`${name} has none twice`, () => {
      assert.deepEqual(twice(forwarders), []);
    });
  }

  it('would be found, though one leaves to its default what the other says', () => {
    const same: [string, Record<string, unknown>][] = [
      ['poc', { 'read-when-pipe-holds-data': true }],
      ['poc', { 'two-chunks': '' }],
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
  });
});
