/** What a room of `src/experiment/workload` says of its kind of workload; `rooms.ts` has them all. */
import type { z } from 'zod';
import type { AnyWorkload, Workload } from '../../../data/record/plan.js';
import type { GivenRate } from './fields.js';

export type Kind = Workload['kind'];
type OfKind<K extends Kind> = Extract<Workload, { kind: K }>;
/** The keys that only one kind has, or that not all have. */
export type OwnKeys<K extends Kind> = Omit<OfKind<K>, keyof AnyWorkload | 'kind'>;

type KeysOfEach<W> = W extends unknown ? keyof W : never;
export type WorkloadKey = KeysOfEach<Workload>;

/** A key that a workload cannot have as it is. */
export interface WorkloadProblem {
  key: WorkloadKey;
  message: string;
  /** True when the key itself is wrong, not its value. */
  wrongKey: boolean;
}

/** What a kind of workload is for: its ratio decides when a cell stops, and the verdict. */
export interface MainFigure {
  /** As summary.csv names it. */
  readonly metric: 'goodput' | 'latency_p99' | 'connections_per_second' | 'requests_per_second';
  /** Where width is scarce: name and unit. */
  readonly name: string;
  readonly unit: string;
  readonly title: string;
  /** In headings and sentences: "Goodput". */
  readonly heading: string;
  readonly format: (value: number | null) => string;
}

/** What takes a workload is a method, so that `roomOf` can give a room of which only `kind` is known. */
export interface Room<K extends Kind> {
  /**
   * What a file may give for each own key. All may be absent. Direction is not among them: every file may
   * name each, so that `conflicts` can say why this kind has it not.
   */
  readonly fields: Readonly<Record<Exclude<keyof OwnKeys<K>, 'direction'>, z.ZodType>>;
  /** What stands for an own key that the file has not. */
  readonly defaults: OwnKeys<K>;
  /** What is wrong with a rate as written; null = nothing. Absent where the kind has no rate. */
  rateFault?(given: GivenRate): string | null;
  /**
   * Values that do not go together.
   * @param direction as the file has it; a word of another kind can stand there
   */
  conflicts(workload: OfKind<K>, direction: string): WorkloadProblem[];
  /** What follows from other keys; absent = nothing does. */
  settle?(workload: OfKind<K>): OfKind<K>;
  /** With no more than `--quick` has of a fixed amount; absent = the kind knows none. */
  quick?(workload: OfKind<K>): OfKind<K>;
  /** Seconds that a fixed amount should take, before a trial has shown it; null = none is given. */
  amountSeconds?(workload: OfKind<K>): number | null;
  readonly main: MainFigure;
  /** What a forwarder does with it: "forwards", "forwarded". */
  readonly verbs: { readonly present: string; readonly past: string };
  /**
   * "2.31x as fast as copying".
   * @param baseline as the scenario calls it, and as sentences do
   */
  readonly compared: (figures: string, baseline: { label: string; name: string }) => string;
}

/** A value of a key that is wrong, where the key itself is right. */
export function wrongValue(key: WorkloadKey, message: string): WorkloadProblem {
  return { key, message, wrongKey: false };
}

/** What a kind of bytes says of `direction: exchange`; null = another direction is given. */
export function exchangeFault(kind: Kind, direction: string): WorkloadProblem | null {
  if (direction !== 'exchange') return null;
  return wrongValue(
    'direction',
    `workload.direction: 'exchange' is a kind of its own, expected kind: exchange instead of ${kind}`,
  );
}

/** What a room's fields and defaults give; without direction and rate, which rooms read themselves. */
type Inferred<R extends Pick<Room<Kind>, 'defaults'> & { fields: object }> = {
  [Key in Exclude<keyof R['fields'] & keyof R['defaults'], 'rate'>]:
    z.output<R['fields'][Key] & z.ZodType> | R['defaults'][Key];
};

/**
 * `true` if a room's schema gives what the kind's type in `src/data/record/plan.ts` says, else `false`.
 * Roles and records have that type, which stands below the schemas and so cannot be inferred from them;
 * a unit test that compiles only where all are `true` holds the two together.
 */
export type GivesPlan<
  K extends Kind,
  R extends Pick<Room<Kind>, 'defaults'> & { fields: object },
> = [Inferred<R>, Own<K>] extends [Own<K>, Inferred<R>] ? true : false;
type Own<K extends Kind> = Omit<OwnKeys<K>, 'direction' | 'rate'>;
