/**
 * From a checked scenario file to what the scheduler runs: cells (the matrix multiplied out),
 * forwarders, the baseline and the plan of blocks.
 */
import { type Kinds, resolveEntries } from './entries.js';
import { cellKey, type Varied, valueText } from '../../data/record/cell-key.js';
import { pairFault } from '../../data/record/hosts-plan.js';
import { suggestion } from '../../base/text/nearest.js';
import { shareFault } from '../../data/record/pairs.js';
import type { Cell, ForwarderEntry, Topology, Workload } from '../../data/record/plan.js';
import { ownEndsProblems } from './own-ends.js';
import { type Problem, problemsOf } from './problems.js';
import { fieldAt, type ScenarioFile, topologySchema } from './schema.js';
import { shown } from '../../base/units/sizes.js';
import { seatFault } from '../../data/record/nic-plan.js';
import {
  completeTopology,
  missingKeys,
  receiveFault,
  type TopologyKeys,
  unusedKeys,
} from './topology.js';
import { type BoundThreshold, parseThreshold, type Threshold } from '../verdict/thresholds.js';
import { completeWorkload, type GivenWorkload, workloadSchema } from '../workload/schema.js';

/** How often a scenario is repeated. */
export interface Blocks {
  min: number;
  max: number;
  /** Relative width of a ratio's 95 % interval at which a cell may stop, as a fraction. */
  target: number;
  /** Ratios within so much of 1 are equivalent, as a fraction; absent in what was stored before. */
  equivalent?: number;
  /** How many rounds a set has: earlier sets decide; absent = `workload.seconds` does. */
  rounds?: 'auto';
  /** Seconds for the whole scenario; null = no limit. */
  budget: number | null;
  /** `--until`: goes on until each of these bounds is reached, whatever is known of the ratios. */
  until?: BoundThreshold[];
  /** `--hours`: goes on until the budget is used, whatever is known, earlier sessions included. */
  soak?: true;
}

/** A scenario, ready to run. Plain data: it is stored in run.json as it is. */
export interface Scenario {
  name: string;
  description: string | null;
  cells: Cell[];
  forwarders: ForwarderEntry[];
  baseline: string;
  blocks: Blocks;
  thresholds: Threshold[];
}

/** Six samples are the fewest that give a 95 % interval of a median: 1 - 2^(1-6) = 96.9 %. */
const MIN_BLOCKS = 6;
const MAX_BLOCKS = 20;

/** A matrix that multiplies out to more is a slip, not a plan. */
const MAX_CELLS = 1000;

/** One key of the matrix with its values, checked. */
interface Axis {
  section: 'topology' | 'workload';
  key: string;
  /** What the key is called in the cell's key. */
  shortKey: string;
  values: { text: string; value: unknown }[];
}

/**
 * Expands a scenario file.
 * @param kinds the forwarder registry
 * @returns the scenario, or everything that is wrong with it
 */
export function expand(
  file: ScenarioFile,
  kinds: Kinds,
): { scenario: Scenario; problems: [] } | { scenario: null; problems: Problem[] } {
  const { forwarders, problems } = resolveEntries(
    file.forwarders,
    kinds,
    file.topology.kind !== 'hosts',
  );
  const axes = checkMatrix(file.matrix, problems);
  const blocks = completeBlocks(file.blocks, problems);
  // With an entry missing, every threshold or baseline that names it would be a second complaint.
  const entriesValid = forwarders.length === file.forwarders.length;
  const baseline = entriesValid ? resolveBaseline(file.baseline, forwarders, problems) : '';
  const thresholds = entriesValid
    ? checkThresholds(file.thresholds, forwarders, baseline, problems)
    : [];
  const placed = topologyProblems(file);
  problems.push(...placed);
  // What is wrong with a key that has no meaning here does not keep the others from being looked at.
  const whole = placed.every(({ key }) => key === true);
  const cells = whole ? multiply(file, axes, baseline, problems) : [];
  // Of cells that are wrong in themselves nothing more is told.
  if (problems.length === 0) problems.push(...ownEndsProblems(forwarders, cells, baseline));
  if (problems.length > 0) return { scenario: null, problems };
  const { name, description = null } = file;
  const scenario = { name, description, cells, forwarders, baseline, blocks, thresholds };
  return { scenario, problems: [] };
}

