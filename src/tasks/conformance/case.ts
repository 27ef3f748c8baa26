/** A case of the conformance suite: a script, where it comes from and what its right outcome rests on. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../base/errors/errors.js';
import { packageRoot } from '../../base/process/package-root.js';
import { nearest } from '../../base/text/nearest.js';
import type { ScriptEnd } from '../../data/record/script-plan.js';
import type { NicTopology, ScriptWorkload, Topology } from '../../data/record/plan.js';
import { readYaml, textOf } from '../../experiment/scenario/yaml-document.js';
import { problemsOf } from '../../experiment/scenario/problems.js';
import { topologySchema } from '../../experiment/scenario/schema.js';
import { completeTopology } from '../../experiment/scenario/topology.js';
import { completeWorkload } from '../../experiment/workload/schema.js';
import { scriptKeys } from '../../experiment/workload/script/script-schema.js';
import { whole } from '../../base/units/fields.js';

export const GROUPS = [
  'ends and resets',
  'half-close',
  'backpressure',
  'sizes and segments',
  'descriptors and pipes',
  'latency',
  'prefixes',
  'honesty',
] as const;

/** What a faulty forwarder must do so that the case fails. */
const twin = z.record(z.string(), z.unknown());

/** So many conversations a case has whose failure is a matter of chance, and with --thorough. */
const CHANCE = { usual: 1000, thorough: 100_000 };

const prose = z.string().min(1);
const common = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, { error: 'expected a lower-case name' }),
  group: z.enum(GROUPS),
  asks: prose,
  sources: z.array(prose).min(1),
  right: prose,
  rests: prose,
};

const runnable = z.strictObject({
  ...common,
  topology: topologySchema.prefault({}),
  script: z.strictObject({
    connections: whole(1, 4096).default(1),
    ...scriptKeys,
    /** Repeats with --thorough. */
    thorough: whole(1, 1_000_000).optional(),
  }),
  twin: twin.optional(),
  /** Why the case fails by chance, where it does. */
  chance: prose.optional(),
});
const unavailable = z.strictObject({ ...common, unavailable: prose });

export interface ConformanceCase {
  name: string;
  group: (typeof GROUPS)[number];
  asks: string;
  sources: string[];
  right: string;
  rests: string;
  /** Null where this project cannot play it, with the reason in `unavailable`. */
  play: { topology: Topology; workload: ScriptWorkload; thorough: number } | null;
  unavailable: string | null;
  twin: Record<string, unknown> | null;
  chance: string | null;
}

/** The folder of the package's cases. */
function casesFolder(): string {
  return join(packageRoot(), 'bench', 'conformance');
}

/**
 * Loads cases.
 * @param names of the package's cases, or paths of files; none = all of the package's
 * @throws UsageError naming every problem of every file
 */
export async function loadCases(names: readonly string[]): Promise<ConformanceCase[]> {
  const folder = casesFolder();
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).toSorted();
  const known = files.map((file) => basename(file, '.yaml'));
  const paths = names.map((name) => {
    if (name.includes('/') || name.endsWith('.yaml')) return name;
    if (known.includes(name)) return join(folder, `${name}.yaml`);
    const hint = nearest(name, known);
    const meant = hint === null ? '' : `, did you mean '${hint}'?`;
    throw new UsageError(`no case '${name}'${meant} (cases are in bench/conformance)`);
  });
  const all = names.length === 0 ? files.map((file) => join(folder, file)) : paths;
  const cases = await Promise.all(
    all.map(async (path) => {
      try {
        return parseCase(await textOf(path), path);
      } catch (error) {
        if (error instanceof UsageError) return error;
        throw error;
      }
    }),
  );
  const faults = cases.flatMap((one) => (one instanceof UsageError ? one.message : []));
  if (faults.length > 0) throw new UsageError(faults.join('\n'));
  return cases.flatMap((one) => (one instanceof UsageError ? [] : one));
}

/** So many conversations of a case of chance are played where each takes long. */
const SHORT = 20;

