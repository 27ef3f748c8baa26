/** What was asked of a program and did not happen: findings, and their notes in the verdict. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { askedNotes } from '../../src/experiment/verdict/verdict-asked.js';
import { askedInVain } from '../../src/machine/forwarders/asked-in-vain.js';
import {
  haproxyIdleLimit,
  nginxIdleLimit,
} from '../../src/machine/forwarders/drivers/proxy-timeouts.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { lineWith } from '../../src/machine/role/complaint.js';
import type { TrialRecord } from '../../src/data/record/record.js';

function workloadOf(keys: Record<string, unknown> = {}) {
  const text = JSON.stringify({ name: 't', forwarders: ['copy'], workload: keys });
  const workload = parseScenario(text, 't.yaml', forwarderKinds).cells[0]?.workload;
  assert.ok(workload !== undefined);
  return workload;
}

const config = (text: string) => ({ path: 'it.cfg', text });
const counted = (spliced: number) => ({
  bytes_by_its_counters: 1000,
  spliced_by_its_counters: spliced,
});

describe('splice asked for', () => {
  const vain = (options: Record<string, unknown>, spliced = 0) =>
    askedInVain({ use: 'haproxy', options }, counted(spliced), workloadOf());

  it('and nothing spliced, by an option or in the file', () => {
    const said = ['splice asked for, and none of 1000 bytes were spliced, by its own counters'];
    assert.deepEqual(vain({ splice: 'both' }), said);
    assert.deepEqual(
      vain({ splice: 'none', config: config('defaults\n option splice-auto') }),
      said,
    );
  });

  it('says nothing when it happened, was not asked for, was forbidden, or is not known', () => {
    assert.deepEqual(vain({ splice: 'both' }, 1), []);
    assert.deepEqual(vain({ splice: 'none' }), []);
    assert.deepEqual(vain({ splice: 'none', config: config('# option splice-auto') }), []);
    assert.deepEqual(vain({ splice: 'both', nosplice: true }), []);
    const entry = { use: 'haproxy', options: { splice: 'both' } };
    assert.deepEqual(askedInVain(entry, {}, workloadOf()), []);
  });

  it('the counters are read from what HAProxy prints', () => {
    const countersOf = forwarderKinds.get('haproxy')?.countersOf;
    assert.ok(countersOf !== undefined);
    assert.deepEqual(countersOf('x: 1\nTotalBytesOut: 7\nTotalSplicdedBytesOut: 5\n'), {
      bytes_by_its_counters: 7,
      spliced_by_its_counters: 5,
    });
    assert.deepEqual(countersOf('TotalBytesOut: 7\n'), {});
  });
});

describe('a timeout and a pause', () => {
  it('the shorter of client and server, or that of tunnels; the last defaults count', () => {
    const limit = (text: string) => haproxyIdleLimit(config(text));
    const both = 'defaults\n timeout client 5m\n timeout server 900\n';
    assert.deepEqual(limit(both), { setting: 'timeout server 900', seconds: 0.9 });
    assert.equal(limit(`${both} timeout tunnel 1h`)?.seconds, 3600);
    assert.equal(limit(`${both}defaults\n timeout client 2s`)?.seconds, 2);
    assert.equal(limit('defaults\n timeout connect 1s'), null);
  });

  it('of nginx proxy_timeout, in seconds', () => {
    assert.equal(nginxIdleLimit(config('stream { proxy_timeout 3; }'))?.seconds, 3);
    assert.equal(nginxIdleLimit(config('stream { }')), null);
  });

  it('is said only when the pause is as long', () => {
    const vain = (pause: string, use = 'haproxy') =>
      askedInVain(
        { use, options: { config: config('defaults\n timeout client 1s') } },
        {},
        workloadOf({ pause }),
      );
    assert.match(vain('1s').join(), /'timeout client 1s' in it\.cfg is not longer .* pause of 1 s/);
    assert.deepEqual(vain('900ms'), []);
    assert.deepEqual(vain('2s', 'socat'), []);
  });
});

describe('what a program says', () => {
  it('a server that its check took away, and anything else', () => {
    const vain = (said: string) =>
      askedInVain({ use: 'haproxy', options: {} }, { said }, workloadOf());
    assert.deepEqual(vain('Server f/s is DOWN'), [
      "its health check took the server away ('Server f/s is DOWN')",
    ]);
    assert.deepEqual(vain('upstream timed out'), ["something went wrong: 'upstream timed out'"]);
  });

  it('the first whole line that matches, without its mark', () => {
    const said =
      '[NOTICE] (1) : up\n[WARNING]  (12182) : Server f/s is DOWN, reason: x\nServer b is DO';
    assert.equal(lineWith(/is DO/, said), 'Server f/s is DOWN, reason: x');
    assert.equal(
      lineWith(/timed out/, '2026/11/30 09:00:00 [error] 71#71: *1 upstream timed out\n'),
      'upstream timed out',
    );
    assert.equal(lineWith(/is DOWN/, 'Server b is DOWN'), null);
  });
});

it('the verdict says it once per forwarder and kind, with how often', () => {
  const trial = (forwarder: string, ...asked_in_vain: string[]) =>
    ({ forwarder, asked_in_vain }) as unknown as TrialRecord;
  assert.deepEqual(
    askedNotes([trial('a', 'none of 10 bytes'), trial('b', 'x'), trial('a', 'none of 11 bytes')]),
    ['a, in 2 trials: none of 10 bytes (the first of them).', 'b, in 1 trial: x.'],
  );
  assert.deepEqual(askedNotes([{ forwarder: 'a' } as unknown as TrialRecord]), []);
});