/** `copy` if there is one, else the first forwarder that is not `direct`, else the first. */
function resolveBaseline(
  given: string | undefined,
  forwarders: readonly ForwarderEntry[],
  problems: Problem[],
): string {
  const wanted = given ?? 'copy';
  const chosen =
    forwarders.find(({ label }) => label === wanted) ??
    forwarders.find(({ use }) => use === wanted) ??
    (given === undefined
      ? (forwarders.find(({ use }) => use !== 'direct') ?? forwarders[0])
      : undefined);
  if (chosen !== undefined) return chosen.label;
  const labels = forwarders.map(({ label }) => label);
  const message = `baseline: no forwarder '${wanted}' in this scenario${suggestion(wanted, labels)}`;
  problems.push({ path: ['baseline'], message });
  return wanted;
}

function completeBlocks(given: ScenarioFile['blocks'], problems: Problem[]): Blocks {
  const min = given.min ?? Math.min(MIN_BLOCKS, given.max ?? MIN_BLOCKS);
  const max = given.max ?? Math.max(MAX_BLOCKS, min);
  if (min > max) {
    const message = `blocks: expected min to be at most max, got ${min} and ${max}`;
    problems.push({ path: ['blocks', 'min'], message });
  }
  const { target, equivalent, budget } = given;
  const rounds = given.rounds === undefined ? {} : { rounds: given.rounds };
  return { min, max, target, equivalent, budget, ...rounds };
}

function checkThresholds(
  texts: readonly string[],
  forwarders: readonly ForwarderEntry[],
  baseline: string,
  problems: Problem[],
): Threshold[] {
  const labels = forwarders.map(({ label }) => label);
  return texts.flatMap((text, index) => {
    const parsed = parseThreshold(text, labels, baseline);
    if (typeof parsed !== 'string') return [parsed];
    problems.push({ path: ['thresholds', index], message: parsed });
    return [];
  });
}

function checkMatrix(matrix: ScenarioFile['matrix'], problems: Problem[]): Axis[] {
  const axes: Axis[] = [];
  for (const [path, values] of Object.entries(matrix)) {
    const [section = '', key = '', ...rest] = path.split('.');
    const isSysctl = section === 'topology' && key === 'sysctls' && rest.length > 0;
    const known = section === 'workload' || section === 'topology' ? fieldAt(section, key) : null;
    if (known === null || key === 'kind' || rest.length > 0 !== isSysctl || isBareSysctl(path)) {
      const message = `unknown key '${path}' in matrix${suggestion(path, MATRIX_PATHS)}`;
      problems.push({ path: ['matrix', path], message, key: true });
      continue;
    }
    const sysctl = rest.join('.');
    axes.push({
      section: section === 'workload' ? 'workload' : 'topology',
      key,
      shortKey: isSysctl ? sysctl : key,
      values: values.flatMap((value, index) => {
        const parsed = known.safeParse(isSysctl ? { [sysctl]: value } : value);
        if (parsed.success) return [{ text: valueText(value), value: parsed.data }];
        const found = problemsOf(
          parsed.error,
          isSysctl ? { [sysctl]: value } : value,
          [],
          () => null,
        );
        problems.push(
          ...found.map(({ message }) => ({
            path: ['matrix', path, index],
            message: `matrix ${path}: ${message.replace(/^[^:']*: /, '')}`,
          })),
        );
        return [];
      }),
    });
    checkRepeats(path, values, problems);
  }
  return axes;
}

