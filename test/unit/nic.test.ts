import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkSpeedOf, nicLacking } from '../../src/machine/topology/nic/nic.js';
import { type PortFacts, refusalOf, sessionAddress } from '../../src/machine/host/port-refusal.js';
import {
  addressCommands,
  parseRoutes,
  type PortAddress,
  type PortState,
  routeCommands,
  stillDifferent,
} from '../../src/machine/host/port-state.js';
import { waitForAnswer } from '../../src/machine/host/wait-for-answer.js';
import type { Topology } from '../../src/data/record/plan.js';
import { topologyText } from '../../src/machine/topology/common/topology-text.js';
import { unavailableIn } from '../../src/experiment/trial/availability.js';
import { messageOf, MINIMAL, scenarioOf } from './scenario-fixtures.js';

const TWO = 'kind: nic, ports: { forwarder: eth1, ends: eth2 }';
const THREE = 'kind: nic, ports: { source: eth1, forwarder: eth2, sink: eth3 }';

function nicOf(keys: string): Topology {
  const [cell] = scenarioOf(`${MINIMAL}topology: { ${keys} }\n`).cells;
  assert.ok(cell);
  return cell.topology;
}

describe('the topology nic', () => {
  it('leaves to the ports what the scenario does not set', () => {
    assert.deepEqual(nicOf(TWO), {
      kind: 'nic',
      congestion: 'cubic',
      sysctls: {},
      seats: [
        {
          name: 'forwarder',
          parts: ['forwarder'],
          port: 'eth1',
          address: '198.18.2.2',
          length: 24,
        },
        {
          name: 'ends',
          parts: ['upstream', 'downstream'],
          port: 'eth2',
          address: '198.18.2.1',
          length: 24,
        },
      ],
      mtu: null,
      tso: null,
      gso: null,
      gro: null,
      checksum: null,
      takeBusyPorts: false,
    });
  });

  it('gives each part a port of its own where there are three, and takes addresses', () => {
    const addresses = 'addresses: { source: fd00::1/64, forwarder: fd00::2/64, sink: fd00::3/64 }';
    const topology = nicOf(`${THREE}, ${addresses}, take-busy-ports: true`);
    assert.ok(topology.kind === 'nic');
    assert.deepEqual(
      topology.seats.map(({ port, address, length }) => `${port} ${address}/${length}`),
      ['eth1 fd00::1/64', 'eth2 fd00::2/64', 'eth3 fd00::3/64'],
    );
    assert.equal(topology.takeBusyPorts, true);
  });

  it('is told in words, with what the scenario sets', () => {
    assert.equal(
      topologyText(nicOf(`${TWO}, mtu: 9000, offloads: off, gro: on`)),
      'nic, forwarder eth1, ends eth2, MTU 9000, TSO off, GSO off, GRO on',
    );
  });

  it('varies what the run sets up in a matrix', () => {
    const matrix = 'matrix: { topology.mtu: [1500, 9000] }\n';
    const { cells } = scenarioOf(`${MINIMAL}topology: { ${TWO} }\n${matrix}`);
    assert.deepEqual(
      cells.map(({ topology }) => topology.kind === 'nic' && topology.mtu),
      [1500, 9000],
    );
  });

  for (const [what, keys, message] of [
    ['a port twice', 'ports: { forwarder: eth1, ends: eth1 }', /'eth1' is there twice/],
    [
      'a part without a port',
      'ports: { forwarder: eth1 }',
      /expected 'forwarder' and 'ends' .* got forwarder/,
    ],
    ['both arrangements', 'ports: { forwarder: a, ends: b, sink: c }', /got forwarder, sink, ends/],
    [
      'an unknown part',
      'ports: { forwarder: a, end: b }',
      /unknown key 'end', did you mean 'ends'/,
    ],
    ['loopback', 'ports: { forwarder: lo, ends: eth1 }', /expected the name of a network port/],
    [
      'an option as a port',
      'ports: { forwarder: -a, ends: eth1 }',
      /expected the name of a network/,
    ],
    [
      'an address without its network',
      'ports: { forwarder: a, ends: b }, addresses: { forwarder: 10.0.0.1, ends: 10.0.0.2/24 }',
      /expected an address with the length of its network/,
    ],
    [
      'addresses of two networks',
      'ports: { forwarder: a, ends: b }, addresses: { forwarder: 10.0.0.1/24, ends: 10.0.1.2/24 }',
      /expected addresses of one network/,
    ],
    [
      'one address for two',
      'ports: { forwarder: a, ends: b }, addresses: { forwarder: 10.0.0.1/24, ends: 10.0.0.1/24 }',
      /expected different addresses/,
    ],
    [
      'addresses of other parts',
      'ports: { forwarder: a, ends: b }, addresses: { source: 10.0.0.1/24, forwarder: 10.0.0.2/24, sink: 10.0.0.3/24 }',
      /addresses are needed for forwarder, ends/,
    ],
    [
      'a rate',
      'ports: { forwarder: a, ends: b }, rate: 1Gbps',
      /'nic' has no 'rate', only 'veth' has/,
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const text = `${MINIMAL}topology: { kind: nic, ${keys} }\n`;
      assert.match(
        messageOf(() => scenarioOf(text)),
        message,
      );
    });
  }

  it('has no direct where the ends share a port, and one where they do not', async () => {
    const runner = { kind: 'builtin' as const, mechanism: 'x' };
    const any = { unavailable: () => Promise.resolve(null), refuses: () => null, runner };
    const kinds = new Map(['direct', 'splice', 'copy'].map((use) => [use, any as never]));
    const leftOut = async (keys: string) =>
      unavailableIn(scenarioOf(`${MINIMAL}topology: { ${keys} }\n`), kinds, null);
    assert.deepEqual(await leftOut(THREE), []);
    const [one, ...others] = await leftOut(TWO);
    assert.equal(one?.forwarder, 'direct');
    assert.match(one.reason, /source and sink share a port/);
    assert.deepEqual(others, []);
  });

  it('is for root only', () => {
    assert.match(nicLacking(1000) ?? '', /needs root/);
  });

  it('knows the speed of a link only where it is told', () => {
    assert.equal(linkSpeedOf('10000Mb/s'), 10e9);
    assert.equal(linkSpeedOf('Unknown!'), null);
    assert.equal(linkSpeedOf(null), null);
  });
});

