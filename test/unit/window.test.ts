import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSnapshot } from '../../src/data/native/native-surface.js';
import type { ForwarderCost } from '../../src/experiment/measure/forwarder-under-test.js';
import {
  type Marks,
  receivingRate,
  seriesOf,
  sumSeries,
  windowFigures,
} from '../../src/experiment/measure/window.js';

function snapshot(change: Partial<EndpointSnapshot>): EndpointSnapshot {
  return {
    timeNs: 0,
    cpuNs: 0,
    tid: 1,
    established: 1,
    started: 1,
    ended: 0,
    failed: 0,
    lastErrno: null,
    sent: 0,
    received: 0,
    incidents: 0,
    firstByteNs: 0,
    lastByteNs: 0,
    ...change,
  };
}

function cost(change: Partial<ForwarderCost>): ForwarderCost {
  return {
    timeNs: 0,
    cpuNs: 0,
    syscalls: null,
    syscallSource: null,
    syscallsReason: null,
    contextSwitches: null,
    calls: null,
    ...change,
  } as ForwarderCost;
}

/** A mark at a time in seconds, after so many GB at the downstream end. */
function mark(seconds: number, gb: number, forwarder: ForwarderCost | null = null): Marks {
  return {
    endpoints: [
      {
        upstream: snapshot({ timeNs: seconds * 1e9, cpuNs: seconds * 0.25e9, sent: gb * 1e9 }),
        downstream: snapshot({
          timeNs: seconds * 1e9,
          cpuNs: seconds * 0.5e9,
          received: gb * 1e9,
          lastByteNs: seconds * 1e9,
        }),
      },
    ],
    forwarder,
    memory: null,
    host: {
      machine: 'm',
      seconds,
      cpu: {
        busy: seconds * 1.5,
        softirq: seconds * 0.5,
        stolen: 0,
        byCpu: new Map([[0, seconds * 0.9]]),
      },
      retransmits: 3 * seconds,
      links: null,
    },
  };
}

