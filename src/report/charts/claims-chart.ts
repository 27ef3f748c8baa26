/** Claimed values drawn beside the measured ones. */
import type { Range } from '../../tasks/claims/claim.js';
import type { JudgedClaim } from '../../tasks/claims/judge-claim.js';
import { rangeText } from '../../tasks/claims/quantity-claim.js';
import { short } from '../../base/units/quantity.js';
import { errorBars, rowAxes, rowsHeight, tooltip, WIDTH } from './chart-layout.js';
import type { Json, JsonObject } from '../model/chart-runtime.js';
import type { Chart } from './chart.js';
import { figure, listed } from '../../base/units/quantity.js';
import { verdictText } from '../model/claim-verdict.js';

/** One claim with a number on both sides. */
interface Row {
  judged: JudgedClaim;
  claimed: Range;
  measured: NonNullable<JudgedClaim['measured']>;
}

/** A band that is open at one end reaches so far beyond everything else, as a factor. */
const OPEN = 1.15;
const BAND = 18;

/** The charts of judged claims: one of ratios, one of Gbps; those that would be empty are left out. */
export function claimCharts(judged: readonly JudgedClaim[]): Chart[] {
  const rows = judged.flatMap((one): Row[] => {
    const test = one.claim.judged?.test;
    if (one.measured === null || test === undefined) return [];
    return test.kind === 'ratio' || (test.kind === 'level' && test.metric === 'goodput')
      ? [{ judged: one, claimed: test.claimed, measured: one.measured }]
      : [];
  });
  const ratios = rows.filter(({ judged: { claim } }) => claim.judged?.test.kind === 'ratio');
  const levels = rows.filter(({ judged: { claim } }) => claim.judged?.test.kind === 'level');
  return [
    ...(ratios.length === 0
      ? []
      : [chart('claims', 'Ratios: claimed and measured', 'ratio', ratios)]),
    ...(levels.length === 0
      ? []
      : [chart('claims-gbps', 'Goodput: claimed and measured', 'Gbps', levels)]),
  ];
}

function chart(name: string, title: string, unit: string, rows: readonly Row[]): Chart {
  const ends = rows.flatMap(({ claimed, measured }) =>
    [claimed.from, claimed.to, measured.value, measured.low, measured.high].filter(
      (value): value is number => typeof value === 'number',
    ),
  );
  const most = Math.max(...ends) * OPEN;
  const texts = rows.map(
    ({ judged, measured }) => `${figure(measured.value)}, ${verdictText(judged)}`,
  );
  return {
    name,
    title,
    alt: `${title}: ${listed(
      rows.map(
        ({ judged: { claim }, claimed }, index) =>
          `${claim.id} claimed ${rangeText(claimed)}, measured ${texts[index] ?? ''}`,
      ),
    )}.`,
    width: WIDTH + 140,
    height: rowsHeight(rows.length, LEGEND),
    option: {
      animation: false,
      backgroundColor: '$paper',
      textStyle: { fontFamily: 'Helvetica, Arial, sans-serif', color: '$ink', fontSize: 12 },
      title: {
        text: title,
        subtext:
          'measured: median and 95 % interval; on loopback and veth an emulation of a network card',
        left: 0,
        top: 0,
        textStyle: { color: '$ink', fontSize: 14, fontWeight: 'bold' },
        subtextStyle: { color: '$muted', fontSize: 12 },
      },
      legend: {
        data: ['claimed', 'measured here'],
        left: 0,
        top: 48,
        selectedMode: false,
        textStyle: { color: '$ink', fontSize: 12 },
      },
      ...rowAxes(
        rows.map(({ judged: { claim } }) => claim.id),
        texts,
        { type: 'value', name: unit, min: 0, max: nice(most) },
        LEGEND,
      ),
      series: [...bands(rows, nice(most)), points(rows, texts), intervals(rows)],
    },
  };
}

const LEGEND = 26;

/** An invisible bar up to where the claimed range begins, and the range on top of it. */
function bands(rows: readonly Row[], most: number): JsonObject[] {
  const bar = (data: Json[], name: string, color: string): JsonObject => ({
    type: 'bar',
    name,
    stack: 'claimed',
    barWidth: BAND,
    silent: true,
    itemStyle: { color },
    data,
  });
  return [
    bar(
      rows.map(({ claimed }) => short(claimed.from ?? 0)),
      'below what is claimed',
      'transparent',
    ),
    bar(
      rows.map(({ claimed }) => short((claimed.to ?? most) - (claimed.from ?? 0))),
      'claimed',
      '$barSecond',
    ),
  ];
}

function points(rows: readonly Row[], texts: readonly string[]): JsonObject {
  return {
    type: 'scatter',
    name: 'measured here',
    symbolSize: 10,
    itemStyle: { color: '$line1' },
    z: 6,
    data: rows.map(({ judged: { claim }, measured }, index): Json => ({
      value: [short(measured.value), index],
      tooltip: tooltip([claim.statement, texts[index] ?? '']),
    })),
  };
}

function intervals(rows: readonly Row[]): JsonObject {
  return errorBars(
    rows.flatMap(({ measured: { low, high } }, index) =>
      low === null || high === null ? [] : [[index, short(low), short(high), 0] as const],
    ),
  );
}

/** The next round number. */
function nice(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value)) / 2;
  return Math.ceil(value / unit) * unit;
}
