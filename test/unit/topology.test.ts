import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusedOffload } from '../../src/machine/topology/common/offloads.js';
import { topologyText } from '../../src/machine/topology/common/topology-text.js';
import { unavailableLines, withoutTopology } from '../../src/experiment/trial/availability.js';
import { messageOf, MINIMAL, scenarioOf } from './scenario-fixtures.js';

const VETH = {
  kind: 'veth',
  congestion: 'cubic',
  sysctls: {},
  mtu: 1500,
  tso: true,
  gso: true,
  gro: true,
  checksum: true,
  queues: 1,
  rate: null,
  shaper: 'tbf',
};

function topologies(text: string): unknown[] {
  return scenarioOf(MINIMAL + text).cells.map(({ topology }) => topology);
}

describe('the topology veth', () => {
  it('has defaults for everything', () => {
    assert.deepEqual(topologies('topology: { kind: veth }\n'), [VETH]);
  });

  it('leaves loopback as it was', () => {
    const loopback = { kind: 'loopback', congestion: 'cubic', sysctls: {} };
    assert.deepEqual(topologies(''), [loopback]);
  });

  it('takes offloads at once, each key of its own going before', () => {
    const text = 'topology: { kind: veth, offloads: off, gro: on }\n';
    assert.deepEqual(topologies(text), [{ ...VETH, tso: false, gso: false }]);
  });

  it('varies every key in a matrix', () => {
    const text = `topology: { kind: veth }
matrix:
  topology.mtu: [1500, 9000]
  topology.offloads: [on, off]
  topology.rate: [10Gbps, null]
`;
    const { cells } = scenarioOf(MINIMAL + text);
    assert.equal(cells.length, 8);
    assert.equal(cells[0]?.key, 'small/mtu=1500,offloads=on,rate=10Gbps');
    assert.deepEqual(cells[7]?.topology, {
      ...VETH,
      mtu: 9000,
      tso: false,
      gso: false,
      gro: false,
    });
    assert.deepEqual(cells[4]?.topology, { ...VETH, mtu: 9000, rate: 10e9 });
  });

  for (const [what, text, message] of [
    [
      'a key that loopback has no use for',
      'topology: { mtu: 1500 }\n',
      /topology 'loopback' has no 'mtu', only 'veth' and 'nic' have/,
    ],
    [
      'such a key in the matrix',
      'matrix: { topology.gro: [on, off] }\n',
      /topology 'loopback' has no 'gro'/,
    ],
    ['an offload that is neither', 'topology: { kind: veth, tso: maybe }\n', /expected on or off/],
    ['a rate without a unit', 'topology: { kind: veth, rate: 10 }\n', /at least 100000 bit\/s/],
    ['an MTU that IPv4 cannot have', 'topology: { kind: veth, mtu: 100 }\n', /at least 576/],
    ['queues beyond reason', 'topology: { kind: veth, queues: 1000 }\n', /at most 64/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.match(
        messageOf(() => scenarioOf(MINIMAL + text)),
        message,
      );
    });
  }

  it('is told in words', () => {
    const [topology] = scenarioOf(
      `${MINIMAL}topology: { kind: veth, offloads: off, rate: 10Gbps, queues: 2 }\n`,
    ).cells.map((cell) => cell.topology);
    assert.ok(topology);
    assert.equal(
      topologyText(topology),
      'veth, MTU 1500, TSO, GSO and GRO off, 2 queues, 10Gbps by tbf',
    );
  });
});

describe('offloads that a driver refuses', () => {
  const on = { tso: true, gso: true, gro: true, txChecksum: true, rxChecksum: true };

  it('are none when all came out as wanted', () => {
    assert.equal(refusedOffload(on, on), null);
  });

  it('are named, with what they need', () => {
    const noChecksum = { ...on, txChecksum: false, tso: false };
    assert.equal(
      refusedOffload({ ...noChecksum, tso: true }, noChecksum),
      'TSO on (it needs checksum offload)',
    );
    assert.equal(refusedOffload({ ...on, gro: false }, on), 'GRO off');
  });
});

describe('a cell whose topology cannot be had', () => {
  it('is unavailable to every forwarder, and told in one line', () => {
    const scenario = scenarioOf(MINIMAL);
    const [cell] = scenario.cells;
    assert.ok(cell);
    const left = withoutTopology([scenario], cell, 'no namespaces');
    assert.deepEqual(
      left.map(({ forwarder }) => forwarder),
      ['direct', 'splice', 'copy'],
    );
    assert.deepEqual(unavailableLines(left), [
      'direct, splice, copy in small are unavailable: no namespaces',
    ]);
  });
});
