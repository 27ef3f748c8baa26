/** What cards and links spoil, by environments of which each has one trouble, and by one that has none. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  LINK_WARNING_KINDS,
  linkWarnings,
  type Situation,
} from '../../src/machine/host/link-warnings.js';
import { RUN_WARNING_KINDS } from '../../src/machine/host/run-warnings.js';
import { WARNING_KINDS } from '../../src/machine/host/warnings.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import type {
  HostEnvironment,
  InterfaceEnvironment,
} from '../../src/data/record/environment-record.js';

function card(host: string, change: Partial<InterfaceEnvironment> = {}): InterfaceEnvironment {
  return {
    host,
    name: 'eth1',
    mtu: 9000,
    driver: 'ixgbe',
    firmware: '1',
    speed: '10000Mb/s',
    numa_node: '0',
    irq_affinity: '0-3',
    interrupts: { 45: { allowed: '0-3', effective: '0' } },
    offloads: { 'generic-receive-offload': 'on' },
    rings: { RX: '4096', TX: '4096' },
    rings_maximum: { RX: '4096', TX: '4096' },
    coalescing: { 'Adaptive RX': 'off  TX: off', 'rx-usecs': '50' },
    pause: { Autonegotiate: 'off', RX: 'off', TX: 'off' },
    queues: { Combined: '8' },
    queues_maximum: { Combined: '63' },
    counters: null,
    ...change,
  };
}

function machine(
  host: string,
  part: string,
  change: Partial<InterfaceEnvironment> = {},
  more: Partial<HostEnvironment> = {},
): HostEnvironment {
  return {
    host,
    kernel: 'Linux 6.12',
    command_line: '',
    cpu_model: 'X',
    cpus: 8,
    memory_bytes: 1e9,
    governor: 'performance',
    irqbalance: 'not seen',
    placement: { [part]: [2] },
    mitigations: {},
    sysctls: {
      'net.ipv4.tcp_rmem': '4096 131072 6291456',
      'net.ipv4.tcp_wmem': '4096 16384 4194304',
    },
    node: 'v20',
    splicebench: '0.1.0',
    private_namespace: false,
    limits: [],
    interfaces: [card(host, change)],
    ...more,
  };
}

const SOURCE = machine('a', 'source');

/** Two hosts, the second with a change. */
function hosts(
  change: Partial<InterfaceEnvironment>,
  more: Partial<HostEnvironment> = {},
): Situation {
  return { hosts: [SOURCE, machine('b', 'forwarder', change, more)], connections: 16 };
}

/** What makes each warning, and what a command that ends it has in it. */
const CAUSES: Record<string, { situation: Situation; remedy: RegExp }> = {
  'small-rings': {
    situation: hosts({ rings: { RX: '512', TX: '4096' } }),
    remedy: /^ethtool -G eth1 rx 4096$/,
  },
  'adaptive-coalescing': {
    situation: hosts({ coalescing: { 'Adaptive RX': 'on  TX: off', 'rx-usecs': '8' } }),
    remedy: /^ethtool -C eth1 adaptive-rx off rx-usecs 50$/,
  },
  'long-coalescing': {
    situation: hosts({ coalescing: { 'Adaptive RX': 'off  TX: off', 'rx-usecs': '250' } }),
    remedy: /^ethtool -C eth1 rx-usecs 50$/,
  },
  'pause-frames': {
    situation: hosts({ pause: { Autonegotiate: 'on', RX: 'on', TX: 'off' } }),
    remedy: /^ethtool -A eth1 .*rx off tx off$/,
  },
  irqbalance: {
    situation: hosts({}, { irqbalance: 'running' }),
    remedy: /^systemctl stop irqbalance$/,
  },
  'interrupts-on-forwarder': {
    situation: hosts({
      interrupts: {
        45: { allowed: '0-7', effective: '0' },
        46: { allowed: '0-7', effective: '2' },
      },
    }),
    remedy: /^for irq in 46; do echo 0 >\/proc\/irq\/\$irq\/smp_affinity_list; done/,
  },
  'far-card': {
    situation: hosts({ numa_node: '1', irq_affinity: '4-7' }),
    remedy: /pin: \{ forwarder: \[4\] \}/,
  },
  'small-buffers': {
    situation: hosts(
      {},
      {
        sysctls: {
          'net.ipv4.tcp_rmem': '4096 131072 6291456',
          'net.ipv4.tcp_wmem': '4096 16384 1000000',
        },
      },
    ),
    remedy: /^sysctl -w net\.ipv4\.tcp_wmem='4096 16384 33554432'$/,
  },
  'few-queues': {
    situation: hosts({ queues: { Combined: '1' } }),
    remedy: /^ethtool -L eth1 combined 8$/,
  },
  'mtu-differs': {
    situation: hosts({ mtu: 1500 }),
    remedy: /ip link set eth1 mtu 1500 on a/,
  },
  'speed-differs': {
    situation: hosts({ speed: '1000Mb/s' }),
    remedy: /ethtool -s eth1 autoneg on/,
  },
};

describe('linkWarnings', () => {
  it('warns of nothing where nothing is wrong', () => {
    assert.deepEqual(linkWarnings(hosts({})), []);
  });

  it('is a closed list, and every kind has a cause here', () => {
    assert.deepEqual(LINK_WARNING_KINDS.map(({ id }) => id).sort(), Object.keys(CAUSES).sort());
  });

  for (const [id, { situation, remedy }] of Object.entries(CAUSES)) {
    it(`warns of ${id}, and of nothing else`, () => {
      const warnings = linkWarnings(situation);
      assert.deepEqual(
        warnings.map((one) => one.id),
        [id],
      );
      const [warning] = warnings;
      assert.match(warning?.remedy ?? '', remedy);
      assert.equal(warning?.host, id.endsWith('-differs') ? null : 'b');
      assert.doesNotMatch(`${warning.found} ${warning.remedy}`, /undefined|NaN|null/);
    });
  }

  it('takes nothing for granted that a host does not tell', () => {
    const silent = {
      mtu: null,
      speed: 'Unknown!',
      irq_affinity: null,
      interrupts: null,
      rings: { RX: '64' },
      rings_maximum: null,
      coalescing: { 'rx-usecs': 'n/a' },
      pause: null,
      queues: { Combined: '1' },
      queues_maximum: null,
    };
    const old = machine('b', 'forwarder', silent);
    delete old.placement;
    delete old.irqbalance;
    assert.deepEqual(linkWarnings({ hosts: [old], connections: null }), []);
  });

  it('leaves interfaces alone that have no card behind them, and their hosts', () => {
    const veth = { numa_node: null, rings: { RX: '1' }, pause: { RX: 'on' } };
    assert.deepEqual(linkWarnings(hosts(veth, { irqbalance: 'running' })), []);
  });

  it('one queue is enough for one connection', () => {
    const one = hosts({ queues: { Combined: '1' } });
    assert.deepEqual(linkWarnings({ ...one, connections: 1 }), []);
  });
});

describe('the guides', () => {
  it('name every warning there is, and no other', () => {
    const text = readFileSync(join(packageRoot(), 'docs', 'warnings.md'), 'utf8');
    const told = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id);
    const kinds = [...WARNING_KINDS, ...LINK_WARNING_KINDS, ...Object.values(RUN_WARNING_KINDS)];
    // This one comes from what `splicebench noise` has stored, and not from a look at the host.
    const ids = [...kinds.map(({ id }) => id), 'noise'];
    assert.deepEqual(told.sort(), ids.sort());
  });
});
