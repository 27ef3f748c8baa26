/** Groups of incidents in a line each, as `explain`, the terminal and the page show them. */
import type { IncidentGroup } from '../integrity/groups.js';
import { printable } from './layout.js';
import { count, listed, plural } from './quantity.js';

/** Numbers listed per group. */
const NUMBERS = 6;

/**
 * "1. 8 zeros; came in as exactly one call: poc, 8 trials (numbers 1, 2, …)".
 * @param index from 0, of the group among all
 */
export function groupText(group: IncidentGroup, index: number): string {
  const { numbers, forwarders, trials } = group;
  const origin = group.origin === null ? '' : `, from ${group.origin}`;
  const lie = [
    ...(group.in === 'unknown' ? [] : [`came in as ${group.in}`]),
    ...(group.out === 'unknown' ? [] : [`went out as ${group.out}`]),
  ];
  const how = lie.length === 0 ? '; the calls are not known' : `; ${lie.join(', ')}`;
  const few = numbers.slice(0, NUMBERS).join(', ');
  const more = numbers.length > NUMBERS ? ', …' : '';
  return (
    `${index + 1}. ${count(numbers.length)} ${group.class}${origin}${how}: ` +
    `${listed(forwarders.map(printable))}, ${plural(trials.length, 'trial')} ` +
    `(${numbers.length === 1 ? 'number' : 'numbers'} ${few}${more})`
  );
}
