/** Groups of incidents in a line each, as `explain`, the terminal and the page show them. */
import type { IncidentGroup } from '../../data/integrity/groups.js';
import { printable } from '../../base/text/layout.js';
import { count, listed, plural } from '../../base/units/quantity.js';

/** Numbers listed per group. */
const NUMBERS = 6;

/** "8 zeros; came in as exactly one call: poc, 8 trials (numbers 1, 2, …)". */
export function groupText(group: IncidentGroup): string {
  const { numbers, forwarders, trials } = group;
  const origin = group.origin === null ? '' : `, from ${group.origin}`;
  const how = [
    ...(group.in === 'unknown' ? [] : [`came in as ${group.in}`]),
    ...(group.out === 'unknown' ? [] : [`went out as ${group.out}`]),
  ];
  const calls = how.length === 0 ? '; the calls are not known' : `; ${how.join(', ')}`;
  const few = numbers.slice(0, NUMBERS).join(', ');
  const more = numbers.length > NUMBERS ? ', …' : '';
  return (
    `${count(numbers.length)} ${group.class}${origin}${calls}: ` +
    `${listed(forwarders.map(printable))}, ${plural(trials.length, 'trial')} ` +
    `(${numbers.length === 1 ? 'number' : 'numbers'} ${few}${more})`
  );
}
