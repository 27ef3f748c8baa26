/** Programs and configurations of the user's own: two versions in one run, settings as people have them. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { splicebench, start } from '../support/process.js';
import { requireTools } from '../support/require-tool.js';

const FIXTURES = join(packageRoot(), 'test', 'fixtures', 'proxies');

async function run(t: TestContext, keys: Record<string, unknown>, folder = scratch(t)) {
  const scenario = writeScenario(folder, { blocks: { min: 1, max: 1 }, ...keys });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--out', out));
  const { code, stderr, stdout } = await running.ended;
  await assertNothingLeft(running.mark, new Set());
  return { code, stderr, stdout, trials: () => storedTrials(out) };
}

describe('program', () => {
  it('two of one kind side by side', { skip: requireTools('haproxy').skip }, async (t) => {
    const folder = scratch(t);
    const wrapper = (name: string, before: string): string => {
      const path = join(folder, name);
      writeFileSync(path, `#!/bin/sh\n${before}\nexec haproxy "$@"\n`);
      chmodSync(path, 0o755);
      return path;
    };
    const plain = wrapper('plain', '');
    const other = wrapper('other', '[ "$1" = -v ] && { echo HAProxy version 9.8.7; exit; }');
    const { code, stderr, trials } = await run(
      t,
      {
        workload: { bytes: '1MiB', direction: 'both' },
        forwarders: [
          { use: 'haproxy', program: plain },
          { use: 'haproxy', program: other },
        ],
      },
      folder,
    );
    assert.equal(code, 0, stderr);
    const all = trials().toSorted((a, b) => (a.forwarder < b.forwarder ? -1 : 1));
    assert.match(all[0]?.forwarder ?? '', /^haproxy [23]\.\d/);
    assert.equal(all[1]?.forwarder, 'haproxy 9.8.7');
    assert.deepEqual(
      all.map(({ outcome }) => outcome),
      ['intact', 'intact'],
    );
    assert.equal(all[1]['forwarder_version'], 'HAProxy version 9.8.7');
  });

  it('one that is missing: exit code 2 and one line', async (t) => {
    const forwarders = ['copy', { use: 'haproxy', program: '/no/such/haproxy' }];
    const { code, stderr } = await run(t, { forwarders });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^.*scenario\.yaml:\d+: forwarders\[1\]\.program: [^\n]*no such program[^\n]*\n$/,
    );
  });
});

describe('config', () => {
  for (const [use, name] of [
    ['haproxy', 'haproxy-splice-both.cfg'],
    ['haproxy', 'haproxy-splice-auto.cfg'],
    ['haproxy', 'haproxy-large-buffers.cfg'],
    ['nginx', 'nginx-stream.conf'],
  ] as const) {
    it(`${name} forwards intact`, { skip: requireTools(use).skip }, async (t) => {
      const { code, stderr, trials } = await run(t, {
        workload: { bytes: '1MiB', connections: 5, direction: 'both' },
        forwarders: [{ use, config: join(FIXTURES, name) }],
      });
      assert.equal(code, 0, stderr);
      assert.deepEqual(
        trials().map(({ forwarder, outcome }) => [forwarder, outcome]),
        [[use, 'intact']],
      );
    });
  }

  const options = { skip: requireTools('haproxy', 'nginx').skip };
  it('mode http is for http, and left out of streams', options, async (t) => {
    const entry = { use: 'haproxy', config: join(FIXTURES, 'haproxy-http-splice.cfg') };
    const http = await run(t, {
      workload: { kind: 'http', body: '256KiB', connections: 2, seconds: '200ms', warmup: '100ms' },
      forwarders: [entry],
    });
    assert.equal(http.code, 0, http.stderr);
    assert.equal(http.trials()[0]?.outcome, 'intact');
    const stream = await run(t, { workload: { bytes: '1MiB' }, forwarders: ['copy', entry] });
    assert.match(stream.stderr, /haproxy in test is unavailable: .* says 'mode http'/);
  });
});

describe('what was asked for and does not happen', () => {
  const notes = (trial: Record<string, unknown> | undefined): string =>
    ((trial?.['asked_in_vain'] ?? []) as string[]).join('\n');

  it('splice in the wrong direction', { skip: requireTools('haproxy').skip }, async (t) => {
    const { code, stderr, stdout, trials } = await run(t, {
      workload: { bytes: '1MiB', direction: 'download' },
      forwarders: [
        { use: 'haproxy', splice: 'request', name: 'wrong' },
        { use: 'haproxy', splice: 'response', name: 'right' },
      ],
    });
    assert.equal(code, 0, stderr);
    const of = (name: string) => trials().find(({ forwarder }) => forwarder === name);
    assert.match(notes(of('wrong')), /^splice asked for, and none of \d+ bytes were spliced/);
    assert.equal(notes(of('right')), '');
    assert.match(stdout, /wrong, in 1 trial: splice asked for/);
  });

  for (const [use, name, said] of [
    ['haproxy', 'haproxy-impatient.cfg', "'timeout client 500ms'"],
    ['nginx', 'nginx-impatient.conf', "'proxy_timeout 500ms'"],
  ] as const) {
    it(`a timeout shorter than a pause: ${name}`, { skip: requireTools(use).skip }, async (t) => {
      const { trials } = await run(t, {
        workload: { bytes: '64MiB', pause: '1500ms', stall: '5s' },
        forwarders: [{ use, config: join(FIXTURES, name) }],
      });
      const [trial] = trials();
      assert.ok(notes(trial).includes(said), notes(trial));
      assert.notEqual(trial?.outcome, 'intact');
    });
  }

  it('a check that takes the server away', { skip: requireTools('haproxy').skip }, async (t) => {
    const { trials } = await run(t, {
      workload: { seconds: '500ms', warmup: '100ms' },
      forwarders: [{ use: 'haproxy', config: join(FIXTURES, 'haproxy-check-fails.cfg') }],
    });
    const [trial] = trials();
    const known = `${notes(trial)} ${trial?.error ?? ''}`;
    assert.match(known, /Server forward\/upstream is DOWN/);
  });
});