const ADDRESS: PortAddress = {
  family: 'inet',
  local: '10.0.0.2',
  prefixlen: 24,
  broadcast: '10.0.0.255',
  scope: 'global',
  label: 'eth1',
  valid_life_time: 4_294_967_295,
  preferred_life_time: 4_294_967_295,
};

const FREE: PortFacts = {
  name: 'eth1',
  link: {
    ifname: 'eth1',
    flags: ['BROADCAST', 'UP'],
    mtu: 1500,
    address: '02:00:00:00:00:01',
    addr_info: [ADDRESS],
  },
  others: ['eth0', 'eth1'],
  routes: [{ family: 4, text: '10.0.0.0/24 proto kernel scope link src 10.0.0.2' }],
  uppers: [],
  wireless: false,
  disciplines: [],
  connections: ['10.9.9.9:22'],
};

describe('ports that a run must not take', () => {
  const { link } = FREE;
  assert.ok(link);

  it('are not those that nothing depends on', () => {
    assert.equal(refusalOf(FREE, false, '10.9.9.9'), null);
  });

  for (const [what, changes, session, message] of [
    [
      'the default route',
      { routes: [{ family: 4, text: 'default via 10.0.0.1' }] },
      null,
      /eth1 is not taken: it carries the default route \(default via 10\.0\.0\.1\).*'take-busy-ports: true'/,
    ],
    [
      'the default route of IPv6',
      { routes: [{ family: 6, text: 'default via fe80::1' }] },
      null,
      /default route/,
    ],
    ['the ssh session', {}, '10.0.0.2', /ssh session comes in over it \(10\.0\.0\.2\)/],
    [
      'open connections',
      { connections: ['10.0.0.2:22'] },
      null,
      /connections are open over it \(10\.0\.0\.2:22\)/,
    ],
    [
      'mapped ones',
      { connections: ['[::ffff:10.0.0.2]:22'] },
      null,
      /connections are open over it/,
    ],
  ] as const) {
    it(`are those of ${what}, unless it is allowed`, () => {
      const facts: PortFacts = { ...FREE, ...(structuredClone(changes) as Partial<PortFacts>) };
      assert.match(refusalOf(facts, false, session) ?? '', message);
      assert.equal(refusalOf(facts, true, session), null);
    });
  }

  for (const [what, changes, message] of [
    ['missing', { link: null }, /there is no port eth1 here, only eth0, eth1/],
    ['of a bridge', { link: { ...link, master: 'br0' } }, /it belongs to br0/],
    ['wireless', { wireless: true }, /it is wireless/],
    ['below a VLAN', { uppers: ['eth1.7'] }, /eth1\.7 is made on top of it/],
    ['with qdiscs', { disciplines: ['htb'] }, /queueing disciplines of its own \(htb\)/],
    [
      'of several ways',
      { routes: [{ family: 4, text: '10.7.0.0/16 nexthop via 10.0.0.1 dev eth1' }] },
      /part of a route over several ports/,
    ],
  ] as const) {
    it(`are those ${what}, whatever is allowed`, () => {
      const facts: PortFacts = { ...FREE, ...(structuredClone(changes) as Partial<PortFacts>) };
      assert.match(refusalOf(facts, true, null) ?? '', message);
    });
  }

  it('know the session by its server address', () => {
    assert.equal(sessionAddress('192.0.2.1 5000 10.0.0.2 22'), '10.0.0.2');
    assert.equal(sessionAddress('fe80::1%eth1 5000 fe80::2%eth1 22'), 'fe80::2');
    assert.equal(sessionAddress(undefined), null);
  });
});

