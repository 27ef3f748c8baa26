/** Which forwarders take part: every mechanism and program, with its driver's settings and its own. */
import { UsageError } from '../../base/errors/errors.js';
import { suggestion } from '../../base/text/nearest.js';
import type { ForwarderEntry } from '../../data/record/plan.js';
import type { ForwarderKind } from '../../machine/forwarders/kind.js';

/** `driver`: settings chosen so that a program can do what is asked. `own`: as it comes. */
export type Settings = 'driver' | 'own';

export interface Contestant extends ForwarderEntry {
  settings: Settings;
  /** Of the registry's built-in mechanisms. */
  builtin: boolean;
  kind: ForwarderKind;
}

/** Programs whose drivers change more than addresses: the option that leaves it at their own. */
const OWN: Readonly<Record<string, { options: Record<string, unknown>; what: string }>> = {
  socat: { options: { 'own-defaults': true }, what: 'half a second after the first end' },
  nginx: { options: { 'own-defaults': true }, what: 'no proxy_half_close' },
};

/** Programs that can do one thing in different ways, as contestants of their own. */
const VARIANTS: Readonly<
  Record<string, readonly { label: string; options: Record<string, unknown> }[]>
> = {
  haproxy: [
    { label: 'haproxy', options: {} },
    { label: 'haproxy-splice', options: { splice: 'both' } },
  ],
};

/**
 * All that can take part, `direct` first.
 * @param only labels; empty = all
 * @throws UsageError for a label that nobody has
 */
export function contestants(
  kinds: ReadonlyMap<string, ForwarderKind>,
  only: readonly string[],
): Contestant[] {
  const all = [...kinds.values()].flatMap((kind): Contestant[] => {
    if (kind.damaging || !kind.options.safeParse({}).success) return [];
    const { use, runner } = kind;
    const builtin = runner.kind === 'builtin' || runner.kind === 'direct';
    const make = (label: string, options: Record<string, unknown>, settings: Settings) => ({
      label,
      use,
      options: kind.options.parse(options),
      settings,
      builtin,
      kind,
    });
    const variants = VARIANTS[use] ?? [{ label: use, options: {} }];
    const own = OWN[use];
    return [
      ...variants.map(({ label, options }) => make(label, options, 'driver')),
      ...(own === undefined ? [] : [make(`${use}-own`, own.options, 'own')]),
    ];
  });
  if (only.length === 0) return all;
  const labels = all.map(({ label }) => label);
  const unknown = only.filter((label) => !labels.includes(label));
  if (unknown.length > 0) {
    const [first = ''] = unknown;
    throw new UsageError(`--only: no forwarder '${first}'${suggestion(first, labels)}`);
  }
  // What `direct` does says what the expectations in time are worth.
  return all.filter(({ label }) => label === 'direct' || only.includes(label));
}
