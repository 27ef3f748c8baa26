/** The controls of `splicebench selftest`, as data. */
import type { Handover } from '../../data/native/native-surface.js';
import type { Control, Detector, ExpectedIncident } from './control.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Aligned to nothing, so that no rounding can hide. */
const AT = 300_007;
const STREAM = 8 * MiB;

/** How far shifts and losses go: a byte, a word of the stamp, its block, a page. */
const DISTANCES = [1, 8, 16, 4096] as const;
/** The stretch of the 2008 report: what came in by one splice. */
const REPORTED = 172;
/** The payload of an Ethernet segment. */
const SEGMENT = 1460;

/** Fits the smallest receive buffer that a kernel starts with, so that nothing has to be read. */
const HELD = 32 * KiB;
const HELD_CONNECTIONS = 32;

/** As many pages as give so many events. */
const GRADES = [
  { every: 10, pages: 10_000 },
  { every: 1_000, pages: 100_000 },
  { every: 100_000, pages: 1_000_000 },
] as const;
const PAGE = 4 * KiB;

/** So slow that what is sent waits in the forwarder's send queue, bits per second. */
const SLOW = { bytes: 16 * MiB, reader: 400e6 };

/** Streams that honest mechanisms carry. */
const HONEST = [
  { name: 'one download', workload: { bytes: 64 * MiB } },
  {
    name: '16 connections both ways',
    workload: { bytes: 2 * MiB, connections: 16, direction: 'both' },
  },
] as const;

/**
 * Every control.
 * @param mechanisms the forwarders whose honest streams must give no alarm
 */
export function allControls(mechanisms: readonly string[]): Control[] {
  return [...faults(), ...ends(), ...overwritten(), ...graded(), ...honest(mechanisms)];
}

// eslint-disable-next-line max-lines-per-function -- one table of controls
function faults(): Control[] {
  const one = (
    detector: Detector,
    name: string,
    options: { fault: string; length?: number; shift?: number },
    ...incidents: ExpectedIncident[]
  ) => fault(detector, name, { at: AT, ...options }, incidents);
  const stretch = (kind: ExpectedIncident['class'], length: number, offset = AT) => ({
    class: kind,
    offset,
    length,
  });
  return [
    one('bit-flip', 'one bit', { fault: 'bit-flip' }, stretch('bit-flip', 1)),
    ...[REPORTED, PAGE].map((length) =>
      one('zeros', `${length} zeros`, { fault: 'zeros', length }, stretch('zeros', length)),
    ),
    one(
      'misplaced',
      'two segments swapped',
      { fault: 'swap', length: SEGMENT },
      { ...stretch('misplaced', SEGMENT), origin: { offset: AT + SEGMENT } },
      { ...stretch('misplaced', SEGMENT, AT + SEGMENT), origin: { offset: AT } },
    ),
    ...DISTANCES.map((shift) =>
      one(
        'misplaced',
        `bytes from ${shift} further on`,
        { fault: 'shift', length: SEGMENT, shift },
        { ...stretch('misplaced', SEGMENT), origin: { offset: AT + shift } },
      ),
    ),
    one(
      'foreign',
      "another stream's bytes",
      { fault: 'foreign', length: REPORTED },
      {
        ...stretch('foreign', REPORTED),
        origin: { connection: 4000, offset: AT },
      },
    ),
    crossed(),
    one(
      'decoy',
      "a decoy's bytes",
      { fault: 'decoy', length: REPORTED },
      {
        ...stretch('decoy', REPORTED),
        origin: { offset: AT },
      },
    ),
    ...DISTANCES.map((length) =>
      one('missing', `${length} lost`, { fault: 'drop', length }, stretch('missing', length)),
    ),
    one(
      'inserted',
      'a segment twice',
      { fault: 'duplicate', length: SEGMENT },
      stretch('inserted', SEGMENT, AT + SEGMENT),
    ),
    ...DISTANCES.map((length) =>
      one(
        'inserted',
        `${length} too many`,
        { fault: 'insert', length },
        stretch('inserted', length),
      ),
    ),
    one('unknown', 'noise', { fault: 'noise', length: REPORTED }, stretch('unknown', REPORTED)),
  ];
}

