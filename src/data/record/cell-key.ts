/**
 * A cell's key: the scenario, and what its matrix varies, as in `offloads/mtu=1500,gro=on`. It is built
 * here and read here; nobody else takes a key apart.
 */

/** What a matrix varies and the value it has in a cell. */
export type Varied = [name: string, value: string];

/** @param varied in the order of the matrix; empty = the scenario has one cell */
export function cellKey(scenario: string, varied: readonly Varied[]): string {
  const parts = varied.map(([name, value]) => `${name}=${encoded(value)}`);
  return parts.length === 0 ? scenario : `${scenario}/${parts.join(',')}`;
}

/** The same back. Empty where the cell is none of the scenario's. */
export function variedOf({ cell, scenario }: { cell: string; scenario: string }): Varied[] {
  if (!cell.startsWith(`${scenario}/`)) return [];
  return cell
    .slice(scenario.length + 1)
    .split(',')
    .map((part): Varied => {
      const end = part.indexOf('=');
      return end < 0 ? [part, ''] : [part.slice(0, end), decoded(part.slice(end + 1))];
    });
}

/** A value of a matrix as keys have it: `64KiB`, `1KiB-64KiB`, `cpu:50% memory:1GiB`. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return JSON.stringify(value);
  }
  if ('min' in value && 'max' in value) return `${String(value.min)}-${String(value.max)}`;
  return Object.entries(value)
    .map(([name, one]) => `${name}:${String(one)}`)
    .join(' ');
}

/** Commas separate the parts. */
function encoded(value: string): string {
  return value.replaceAll('%2C', '%252C').replaceAll(',', '%2C');
}

function decoded(value: string): string {
  return value.replaceAll(/%(25)?2C/g, (_, kept?: string) => (kept === undefined ? ',' : '%2C'));
}
