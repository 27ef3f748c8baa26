/** A slice of a set, of which a test says what it needs. */
import type { Slice } from '../../src/experiment/measure/slices.js';

/** 40 ms measured at a speed, and half as many bytes again in the rest; 1 s of CPU per GB. */
export function slice(round: number, bytesPerSecond: number): Slice {
  const bytes = bytesPerSecond * 0.04;
  const cost = (cpuNs: number) => ({
    timeNs: 0,
    cpuNs,
    syscalls: cpuNs / 1e6,
    contextSwitches: 0,
    calls: null,
  });
  const host = (busy: number) => ({
    machine: 'm',
    seconds: 0,
    cpu: { busy, softirq: busy / 2, stolen: 0, byCpu: new Map([[0, busy]]) },
    retransmits: 0,
    links: null,
  });
  return {
    round,
    turn: 1,
    measured: [{ side: 'downstream', seconds: 0.04, bytes }],
    allBytes: bytes * 1.5,
    endCpu: { upstream: 0.01, downstream: 0.02 },
    cost: { from: cost(5e9), to: cost(5e9 + bytes * 1.5) },
    host: { from: host(1), to: host(1 + (bytes * 1.5 * 2) / 1e9) },
    lineNs: null,
    workNs: null,
    waitNs: null,
  };
}