describe('windowFigures', () => {
  it('adds up the CPU time of several machines, each by its own clock, one machine once', () => {
    const there = (seconds: number, machine: string, rate: number) => ({
      machine,
      // A clock that began elsewhere.
      seconds: 1000 + seconds,
      cpu: {
        busy: seconds * rate,
        softirq: 0,
        stolen: 0,
        byCpu: new Map([[3, seconds * rate]]),
      },
    });
    const at = (seconds: number, downstream: string): Marks => {
      const one = mark(seconds, seconds);
      const ends = {
        upstream: there(seconds, 'n', 0.5),
        downstream: there(seconds, downstream, 0.25),
      };
      return { ...one, host: { ...one.host, ends: [ends] } };
    };
    const three = windowFigures(at(1, 'o'), at(3, 'o'), ['downstream'], false);
    assert.equal(three.system_cpu_seconds_per_gb?.toFixed(6), '2.250000');
    assert.equal(three.softirq_cpu_seconds_per_gb?.toFixed(6), '0.500000');
    assert.equal(three.cpuBusy.ends[0]?.upstream.get(3)?.toFixed(6), '0.500000');
    assert.equal(three.cpuBusy.forwarder.get(0)?.toFixed(6), '0.900000');
    const two = windowFigures(at(1, 'n'), at(3, 'n'), ['downstream'], false);
    assert.equal(two.system_cpu_seconds_per_gb?.toFixed(6), '1.750000');
  });

  it('tells what the links carried: packets towards the forwarder, and the busiest direction', () => {
    const links = (seconds: number) => ({
      data: { bytes: 3000 * seconds, packets: 2 * seconds },
      directions: [3000 * seconds, 100 * seconds, 60 * seconds, 3100 * seconds],
      lost: seconds,
    });
    const at = (seconds: number): Marks => {
      const made = mark(seconds, seconds);
      return { ...made, host: { ...made.host, links: links(seconds) } };
    };
    const figures = windowFigures(at(1), at(3), ['downstream'], false);
    assert.equal(figures.packets, 4);
    assert.equal(figures.bytes_per_packet, 1500);
    assert.equal(figures.packet_drops, 2);
    assert.equal(figures.linkBitsPerSecond, 3100 * 8);
    assert.equal(figures.softirq_cpu_seconds_per_gb, 0.5);
    const none = windowFigures(mark(1, 1), mark(3, 3), ['downstream'], false);
    assert.deepEqual(
      [none.packets, none.bytes_per_packet, none.linkBitsPerSecond],
      [null, null, null],
    );
  });

  it('tells which card was used most, by the clock of its host', () => {
    const card = (name: string, seconds: number, received: number, sent: number) => ({
      ...{ name, speed: 1e9, seconds, received, sent },
    });
    const at = (seconds: number, cards: ReturnType<typeof card>[]): Marks => {
      const made = mark(seconds, seconds);
      return { ...made, host: { ...made.host, cards } };
    };
    const before = at(1, [card('a', 50, 100, 7), card('b', 1, 0, 0)]);
    const after = at(3, [card('a', 51, 100 + 1e8, 7), card('b', 3, 1, 1e8), card('new', 3, 1, 1)]);
    const { fullestCard } = windowFigures(before, after, ['downstream'], false);
    assert.deepEqual(fullestCard, { name: 'a', speed: 1e9, share: 0.8 });
    assert.equal(windowFigures(mark(1, 1), mark(3, 3), ['downstream'], false).fullestCard, null);
  });

  it('counts what came between the marks, by the clock of the receiving end', () => {
    const figures = windowFigures(mark(1, 5), mark(3, 9), ['downstream'], false);
    assert.equal(figures.seconds, 2);
    assert.equal(figures.bytes, 4e9);
    assert.equal(figures.goodput_gbps, 16);
    assert.equal(figures.system_cpu_seconds_per_gb, 0.75);
    assert.equal(figures.retransmits, 6);
    assert.deepEqual(figures.endpointUtilisation, { upstream: 0.25, downstream: 0.5 });
    assert.equal(figures.cpuBusy.forwarder.get(0)?.toFixed(6), '0.900000');
    assert.equal(figures.forwarder_cpu_seconds, null);
    assert.equal(figures.syscall_source, null);
  });

  it('adds up the rates of several pairs, each over its own time', () => {
    const pairs = (seconds: number, gb: number, late: number): Marks => {
      const [first, second] = [mark(seconds, gb), mark(seconds + late, gb / 2)];
      second.endpoints[0].upstream.cpuNs *= 3;
      return { ...first, endpoints: [first.endpoints[0], second.endpoints[0]] };
    };
    // The second pair is marked half a second late at the end: 2 GB/s and 2 GB in 2.5 s.
    const figures = windowFigures(pairs(1, 0, 0), pairs(3, 4, 0.5), ['downstream'], false);
    assert.equal(figures.bytes, 6e9);
    assert.equal(figures.seconds, 2.5);
    assert.equal(figures.goodput_gbps.toFixed(6), (8 * (2 + 2 / 2.5)).toFixed(6));
    assert.equal(figures.endpointUtilisation.upstream.toFixed(2), '0.75');
    assert.equal(figures.cpuBusy.ends.length, 2);
    // Links that carried less than arrived are not all of them.
    const links = (bytes: number) => ({
      data: { bytes, packets: 9 },
      directions: [bytes],
      lost: 0,
    });
    const crossed = (bytes: number) => {
      const [a, b] = [pairs(1, 0, 0), pairs(3, 4, 0)];
      const [before, after] = [
        { ...a, host: { ...a.host, links: { ...links(0), data: { bytes: 0, packets: 0 } } } },
        { ...b, host: { ...b.host, links: links(bytes) } },
      ];
      return windowFigures(before, after, ['downstream'], false);
    };
    assert.deepEqual([crossed(6.2e9).packets, crossed(4.1e9).packets], [9, null]);
    assert.equal(crossed(4.1e9).linkBitsPerSecond, null);
    // Of a fixed amount the slower pair's time is that of all: no pair has a rate after its end.
    const [from, to] = [pairs(0, 0, 0), pairs(2, 4, 0)];
    const [, slow] = to.endpoints;
    assert.ok(slow);
    slow.downstream.lastByteNs = 4e9;
    assert.equal(windowFigures(from, to, ['downstream'], true).goodput_gbps, 12);
    assert.equal(receivingRate(from.endpoints, to.endpoints, ['downstream']), 3);
  });

  it('adds up both directions', () => {
    const [from, to] = [mark(0, 0), mark(2, 4)];
    to.endpoints[0].upstream.received = 6e9;
    const figures = windowFigures(from, to, ['upstream', 'downstream'], false);
    assert.equal(figures.bytes, 10e9);
    assert.equal(figures.goodput_gbps, 40);
  });

  it('a fixed amount ends with its last byte, not with the second mark', () => {
    const to = mark(4, 4);
    to.endpoints[0].downstream.lastByteNs = 2e9;
    assert.equal(windowFigures(mark(0, 0), to, ['downstream'], true).goodput_gbps, 16);
    assert.equal(windowFigures(mark(0, 0), to, ['downstream'], false).goodput_gbps, 8);
  });

  it("costs are rates by the payer's own clock: an offset between the marks cancels out", () => {
    const own = { syscallSource: 'own' as const };
    const from = mark(0, 0, cost({ ...own, timeNs: 0.1e9, cpuNs: 0, syscalls: 0 }));
    const to = mark(2, 4, cost({ ...own, timeNs: 4.1e9, cpuNs: 2e9, syscalls: 8000 }));
    const figures = windowFigures(from, to, ['downstream'], false);
    // Half a CPU at 2 GB/s, 2000 calls per second.
    assert.equal(figures.forwarder_utilisation, 0.5);
    assert.equal(figures.forwarder_cpu_seconds, 1);
    assert.equal(figures.forwarder_cpu_seconds_per_gb, 0.25);
    assert.equal(figures.syscalls_per_gb, 1000);
    assert.equal(figures.bytes_per_syscall, 1e6);
    assert.equal(figures.syscall_source, 'own');
  });

  it('takes a sample where the forwarder has no count, and its own count where it has', () => {
    const sample = { perSecond: 300, gbPerSecond: 3 };
    const [from, to] = [mark(0, 0, cost({})), mark(2, 4, cost({ timeNs: 2e9, cpuNs: 1e9 }))];
    const sampled = windowFigures(from, to, ['downstream'], false, sample);
    assert.deepEqual([sampled.syscalls_per_gb, sampled.syscalls], [100, 400]);
    assert.equal(sampled.syscall_source, 'perf');
    const own = { syscallSource: 'own' as const };
    const counted = windowFigures(
      mark(0, 0, cost({ ...own, syscalls: 0 })),
      mark(2, 4, cost({ ...own, syscalls: 80, timeNs: 2e9 })),
      ['downstream'],
      false,
      sample,
    );
    assert.deepEqual([counted.syscalls, counted.syscall_source], [80, 'own']);
  });

  it('nothing arrived: no division by zero, no figure per GB', () => {
    const figures = windowFigures(
      mark(0, 0, cost({})),
      mark(2, 0, cost({ timeNs: 2e9, cpuNs: 1e9 })),
      ['downstream'],
      false,
    );
    assert.equal(figures.goodput_gbps, 0);
    assert.equal(figures.forwarder_cpu_seconds, 1);
    assert.equal(figures.forwarder_cpu_seconds_per_gb, null);
    assert.equal(figures.system_cpu_seconds_per_gb, null);
    const still = windowFigures(mark(1, 1), mark(1, 1), ['downstream'], false);
    assert.equal(still.goodput_gbps, 0);
    assert.equal(still.system_cpu_seconds_per_gb, null);
  });

  it('calls by name are those of the window, with their histograms', () => {
    const count = (calls: number) => ({ calls, eagain: 1, bytes: calls * 10, histogram: [calls] });
    const from = mark(0, 0, cost({ calls: { splice: count(5), socket: count(1) } }));
    const to = mark(
      1,
      1,
      cost({ timeNs: 1e9, calls: { splice: count(8), socket: count(1), fcntl: count(2) } }),
    );
    assert.deepEqual(windowFigures(from, to, ['downstream'], false).calls, {
      splice: { calls: 3, eagain: 0, bytes: 30, histogram: [3] },
      fcntl: { calls: 2, eagain: 1, bytes: 20, histogram: [2] },
    });
  });
});

