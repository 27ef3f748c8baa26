/**
 * Numbers as a person reads them. Every function takes null, NaN and infinities and gives `n/a`, so
 * that no report can ever show "NaN" or "undefined".
 */

/** Shown wherever a figure is unavailable. */
export const UNAVAILABLE = 'n/a';

/** True for a number that can be shown. */
export function isShown(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/**
 * A plain number with about `digits` significant digits and no exponent: 36.4, 8.31, 0.182, 30,512.
 * @param value any unit, or null when unavailable
 */
export function figure(value: number | null, digits = 3): string {
  if (!isShown(value)) return UNAVAILABLE;
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  // Rounding may carry into the next power of ten (9.996 -> 10.0), so the decimals follow the
  // rounded value; below a millionth more decimals would only be noise.
  const rounded = Number(value.toPrecision(digits));
  const carried = Math.floor(Math.log10(Math.abs(rounded)));
  const decimals = Math.min(Math.max(digits - 1 - Math.max(carried, magnitude), 0), 8);
  return grouped(value.toFixed(decimals));
}

/** A whole number with thousands separators: 14,164. */
export function count(value: number | null): string {
  return isShown(value) ? grouped(value.toFixed(0)) : UNAVAILABLE;
}

/** A count in at most five characters: 842, 30.5k, 2.05M. */
export function shortCount(value: number | null): string {
  if (!isShown(value)) return UNAVAILABLE;
  for (const [suffix, factor] of COUNT_SUFFIXES) {
    if (Math.abs(value) >= factor * 0.9995) return figure(value / factor) + suffix;
  }
  return figure(value);
}

/** Bytes in decimal units: 172 B, 488 kB, 41.2 GB. */
export function bytes(value: number | null): string {
  if (!isShown(value)) return UNAVAILABLE;
  for (const [suffix, factor] of BYTE_SUFFIXES) {
    if (Math.abs(value) >= factor * 0.9995) return `${figure(value / factor)} ${suffix}`;
  }
  return `${figure(value)} B`;
}

/** Bytes in two significant digits, up to 999 PB: 41 GB, 1.2 TB. */
export function bytesBrief(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let left = value;
  let unit = 0;
  // 999.6 would be shown as 1,000 of the smaller unit.
  for (; left >= 999.5 && unit < units.length - 1; unit++) left /= 1e3;
  const digits = left >= 99.5 ? left.toFixed(0) : String(Number(left.toPrecision(2)));
  return `${digits} ${units[unit] ?? ''}`;
}

/** A share in two significant digits, as prose has it: 13 %, 0.5 %, 250 %; scenario files have `formatShare`. */
export function percent(share: number | null): string {
  if (!isShown(share)) return UNAVAILABLE;
  const digits = figure(share * 100, 2);
  return `${digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits} %`;
}

/** A ratio: 2.31x, 0.038x, 128x. */
export function ratio(value: number | null): string {
  return isShown(value) ? `${ratioNumber(value)}x` : UNAVAILABLE;
}

/** A ratio without its sign, for the ends of an interval. */
export function ratioNumber(value: number | null): string {
  if (!isShown(value)) return UNAVAILABLE;
  const size = Math.abs(value);
  if (size >= 99.5) return grouped(value.toFixed(0));
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.0995 || size === 0) return value.toFixed(2);
  return figure(value, 2);
}

/** A stream offset as the 2008 report gave it: 14,164 (0x3754). */
export function offset(value: number): string {
  return value < 10 ? count(value) : `${count(value)} (0x${value.toString(16)})`;
}

/** Seconds with the unit that suits: 3.2 s, 4 min 10 s, 8 h 5 min. */
export function duration(seconds: number | null): string {
  if (!isShown(seconds)) return UNAVAILABLE;
  if (seconds < 90) return `${figure(seconds, 2)} s`;
  if (seconds >= 7199.5) {
    const minutes = Math.round(seconds / 60);
    return `${count(Math.floor(minutes / 60))} h ${minutes % 60} min`;
  }
  const whole = Math.round(seconds);
  return `${count(Math.floor(whole / 60))} min ${whole % 60} s`;
}

/** "1 trial", "3 trials"; `plural` where adding an s is wrong. */
export function plural(value: number, singular: string, pluralForm = `${singular}s`): string {
  return `${count(value)} ${noun(value, singular, pluralForm)}`;
}

/** The word alone, for a number that is written without separators: "byte" of 1, "bytes" of 0 and 2. */
export function noun(value: number, singular: string, pluralForm = `${singular}s`): string {
  return value === 1 ? singular : pluralForm;
}

/** "a", "a and b", "a, b and c". */
export function listed(items: readonly string[]): string {
  const last = items.at(-1);
  if (last === undefined) return '';
  return items.length === 1 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

const COUNT_SUFFIXES = [
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
] as const;

const BYTE_SUFFIXES = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

function grouped(digits: string): string {
  const [whole = '', fraction] = digits.split('.');
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

/** Numbers short enough to store in a page, without a visible difference. */
export function short(value: number): number {
  return Number(value.toPrecision(5));
}

/** "CPU 1", or "CPUs 1 and 3". */
export function cpusText(cpus: readonly number[]): string {
  return `CPU${cpus.length === 1 ? '' : 's'} ${listed(cpus.map(String))}`;
}