/** So much longer steps may take there: 24 MB within ten seconds are beyond an emulated card. */
const SLOWER = 10;

/**
 * The case on ports, such as those of emulated cards, which are slow: it is shortened, and what a step is bounded by is
 * longer. What an answer may take is not: where that is missed without a forwarder, too, nothing is said.
 */
export function onPorts(one: ConformanceCase, ports: NicTopology): ConformanceCase {
  if (one.play === null) return one;
  const { topology, workload, thorough } = one.play;
  const repeat = Math.min(workload.repeat, SHORT);
  const [client, server] = [patient(workload.client), patient(workload.server)];
  const slow = { ...workload, repeat, client, server };
  return { ...one, play: { topology: likeOwn(topology, ports), workload: slow, thorough } };
}

function patient(end: ScriptEnd): ScriptEnd {
  return { ...end, steps: end.steps.map((step) => ({ ...step, within: step.within * SLOWER })) };
}

/** What every port of an Ethernet has, bytes. */
const ETHERNET_MTU = 1500;

/** What the case asks of its own network is asked of the ports, except what they have anyway. */
function likeOwn(own: Topology, ports: NicTopology): NicTopology {
  if (own.kind !== 'loopback' && own.kind !== 'veth') return ports;
  const sysctls = { ...ports.sysctls, ...own.sysctls };
  if (own.kind === 'loopback') return { ...ports, sysctls };
  const off = (on: boolean) => (on ? null : false);
  const [tso, gso, gro] = [off(own.tso), off(own.gso), off(own.gro)];
  const mtu = own.mtu === ETHERNET_MTU ? null : own.mtu;
  return { ...ports, sysctls, mtu, tso, gso, gro, checksum: off(own.checksum) };
}

/**
 * Parses the text of a case's file.
 * @throws UsageError with one line per problem: file, line, and of a step which
 */
export function parseCase(text: string, file: string): ConformanceCase {
  const { root, complaint } = readYaml(text, file, 'a case (name, group, asks, script, ...)');
  const blank = typeof root === 'object' && root !== null && 'unavailable' in root;
  if (blank) {
    const parsed = unavailable.safeParse(root);
    if (!parsed.success) throw complaint(problemsOf(parsed.error, root, [], () => null));
    return { ...parsed.data, play: null, twin: null, chance: null };
  }
  const parsed = runnable.safeParse(root);
  if (!parsed.success) {
    throw complaint(problemsOf(parsed.error, root, [], (path) => keysOf(path)));
  }
  const { script, topology, twin: fault, chance, ...head } = parsed.data;
  const { thorough, ...keys } = script;
  const { workload, problems } = completeWorkload({ kind: 'script', ...keys });
  if (problems.length > 0 || workload.kind !== 'script') {
    throw complaint(
      problems.map(({ key, message }) => ({
        path: ['script', key],
        message: message.replace('workload.', 'script.'),
      })),
    );
  }
  const times = chance === undefined ? null : timesOf(workload);
  return {
    ...head,
    play: {
      topology: completeTopology(topology),
      workload: { ...workload, repeat: times?.usual ?? workload.repeat },
      thorough: times?.thorough ?? thorough ?? workload.repeat,
    },
    unavailable: null,
    twin: fault ?? null,
    chance: chance ?? null,
  };
}

/** Repeats of a case of chance, so that all its connections and sizes together are as many as are asked for. */
function timesOf({ connections, sizes, repeat }: ScriptWorkload): typeof CHANCE {
  const each = connections * Math.max(1, sizes.length);
  return {
    usual: Math.max(repeat, Math.ceil(CHANCE.usual / each)),
    thorough: Math.max(repeat, Math.ceil(CHANCE.thorough / each)),
  };
}

/** Keys that a case may have at a path, for hints. */
function keysOf(path: readonly PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(runnable.shape);
  return path[0] === 'script' && path.length === 1 ? Object.keys(runnable.shape.script.shape) : [];
}
