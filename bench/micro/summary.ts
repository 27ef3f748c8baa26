/** From the rounds of the micro benchmark to figures with intervals. Pure. */
import { estimateMedian, type MedianEstimate } from '../../src/base/statistics/interval.js';

/** GB/s of one pass over a buffer. */
export interface MemoryRound {
  kind: 'memory';
  round: number;
  /** "L2" or "DRAM": where a buffer of this size lies. */
  place: string;
  bytes: number;
  operation: 'memcpy' | 'fill' | 'match';
  /** null for memcpy. */
  engine: string | null;
  gb_per_second: number;
}

/** Nanoseconds of one pair of calls that hands `bytes` on. */
export interface PairRound {
  kind: 'pair';
  round: number;
  mechanism: 'splice' | 'copy';
  bytes: number;
  ns: number;
}

export type MicroRound = MemoryRound | PairRound;

export interface MemoryRow {
  place: string;
  bytes: number;
  operation: MemoryRound['operation'];
  engine: string | null;
  gb_per_second: MedianEstimate;
  /** To memcpy of the same buffer in the same round. */
  of_memcpy: MedianEstimate;
}

export interface PairRow {
  bytes: number;
  splice_ns: number | null;
  copy_ns: number | null;
  splice_gb_per_second: number | null;
  copy_gb_per_second: number | null;
  /** Nanoseconds of splice over those of copy, paired by round. */
  ratio: MedianEstimate;
}

/** A row per buffer and operation: memcpy first, then the engines, the fastest first. */
export function memoryRows(rounds: readonly MicroRound[], engines: readonly string[]): MemoryRow[] {
  const own = rounds.filter((each) => each.kind === 'memory');
  const places = [...new Map(own.map((each) => [each.bytes, each.place]))].sort(
    ([a], [b]) => a - b,
  );
  const operations = [
    { operation: 'memcpy' as const, engine: null },
    ...engines.flatMap((engine) => [
      { operation: 'fill' as const, engine },
      { operation: 'match' as const, engine },
    ]),
  ];
  return places.flatMap(([bytes, place]) => {
    const here = own.filter((each) => each.bytes === bytes);
    const copies = here.filter((each) => each.operation === 'memcpy');
    return operations.flatMap(({ operation, engine }) => {
      const alike = here.filter((each) => each.operation === operation && each.engine === engine);
      if (alike.length === 0) return [];
      const speeds = alike.map(({ gb_per_second }) => gb_per_second);
      const ratios = alike.flatMap(({ round, gb_per_second }) => {
        const copy = copies.find((each) => each.round === round);
        return copy === undefined ? [] : [gb_per_second / copy.gb_per_second];
      });
      const gbps = estimateMedian(speeds);
      const of_memcpy = estimateMedian(ratios);
      return [{ place, bytes, operation, engine, gb_per_second: gbps, of_memcpy }];
    });
  });
}

/** Rows by size, the smallest first. */
export function pairRows(rounds: readonly MicroRound[]): PairRow[] {
  const own = rounds.filter((each) => each.kind === 'pair');
  const sizes = [...new Set(own.map(({ bytes }) => bytes))].sort((a, b) => a - b);
  return sizes.map((bytes) => {
    const of = (mechanism: PairRound['mechanism']) =>
      own.filter((each) => each.bytes === bytes && each.mechanism === mechanism);
    const copies = of('copy');
    const ratios = of('splice').flatMap(({ round, ns }) => {
      const copied = copies.find((each) => each.round === round);
      return copied === undefined ? [] : [ns / copied.ns];
    });
    const splice = estimateMedian(of('splice').map(({ ns }) => ns)).median;
    const copy = estimateMedian(copies.map(({ ns }) => ns)).median;
    return {
      bytes,
      splice_ns: splice,
      copy_ns: copy,
      splice_gb_per_second: splice === null ? null : bytes / splice,
      copy_gb_per_second: copy === null ? null : bytes / copy,
      ratio: estimateMedian(ratios),
    };
  });
}

/**
 * From which size on a splice pair is cheaper, in a sentence. A size counts for one of the two only
 * when the whole interval of the ratio does.
 */
export function crossover(rows: readonly PairRow[], size: (bytes: number) => string): string {
  const known = rows.flatMap(({ bytes, ratio: { interval } }) =>
    interval === null ? [] : [{ bytes, ...interval }],
  );
  if (known.length === 0) return 'Too few rounds to say where the two cross.';
  const spliced = known.filter(({ high }) => high < 1).map(({ bytes }) => bytes);
  const copied = known.filter(({ low }) => low > 1).map(({ bytes }) => bytes);
  const [from] = spliced;
  const upTo = copied.at(-1);
  const sizes = (list: readonly number[]) => list.map(size).join(', ');
  if (from !== undefined && upTo !== undefined && upTo > from) {
    return (
      `There is no single crossing: a splice pair is cheaper at ${sizes(spliced)}, ` +
      `a recv/send pair at ${sizes(copied)}.`
    );
  }
  const within = known.filter(({ bytes }) => bytes >= (from ?? Infinity));
  const gaps = within.length > spliced.length;
  const splice =
    from === undefined
      ? null
      : gaps
        ? `a splice pair at ${sizes(spliced)}`
        : `a splice pair from ${size(from)} on`;
  const copy = upTo === undefined ? null : `a recv/send pair up to ${size(upTo)}`;
  const parts = [copy, splice].filter((part) => part !== null);
  if (parts.length === 0) return 'Neither pair is certainly cheaper at any size.';
  const sure = spliced.length + copied.length === known.length;
  const text = `Cheaper is ${parts.join(', ')}${sure ? '.' : '; elsewhere nothing is certain.'}`;
  return from === undefined && upTo === known.at(-1)?.bytes ? `${text} They do not cross.` : text;
}
