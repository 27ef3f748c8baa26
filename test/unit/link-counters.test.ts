import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allOn, type Host, localHost } from '../../src/machine/host/host.js';
import { cardCounters, linksOf, parseInterfaces } from '../../src/machine/host/link-counters.js';

const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0          0
to-upstream: 9000 6 1 2 0 0 0 0 500 7 3 4 0 0 0 0
`;

describe('interface counters', () => {
  it('are read by interface, with everything that was lost', () => {
    const found = parseInterfaces(TEXT);
    assert.deepEqual([...found.keys()], ['lo', 'to-upstream']);
    assert.deepEqual(found.get('to-upstream'), {
      receivedBytes: 9000,
      receivedPackets: 6,
      sentBytes: 500,
      lost: 10,
    });
  });

  it('say nothing where the parts share an interface', () => {
    assert.equal(linksOf(allOn(localHost()), new Map(), ['upstream']), null);
  });

  const carried = (interfaces: string[]): Host => ({ ...localHost(), interfaces });

  it('are those towards whoever sends, and what all hosts have lost', () => {
    const forwarder = carried(['to-upstream', 'to-downstream']);
    const end = carried(['eth0']);
    const counters = new Map([
      [
        forwarder,
        parseInterfaces(
          ' to-upstream: 9000 6 0 2 0 0 0 0 500 7 0 0\n to-downstream: 1 1 0 0 0 0 0 0 8000 5 0 0\n',
        ),
      ],
      [end, parseInterfaces(' eth0: 1 1 0 3 0 0 0 0 1 1 0 0\n other: 1 1 9 9 0 0 0 0 1 1 9 9\n')],
    ]);
    const hosts = { upstream: end, forwarder, downstream: localHost() };
    assert.deepEqual(linksOf(hosts, counters, ['upstream']), {
      data: { bytes: 9000, packets: 6 },
      directions: [9000, 500, 1, 8000],
      lost: 5,
    });
  });

  it('do not tell data from acknowledgements where one interface has both sides', () => {
    const forwarder = carried(['eth0']);
    const counters = new Map([[forwarder, parseInterfaces(' eth0: 9 1 0 0 0 0 0 0 8 1 0 0\n')]]);
    const hosts = { upstream: localHost(), forwarder, downstream: localHost() };
    assert.deepEqual(linksOf(hosts, counters, ['upstream']), {
      data: null,
      directions: [9, 8],
      lost: 0,
    });
  });

  it('are of each card by itself: one that does not say its speed hides no other', () => {
    const forwarder: Host = { ...carried(['eth0', 'eth1']), name: 'f', linkSpeeds: { eth1: 1e9 } };
    const silent = { ...carried(['eth0']), linkSpeeds: { eth0: 1e9 } };
    const counters = new Map([
      [
        forwarder,
        parseInterfaces(' eth0: 1 1 0 0 0 0 0 0 1 1 0 0\n eth1: 9 1 0 0 0 0 0 0 8 1 0 0\n'),
      ],
      [silent, null],
    ]);
    const clocks = new Map([
      [forwarder, 7],
      [silent, 8],
    ]);
    assert.deepEqual(cardCounters(counters, clocks), [
      { name: 'eth1 of f', speed: 1e9, seconds: 7, received: 9, sent: 8 },
    ]);
  });
});
