/** A scenario, a store in memory and a way to run both for the tests of the scheduler. */
import type { TrialRecord } from '../../src/data/record/record.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { type FakeBehaviour, FakeClock, FakeExecutor } from '../support/fake-executor.js';
import type { RunEvent } from '../../src/experiment/trial/schedule-events.js';
import { type TrialStore } from '../../src/data/record/trial-result.js';
import { runSchedule, type ScheduleOptions } from '../../src/experiment/trial/schedule.js';
import { scenarioOf } from './scenario-fixtures.js';

export class MemoryStore implements TrialStore {
  readonly run_id = 'run';

  constructor(readonly trials: TrialRecord[] = []) {}

  append(...results: TrialResult[]): Promise<void> {
    this.trials.push(...results.map(({ record }) => record));
    return Promise.resolve();
  }
}

/** Two cells, three forwarders; trials take one second. */
export const scenario: Scenario = scenarioOf(`name: s
workload: { seconds: 800ms, warmup: 200ms }
forwarders: [direct, splice, copy]
matrix: { workload.check: [none, full] }
blocks: { min: 6, max: 10, target: 3% }
`);

export interface Session {
  store: MemoryStore;
  executor: FakeExecutor;
  clock: FakeClock;
  events: RunEvent[];
  result: Awaited<ReturnType<typeof runSchedule>>;
}

/** Runs the scenario on a fake clock. */
export async function session(
  behaviour: FakeBehaviour,
  options: Partial<ScheduleOptions> & { store?: MemoryStore; clock?: FakeClock } = {},
): Promise<Session> {
  const clock = options.clock ?? new FakeClock();
  const executor = new FakeExecutor(behaviour, clock);
  const store = options.store ?? new MemoryStore();
  const events: RunEvent[] = [];
  const result = await runSchedule({
    cells: scenario.cells,
    forwarders: scenario.forwarders,
    blocks: scenario.blocks,
    seed: '1',
    signal: new AbortController().signal,
    executor,
    onEvent: (event) => events.push(event),
    ...options,
    store,
    clock,
  });
  return { store, executor, clock, events, result };
}

/** Events of one kind. */
export function eventsOf<K extends RunEvent['event']>(
  events: readonly RunEvent[],
  kind: K,
): Extract<RunEvent, { event: K }>[] {
  return events.filter((event): event is Extract<RunEvent, { event: K }> => event.event === kind);
}
