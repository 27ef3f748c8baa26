import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  RUN_WARNING_KINDS,
  runWarnings,
  warningText,
} from '../../src/machine/host/run-warnings.js';
import { environmentChanges } from '../../src/data/results/environment-changes.js';
import {
  CHANGE_KINDS,
  type HostEnvironment,
  type InterfaceEnvironment,
} from '../../src/data/record/environment-record.js';

const CARD: InterfaceEnvironment = {
  host: 'sink',
  name: 'eth1',
  mtu: 1500,
  driver: 'ixgbe',
  firmware: null,
  speed: '10000Mb/s',
  numa_node: '0',
  irq_affinity: '0-3',
  interrupts: { 45: { allowed: '0-3', effective: '0' } },
  offloads: { 'generic-receive-offload': 'on' },
  rings: { RX: '512' },
  coalescing: null,
  pause: null,
  queues: { Combined: '4' },
  counters: { rx_packets: '1' },
};

const BEFORE: HostEnvironment = {
  host: 'sink',
  topology: 'hosts',
  kernel: 'Linux 6.12',
  command_line: '',
  cpu_model: 'X',
  cpus: 4,
  memory_bytes: 1e9,
  governor: 'performance',
  turbo: 'off',
  smt: 'on',
  mitigations: { mds: 'Not affected' },
  sysctls: { 'net.ipv4.tcp_rmem': '4096 131072 6291456' },
  node: 'v20',
  splicebench: '0.1.0',
  private_namespace: false,
  limits: [],
  interfaces: [CARD],
};

/** Each kind of change, by the capture after the run. */
const CAUSES: Record<(typeof CHANGE_KINDS)[number], HostEnvironment[]> = {
  sysctl: [{ ...BEFORE, sysctls: { 'net.ipv4.tcp_rmem': '1 2 3' } }],
  clock: [{ ...BEFORE, turbo: 'on' }],
  interface: [
    {
      ...BEFORE,
      interfaces: [{ ...CARD, interrupts: { 45: { allowed: '0-3', effective: '2' } } }],
    },
  ],
  system: [{ ...BEFORE, kernel: 'Linux 6.13' }],
  unseen: [],
};

describe('a host after a run', () => {
  it('has not changed when only its counters have', () => {
    const after = { ...BEFORE, interfaces: [{ ...CARD, counters: { rx_packets: '999' } }] };
    assert.deepEqual(environmentChanges([BEFORE], [after]), []);
    assert.deepEqual(runWarnings([]), []);
  });

  for (const kind of CHANGE_KINDS) {
    it(`has one warning for a change of kind ${kind}`, () => {
      const warnings = runWarnings(environmentChanges([BEFORE], CAUSES[kind]));
      assert.deepEqual(
        warnings.map(({ id }) => id),
        [RUN_WARNING_KINDS[kind].id],
      );
      for (const words of [warnings[0]?.found, warnings[0]?.matters, warnings[0]?.remedy]) {
        assert.match(words ?? '', /\w{3}/);
      }
    });
  }

  it('says what changed, from what, to what', () => {
    const [change] = environmentChanges([BEFORE], CAUSES.sysctl);
    assert.ok(change);
    assert.deepEqual(change, {
      kind: 'sysctl',
      host: 'sink',
      what: 'sysctl net.ipv4.tcp_rmem',
      before: '4096 131072 6291456',
      after: '1 2 3',
    });
    const [warning] = runWarnings([change]);
    assert.ok(warning);
    assert.match(
      warningText(warning),
      /^on sink sysctl net\.ipv4\.tcp_rmem changed during the run: was 4096 131072 6291456, is 1 2 3 \(changed-sysctl\): /,
    );
  });

  it('tells what could be read on one side only, and not what was never captured', () => {
    const after = [{ ...BEFORE, governor: null, sysctls: {} }];
    assert.deepEqual(
      environmentChanges([BEFORE], after).map(({ what, after: is }) => [what, is]),
      [
        ['frequency governor', null],
        ['sysctl net.ipv4.tcp_rmem', null],
      ],
    );
    const old = { ...BEFORE };
    delete old.turbo;
    assert.deepEqual(environmentChanges([old], [old]), []);
  });

  it('is compared with itself under the same topology', () => {
    const other = { ...BEFORE, topology: 'loopback, bbr', sysctls: {} };
    assert.deepEqual(environmentChanges([BEFORE, other], [other, BEFORE]), []);
  });

  it('tells a few changes of many', () => {
    const rings = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`ring${at}`, '1']));
    const changes = environmentChanges([BEFORE], [{ ...BEFORE, interfaces: [{ ...CARD, rings }] }]);
    assert.equal(changes.length, 10);
    assert.match(runWarnings(changes)[0]?.found ?? '', / and 6 more \(run\.json\)$/);
  });
});
