/** A small registry and a minimal scenario for the tests of scenarios. */
import { z } from 'zod';
import { wordsOf } from '../../src/base/errors/words.js';
import type { Cell, StreamWorkload } from '../../src/data/record/plan.js';
import type { Kinds, OptionedKind } from '../../src/experiment/scenario/entries.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import { size } from '../../src/base/units/fields.js';
import { parseScenario } from '../../src/experiment/scenario/load.js';

const kindList: OptionedKind[] = [
  { use: 'direct', options: z.strictObject({}) },
  { use: 'poc', options: z.strictObject({}) },
  { use: 'splice', options: z.strictObject({ pipe: size().optional() }) },
  { use: 'copy', options: z.strictObject({ buffer: size().default(65_536) }) },
  { use: 'haproxy', options: z.strictObject({ splice: z.enum(['none', 'response', 'auto']) }) },
  { use: 'command', options: z.strictObject({ argv: z.array(z.string()).min(1) }) },
];

export const kinds: Kinds = new Map(kindList.map((kind) => [kind.use, kind]));

/** The scenario of a text, called my.yaml in messages. */
export function scenarioOf(text: string): Scenario {
  return parseScenario(text, 'my.yaml', kinds);
}

/** The message of the error that a function throws, or a note that it threw none. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return wordsOf(error);
  }
  return '(no error)';
}

export const MINIMAL = `name: small
forwarders: [direct, splice, copy]
`;

/** The workload of a cell of streams. */
export function streamOf(cell: Cell | undefined): StreamWorkload {
  const workload = cell?.workload;
  if (workload?.kind !== 'stream') throw new Error(`no stream: ${JSON.stringify(workload)}`);
  return workload;
}