function crossed(): Control {
  const incidents = [0, 1].map((connection): ExpectedIncident => ({
    class: 'foreign',
    offset: AT,
    length: SEGMENT,
    connection,
    origin: { connection: 1 - connection, offset: AT },
  }));
  const options = { fault: 'cross', at: AT, length: SEGMENT };
  const control = fault('foreign', 'two connections crossed', options, incidents);
  return { ...control, workload: { ...control.workload, connections: 2 } };
}

function fault(
  detector: Detector,
  name: string,
  options: Record<string, unknown>,
  incidents: ExpectedIncident[],
): Control {
  return {
    name,
    detector,
    forwarder: { use: 'faulty', options },
    workload: { bytes: STREAM },
    expect: { kind: 'incidents', incidents },
  };
}

/** Streams that end as they should not. */
function ends(): Control[] {
  const end = (
    detector: 'truncated' | 'extra' | 'stalled' | 'reset',
    reason: string,
    options: object,
  ) => ({
    detector,
    forwarder: { use: 'faulty', options: { at: AT, ...options } },
    workload: { bytes: STREAM, stall: 1 },
    expect: { kind: 'outcome', outcome: detector, reason } as const,
  });
  return [
    { name: 'an early end', ...end('truncated', `last ${STREAM - AT} bytes`, { fault: 'fin' }) },
    {
      name: 'bytes behind the end',
      ...end('extra', `${REPORTED} bytes more`, { fault: 'extra', length: REPORTED }),
    },
    { name: 'a standstill', ...end('stalled', 'no progress', { fault: 'stall' }) },
    { name: 'a reset', ...end('reset', 'ECONNRESET', { fault: 'reset' }) },
  ];
}

/**
 * Memory written over once all of it waits at the sink, unread. Seen through a path that only passes
 * references on, and not through one that copies: the pair proves the checker and the zero copy.
 */
function overwritten(): Control[] {
  const held = { bytes: HELD, connections: HELD_CONNECTIONS };
  const arrived = (
    handover: Handover,
    use: string,
    kind: 'overwritten' | 'untouched',
  ): Control => ({
    name: `${handover} ${use === 'direct' ? 'without forwarder' : `through ${use}`}`,
    detector: 'overwritten memory',
    forwarder: { use },
    workload: held,
    source: { kind: 'overwriting', handover, settled: 'arrived' },
    expect: { kind },
  });
  return [
    arrived('vmsplice', 'splice', 'overwritten'),
    arrived('vmsplice', 'copy', 'untouched'),
    arrived('vmsplice', 'direct', 'overwritten'),
    arrived('gift', 'direct', 'overwritten'),
    arrived('sendfile', 'direct', 'overwritten'),
    arrived('splice-file', 'direct', 'overwritten'),
    arrived('send', 'direct', 'untouched'),
    {
      name: 'MSG_ZEROCOPY, window full',
      detector: 'overwritten memory',
      forwarder: { use: 'direct' },
      workload: { bytes: MiB },
      source: { kind: 'overwriting', handover: 'zerocopy', settled: 'stuck' },
      expect: { kind: 'overwritten' },
    },
    {
      name: 'zerocopy-early, slow reader',
      detector: 'overwritten memory',
      forwarder: { use: 'faulty', options: { fault: 'zerocopy-early' } },
      workload: SLOW,
      expect: { kind: 'reused' },
    },
    {
      name: 'zerocopy, slow reader',
      detector: 'no false alarm',
      forwarder: { use: 'zerocopy' },
      workload: SLOW,
      expect: { kind: 'nothing' },
    },
  ];
}

function graded(): Control[] {
  return GRADES.map(({ every, pages }) => ({
    name: `1 page in ${every.toLocaleString('en-US')}`,
    detector: 'incidence',
    forwarder: { use: 'splice' },
    workload: { bytes: pages * PAGE },
    source: { kind: 'graded', every },
    expect: { kind: 'incidence', every },
  }));
}

function honest(mechanisms: readonly string[]): Control[] {
  return mechanisms.flatMap((use) =>
    HONEST.map(({ name, workload }) => ({
      name: `${use}, ${name}`,
      detector: 'no false alarm' as const,
      forwarder: { use },
      workload,
      expect: { kind: 'nothing' as const },
    })),
  );
}
