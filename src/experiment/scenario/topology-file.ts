/** `--topology FILE`: where scenarios run, in a file of its own, so that each need not be written anew. */
import { z } from 'zod';
import { readYaml, textOf } from './yaml-document.js';
import { topologyProblems } from './expand.js';
import { problemsOf } from './problems.js';
import { scenarioSchema, topologySchema } from './schema.js';
import type { TopologyKeys } from './topology.js';

/** A topology that takes the place of a scenario's own. */
export interface TopologyFile {
  /** As it was given on the command line. */
  file: string;
  keys: TopologyKeys;
}

/** A scenario file of which only the topology counts; keys that none has are slips here as well. */
const schema = z.strictObject({
  ...Object.fromEntries(
    Object.keys(scenarioSchema.shape).map((key) => [key, z.unknown().optional()]),
  ),
  topology: topologySchema,
});

/**
 * Reads the topology of a file that has a `topology:`, a whole scenario file or one with nothing else.
 * @throws UsageError with one line per problem, as of a scenario file
 */
export async function loadTopology(file: string): Promise<TopologyFile> {
  const { root, complaint } = readYaml(await textOf(file), file, 'a topology (topology: ...)');
  const checked = schema.safeParse(root);
  if (!checked.success) throw complaint(problemsOf(checked.error, root));
  const keys = checked.data.topology;
  const problems = topologyProblems({ topology: keys, matrix: {} });
  if (problems.length > 0) throw complaint(problems);
  return { file, keys };
}