describe('sumSeries', () => {
  const at = (t: number, gbps: number) => ({ t, gbps });

  it('has the times of the first pair, and of the others what they had nearest to it', () => {
    const first = [at(0.1, 1), at(0.2, 2), at(0.3, 3)];
    assert.deepEqual(sumSeries([first]), first);
    assert.deepEqual(sumSeries([first, [at(0.12, 10), at(0.22, 20)]]), [
      at(0.1, 11),
      at(0.2, 22),
      at(0.3, 23),
    ]);
    assert.deepEqual(sumSeries([first, []]), first);
    assert.deepEqual(sumSeries([]), []);
  });
});

describe('seriesOf', () => {
  it('takes whole intervals inside the window only', () => {
    const samples = [0, 0, 0, 1e8, 1e8, 0, 2e8, 3e8, 0, 3e8, 4e8, 0];
    assert.deepEqual(seriesOf(samples, 1e8, 2e8), [{ t: 0.1, gbps: 16 }]);
    assert.deepEqual(
      seriesOf(samples, 0, 3e8).map(({ gbps }) => gbps),
      [8, 16, 8],
    );
    assert.deepEqual(seriesOf([], 0, 1), []);
    assert.deepEqual(seriesOf([5, 1, 1, 5, 9, 9], 0, 10), [], 'no time between two samples');
  });
});

describe('receivingRate', () => {
  it('adds the ends up, each by its own clock', () => {
    const [from, to] = [mark(0, 0).endpoints, mark(2, 4).endpoints];
    assert.equal(receivingRate(from, to, ['downstream']), 2);
    assert.equal(receivingRate(from, to, ['upstream']), 0);
    assert.equal(receivingRate(from, from, ['downstream']), 0);
  });
});
