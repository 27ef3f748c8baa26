import { type Varied, variedOf } from '../../data/record/cell-key.js';
import type { Check, Direction, Pages, Payload, WorkloadKind } from '../../data/record/words.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';
import { bytes, count, plural } from '../../base/units/quantity.js';

/** What tells one cell from another; both TrialRecord and SummaryRow have these fields. */
export interface Condition {
  cell: string;
  scenario: string;
  topology: string;
  check: Check;
  /** null = every byte is compared, or not a stream; absent in what was stored before there was a choice. */
  payload?: Payload | null;
  /** Kind of the prepared pages; null = none asked for; absent likewise. */
  pages?: Pages | null;
  direction: Direction;
  connections: number;
  /** Bytes per send; null = as large as serves best. */
  message_bytes: number | null;
  /** Absent in what was stored before there were kinds. */
  workload?: WorkloadKind;
}

/** What the ends of a condition do with the bytes. Figures of different kinds are never put into one. */
export type EndsKind = 'prepared' | 'copied' | 'checked';
/** In the order in which they are told: real bytes first. */
export const ENDS_KINDS: readonly EndsKind[] = ['copied', 'prepared', 'checked'];

/** Of a condition, a trial or a row of the summary. */
export function endsOf({ check, payload }: Pick<Condition, 'check' | 'payload'>): EndsKind {
  if (check === 'full') return 'checked';
  return payload === 'copied' ? 'copied' : 'prepared';
}

/** What becomes of a condition's bytes. */
export type Ends = Pick<Condition, 'check' | 'payload' | 'pages'>;

/** Whether figures of both may be put beside each other: also from pages of one kind. */
export function sameEnds(a: Ends, b: Ends): boolean {
  return endsOf(a) === endsOf(b) && (a.pages ?? null) === (b.pages ?? null);
}

/** A cell in full: "loopback, download, 1 connection". The check is said apart, by the heading. */
export function conditionTitle(condition: Condition): string {
  const { scenario, topology } = condition;
  const place = scenario === topology ? topology : `${scenario} on ${topology}`;
  const kind =
    condition.workload === 'churn'
      ? `churn, ${condition.direction}`
      : condition.workload === 'http'
        ? 'http'
        : condition.direction;
  const parts = [place, kind, connections(condition)];
  if (condition.message_bytes !== null) parts.push(message(condition));
  const others = varied(condition);
  if (others !== '') parts.push(others);
  return parts.join(', ');
}

/** "on this host", or of conditions over several machines "on these hosts". */
export function whereText(conditions: readonly Pick<Condition, 'topology'>[]): string {
  return conditions.some(({ topology }) => topology === 'hosts')
    ? 'on these hosts'
    : 'on this host';
}

/** ", emulated" where nothing of a condition crossed a wire that should have; empty else. */
export function emulationText(trials: readonly Pick<TrialColumns, 'emulated'>[]): string {
  const emulated = trials.filter((trial) => trial.emulated === true).length;
  if (emulated === 0) return '';
  return emulated === trials.length ? ', emulated' : ', partly emulated';
}

/** Told by fields of their own. */
const TOLD: readonly string[] = ['check', 'payload', 'direction', 'connections', 'message'];

/** What the matrix varies beside what a condition has fields for: [["mtu", "1500"], ["offloads", "on"]]. */
export function variedBesides(condition: Pick<Condition, 'cell' | 'scenario'>): Varied[] {
  return variedOf(condition).filter(
    ([key, value]) => !TOLD.includes(key) || isMessageRange(key, value),
  );
}

/** Sizes of messages between two: no column has them. */
function isMessageRange(key: string, value: string): boolean {
  return key === 'message' && value.includes('-');
}

/** What a condition is without a key, where `without KEY` would say something else. */
const WITHOUT: Readonly<Record<string, string>> = {
  receive: 'receiving as the kernel does it',
  pages: 'pages as the kernel gives them',
};

function varied(condition: Condition): string {
  return variedBesides(condition)
    .map(([key, value]) =>
      value === 'null' ? (WITHOUT[key] ?? `without ${key}`) : `${key}=${value}`,
    )
    .join(', ');
}

/**
 * Short names by cell, made of what differs between the cells only: "16 connections",
 * "1 connection, 64 B per message". Cells that differ in nothing named here keep their key.
 */
export function conditionNames(conditions: readonly Condition[]): Map<string, string> {
  const aspects: ((condition: Condition) => string)[] = [
    (condition) => condition.scenario,
    (condition) => condition.topology,
    (condition) =>
      condition.workload === 'churn' || condition.workload === 'http' ? condition.workload : '',
    (condition) => condition.direction,
    connections,
    message,
    varied,
    checkText,
  ];
  const differing = aspects.filter((aspect) => new Set(conditions.map(aspect)).size > 1);
  const names = new Map<string, string>();
  for (const condition of conditions) {
    const parts = differing.map((aspect) => aspect(condition)).filter((part) => part !== '');
    const name = parts.join(', ');
    names.set(condition.cell, name);
  }
  const distinct = new Set(names.values()).size === names.size;
  if (!distinct) for (const condition of conditions) names.set(condition.cell, condition.cell);
  return names;
}

/** "check: full" or "check: none, payload: prepared, pages: 4KiB", as the scenario file says it. */
export function checkText({ check, payload, pages }: Ends): string {
  const parts = [
    `check: ${check}`,
    ...(payload == null ? [] : [`payload: ${payload}`]),
    ...(pages == null ? [] : [`pages: ${pages}`]),
  ];
  return parts.join(', ');
}

function connections(condition: Condition): string {
  return plural(condition.connections, 'connection');
}

function message(condition: Condition): string {
  if (condition.message_bytes === null) {
    const ranged = variedBesides(condition).some(([key]) => key === 'message');
    return ranged ? '' : 'largest messages';
  }
  return condition.message_bytes < 1000
    ? `${count(condition.message_bytes)} B per message`
    : `${bytes(condition.message_bytes)} per message`;
}