/** The paths a matrix may vary; `topology.sysctls.NAME` besides. */
const MATRIX_PATHS: readonly string[] = [
  ...Object.keys(workloadSchema.shape).map((key) => `workload.${key}`),
  ...Object.keys(topologySchema.shape).map((key) => `topology.${key}`),
].filter((path) => !path.endsWith('.kind') && !isBareSysctl(path));

function isBareSysctl(path: string): boolean {
  return path === 'topology.sysctls';
}

function checkRepeats(path: string, values: readonly unknown[], problems: Problem[]): void {
  const texts = values.map(valueText);
  for (const [index, text] of texts.entries()) {
    if (texts.indexOf(text) === index) continue;
    const message = `matrix ${path}: ${shown(values[index])} is listed twice`;
    problems.push({ path: ['matrix', path, index], message });
  }
}

/** One value of each axis, laid over the file's sections. */
interface Combination {
  /** Of the cell's key. */
  parts: Varied[];
  topology: TopologyKeys;
  workload: GivenWorkload;
}

/** The cartesian product of the axes; the last axis varies fastest. */
function multiply(
  file: ScenarioFile,
  axes: readonly Axis[],
  baseline: string,
  problems: Problem[],
): Cell[] {
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  if (count > MAX_CELLS) {
    const message = `matrix: multiplies out to more than ${MAX_CELLS} conditions`;
    problems.push({ path: ['matrix'], message });
    return [];
  }
  let combinations: Combination[] = [
    { parts: alwaysTold(file, axes), topology: file.topology, workload: file.workload },
  ];
  for (const axis of axes) {
    const ambiguous = axes.some((other) => other !== axis && other.shortKey === axis.shortKey);
    const name = ambiguous ? `${axis.section}.${axis.shortKey}` : axis.shortKey;
    combinations = combinations.flatMap((combination) =>
      axis.values.map(({ text, value }) => ({
        ...combination,
        ...varied(combination, axis, value),
        parts: [...combination.parts, [name, text]],
      })),
    );
  }
  return checkedOnce(combinations, axes).map(({ parts, topology, workload }) => {
    const whole = completeTopology(topology);
    return {
      key: cellKey(file.name, parts),
      scenario: file.name,
      topology: whole,
      workload: completed(workload, whole, file, problems),
      baseline,
      pin: file.pin,
    };
  });
}

/**
 * What a cell's key says although the matrix does not vary it. Whose CPU receives decides what a forwarder
 * costs: with the same key in two runs, figures of different kinds would be compared.
 */
function alwaysTold({ topology }: ScenarioFile, axes: readonly Axis[]): Varied[] {
  const { receive } = topology;
  if (receive == null || axes.some(({ key }) => key === 'receive')) return [];
  return [['receive', valueText(receive)]];
}

/** Keys of bytes that nobody compares. */
const UNCHECKED: readonly string[] = ['payload', 'pages'];

/** Bytes that are compared have neither payload nor pages: where the matrix varies the check, those cells are there once. */
function checkedOnce(
  combinations: readonly Combination[],
  axes: readonly Axis[],
): readonly Combination[] {
  if (!axes.some(({ section, key }) => section === 'workload' && key === 'check')) {
    return combinations;
  }
  const seen = new Set<string>();
  return combinations.flatMap((one) => {
    const has = Object.keys(one.workload).some((key) => UNCHECKED.includes(key));
    if (one.workload.check !== 'full' || !has) return [one];
    const parts = one.parts.filter(([name]) => !UNCHECKED.includes(name));
    const cell = cellKey('', parts);
    if (seen.has(cell)) return [];
    seen.add(cell);
    const given = Object.entries(one.workload).filter(([key]) => !UNCHECKED.includes(key));
    return [{ ...one, parts, workload: Object.fromEntries(given) }];
  });
}