const STATE: PortState = {
  name: 'eth1',
  hardware: '02:00:00:00:00:01',
  up: true,
  mtu: 9000,
  addresses: [
    ADDRESS,
    {
      family: 'inet6',
      local: 'fd00::2',
      prefixlen: 64,
      scope: 'global',
      noprefixroute: true,
      valid_life_time: 3600,
      preferred_life_time: 1800,
    },
  ],
  routes: parseRoutes(
    '10.7.0.0/16 via 10.0.0.1 proto static metric 77 linkdown \n10.0.0.0/24 proto kernel\n',
    4,
  ),
  settings: { '/proc/sys/net/ipv4/conf/eth1/rp_filter': '2' },
  offloads: null,
};

describe('putting a port back', () => {
  it('gives the addresses their flags and their times', () => {
    assert.deepEqual(
      addressCommands(STATE).map((words) => words.join(' ')),
      [
        '-4 addr replace 10.0.0.2/24 dev eth1 scope global broadcast 10.0.0.255 label eth1',
        '-6 addr replace fd00::2/64 dev eth1 scope global noprefixroute valid_lft 3600 preferred_lft 1800',
      ],
    );
  });

  it('puts the routes back by which gateways are reached before those by gateways', () => {
    assert.deepEqual(
      routeCommands(STATE).map((words) => words.join(' ')),
      [
        '-4 route append 10.0.0.0/24 proto kernel dev eth1',
        '-4 route append 10.7.0.0/16 via 10.0.0.1 proto static metric 77 dev eth1',
      ],
    );
  });

  it('leaves out what comes with the addresses', () => {
    const text =
      'local 10.0.0.2 table local proto kernel scope host\ndefault via fe80::1 proto ra expires 90sec\n';
    assert.deepEqual(parseRoutes(text, 6), [
      { family: 6, text: 'default via fe80::1 proto ra expires 90' },
    ]);
  });

  it('tells everything that is not as it was', () => {
    assert.deepEqual(stillDifferent(STATE, structuredClone(STATE)), []);
    const bare = { ...STATE, up: false, mtu: 1500, addresses: [], routes: [], settings: {} };
    assert.deepEqual(stillDifferent(STATE, bare), [
      'MTU 1500 instead of 9000',
      'it is down',
      'no address 10.0.0.2/24',
      'no address fd00::2/64',
      'no route 10.7.0.0/16 via 10.0.0.1 proto static metric 77',
      'no route 10.0.0.0/24 proto kernel',
      '/proc/sys/net/ipv4/conf/eth1/rp_filter is not there instead of 2',
    ]);
  });
});

describe('whether an address is reached', () => {
  it('is answered by whoever has it, listening or not', async () => {
    assert.equal(await waitForAnswer('127.0.0.1', 5), null);
  });

  it('is told with what the kernel said', async () => {
    // Of a network that nothing routes to: the multicast block takes no connection.
    assert.match((await waitForAnswer('224.0.0.1', 0)) ?? '', /\w/);
  });
});
