/** The micro benchmark's tables. */
import { figure, ratioNumber, UNAVAILABLE } from '../../src/base/units/quantity.js';
import type { MedianEstimate } from '../../src/base/statistics/interval.js';
import { table } from '../table.js';
import { crossover, type MemoryRow, type MicroRound, memoryRows, pairRows } from './summary.js';

/** Comparing with the stamp must run at this share of memcpy's speed, on a buffer in L2. */
export const MATCH_BAR = 0.5;

export interface MatchBar {
  engine: string;
  ratio: number;
  met: boolean;
}

/** The bar, for the fastest engine; null when it was not measured. */
export function matchBar(rows: readonly MemoryRow[]): MatchBar | null {
  const row = rows.find(({ place, operation }) => place === 'L2' && operation === 'match');
  const ratio = row?.of_memcpy.median ?? null;
  if (row?.engine == null || ratio === null) return null;
  return { engine: row.engine, ratio, met: ratio >= MATCH_BAR };
}

export function microText(rounds: readonly MicroRound[], engines: readonly string[]): string {
  const memory = memoryRows(rounds, engines);
  const pairs = pairRows(rounds);
  const bar = matchBar(memory);
  const memoryTable = table(
    ['buffer', 'operation', 'engine', 'GB/s', 'of memcpy, 95 %'],
    memory.map(({ place, bytes, operation, engine, gb_per_second, of_memcpy }) => [
      `${place}, ${sizeText(bytes)}`,
      operation,
      engine ?? '',
      figure(gb_per_second.median),
      operation === 'memcpy' ? '1' : withInterval(of_memcpy),
    ]),
    3,
  );
  const pairTable = table(
    ['piece', 'splice ns', 'recv/send ns', 'splice GB/s', 'recv/send GB/s', 'ns ratio, 95 %'],
    pairs.map((row) => [
      sizeText(row.bytes),
      figure(row.splice_ns),
      figure(row.copy_ns),
      figure(row.splice_gb_per_second),
      figure(row.copy_gb_per_second),
      withInterval(row.ratio),
    ]),
    1,
  );
  return [
    'Making and checking stamped bytes, one thread',
    memoryTable,
    bar === null
      ? `bar: match / memcpy in L2 >= ${MATCH_BAR}: unavailable`
      : `bar: match / memcpy in L2 >= ${MATCH_BAR}: ${ratioNumber(bar.ratio)} (${bar.engine}): ${bar.met ? 'met' : 'missed'}`,
    '',
    'Handing one piece on between two TCP connections over loopback, one thread:',
    'splice to a pipe and on, or recv and send',
    pairTable,
    crossover(pairs, sizeText),
    'Only the pair is timed; the bytes wait before it and are taken away after it.',
    '',
  ].join('\n');
}

/** 64 B, 16 KiB, 1 MiB: sizes here are powers of two. */
export function sizeText(bytes: number): string {
  if (bytes >= 2 ** 20) return `${bytes / 2 ** 20} MiB`;
  if (bytes >= 1024) return `${bytes / 1024} KiB`;
  return `${bytes} B`;
}

function withInterval({ median, interval }: MedianEstimate): string {
  if (median === null) return UNAVAILABLE;
  if (interval === null) return ratioNumber(median);
  return `${ratioNumber(median)} [${ratioNumber(interval.low)}, ${ratioNumber(interval.high)}]`;
}