/** The section with one key replaced; the value was checked by the field's own schema. */
function varied(
  { topology, workload }: { topology: TopologyKeys; workload: GivenWorkload },
  { section, key }: Axis,
  value: unknown,
): { topology: TopologyKeys } | { workload: GivenWorkload } {
  if (section === 'workload') return { workload: { ...workload, [key]: value } };
  if (key === 'sysctls') {
    const sysctls = { ...topology.sysctls, ...(value as Record<string, string>) };
    return { topology: { ...topology, sysctls } };
  }
  return { topology: { ...topology, [key]: value } };
}

/**
 * What is wrong with a topology and with the matrix that varies it: a key without a meaning would be a
 * condition that nobody measures, and without some others none can be made.
 */
export function topologyProblems({
  topology,
  matrix,
}: Pick<ScenarioFile, 'topology' | 'matrix'>): Problem[] {
  const problems: Problem[] = [];
  const { kind } = topology;
  const complain = (path: string[], key: string, kinds: readonly string[]) => {
    const quoted = kinds.map((name) => `'${name}'`);
    const others = quoted.join(', ').replace(/, ([^,]*)$/, ' and $1');
    const have = kinds.length === 1 ? 'has' : 'have';
    const message = `${path.join(' ')}: topology '${kind}' has no '${key}', only ${others} ${have}`;
    problems.push({ path, message, key: true });
  };
  for (const { key, kinds } of unusedKeys(topology)) complain(['topology', key], key, kinds);
  for (const path of Object.keys(matrix)) {
    const [section, key = '', ...rest] = path.split('.');
    if (section !== 'topology') continue;
    const varied = { ...topology, [key]: rest.length > 0 ? { [rest.join('.')]: '' } : true };
    const useless = unusedKeys(varied).find((one) => one.key === key);
    if (useless !== undefined) complain(['matrix', path], key, useless.kinds);
  }
  problems.push(...receiveProblems({ topology, matrix }));
  const missing = missingKeys(topology);
  for (const key of missing) {
    const example =
      kind === 'nic'
        ? 'which ports of this machine it takes, e.g. { forwarder: eth1, ends: eth2 }'
        : 'where that part runs, e.g. { ssh: HOST, address: 10.0.0.1 }';
    const message = `topology: '${kind}' needs '${key}': ${example}`;
    problems.push({ path: ['topology'], message });
  }
  const seats = seatFault(topology);
  if (seats !== null) {
    problems.push({ path: ['topology', 'addresses'], message: `topology.addresses: ${seats}` });
  }
  const { source, sink } = topology;
  const pairs = source && sink ? pairFault(source, sink) : null;
  if (pairs !== null) {
    problems.push({ path: ['topology', 'sink'], message: `topology.sink: ${pairs}` });
  }
  return problems;
}

/** What each kind of topology takes for `receive` is another thing. */
function receiveProblems({
  topology: { kind, receive },
  matrix,
}: Pick<ScenarioFile, 'topology' | 'matrix'>): Problem[] {
  const axis = 'topology.receive';
  const varied = (matrix[axis] ?? []).map((value, index): [Problem['path'], unknown] => [
    ['matrix', axis, index],
    value,
  ]);
  return [[['topology', 'receive'], receive] as const, ...varied].flatMap(([path, value]) => {
    const fault = receiveFault(kind, value);
    return fault === null ? [] : [{ path, message: `${axis}: ${fault}` }];
  });
}

/** The workload of one cell; what only a whole cell can get wrong is told once for all of them. */
function completed(
  given: GivenWorkload,
  topology: Topology,
  file: ScenarioFile,
  problems: Problem[],
): Workload {
  const { workload, problems: found } = completeWorkload(given);
  const fault = found.length > 0 ? null : shareFault(topology, workload);
  const all = fault === null ? found : [{ ...fault, wrongKey: false }];
  for (const { key, message, wrongKey } of all) {
    if (problems.some((problem) => problem.message === message)) continue;
    const path =
      `workload.${key}` in file.matrix ? ['matrix', `workload.${key}`] : ['workload', key];
    problems.push({ path, message, key: wrongKey });
  }
  return workload;
}
