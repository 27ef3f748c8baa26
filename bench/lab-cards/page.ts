/** What the conformance suite and the adversarial scenarios came to on each emulated card, as Markdown. Pure. */
import { count } from '../../src/base/units/quantity.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { Matrix } from '../../src/tasks/conformance/suite.js';
import { cellText, type MatrixCell } from '../../src/tasks/conformance/judge-case.js';
import type { LabFacts } from '../../src/tasks/lab/lab.js';

/** A boot that was kept: cases that were played in it, or trials that ran in it. */
export interface CardBoot {
  /** Its folder. */
  name: string;
  facts: LabFacts;
  matrix: Matrix | null;
  trials: readonly TrialRecord[];
}

export function cardsPage(boots: readonly CardBoot[]): string {
  const played = boots.flatMap(({ facts, matrix }) => (matrix === null ? [] : [{ facts, matrix }]));
  return [
    '# Emulated cards, their real drivers, and what has broken forwarders',
    '',
    'Made from runs of `splicebench lab` by bench/lab-cards.ts; `make lab-cards` makes the runs as well. No kernel here has the',
    'bug of 2008. Everything is emulated, so nothing of it is a speed. How it is done: [docs/lab.md](../../../docs/lab.md#cards).',
    '',
    ...boots.map(bootLine),
    '',
    '## The conformance suite, on three ports of each card',
    '',
    '`pass`; `FAIL` failed/conversations; `?` inconclusive here, since it is missed without a forwarder, too, or could not be',
    'measured; `-` not played. What is not `pass` has its reason below. `direct` is without a forwarder. Cases of the',
    '[suite](../../../docs/conformance.md) that are in no row were not asked for in these boots.',
    '',
    ...conformanceTable(played),
    '',
    '## The adversarial scenarios, shortened',
    '',
    'Bytes that were compared and found right, in both directions together.',
    '',
    ...trialTable(boots.filter(({ trials }) => trials.length > 0)),
    '',
  ].join('\n');
}

function bootLine({ name, facts, matrix, trials }: CardBoot): string {
  const { release, kernel, nic, cpus, accelerator, failure } = facts;
  const how = accelerator === 'kvm' ? 'KVM' : 'emulated CPUs';
  const what = matrix === null ? `${trials.length} trials` : `${matrix.cases.length} cases`;
  const ended =
    failure === null ? '' : `; it did not come to its end: ${failure.split('\n')[0] ?? ''}`;
  return `- [${name}](${name}/lab.json): kernel ${release ?? kernel}, ${nic}, ${cpus} ${how}, ${what}${ended}.`;
}

interface PlayedBoot {
  facts: LabFacts;
  matrix: Matrix;
}

function conformanceTable(boots: readonly PlayedBoot[]): string[] {
  if (boots.length === 0) return ['It was not played.'];
  const columns = boots.flatMap(({ facts, matrix }) =>
    matrix.forwarders.map(({ label }) => ({ nic: facts.nic, label, matrix })),
  );
  const names = [...new Set(boots.flatMap(({ matrix }) => matrix.cases.map(({ name }) => name)))];
  const cellAt = (matrix: Matrix, name: string, label: string) =>
    matrix.cells.find((one) => one.case === name && one.forwarder === label);
  const text = (cell: MatrixCell | undefined) => (cell === undefined ? '-' : cellText(cell));
  return [
    line(['case', ...columns.map(({ nic, label }) => `${nic} ${label}`)]),
    rule(columns.length + 1),
    ...names.map((name) =>
      line([name, ...columns.map(({ matrix, label }) => text(cellAt(matrix, name, label)))]),
    ),
    '',
    ...reasonLines(names, boots),
  ];
}

/** Why cells are no pass: those of one reason together. */
function reasonLines(names: readonly string[], boots: readonly PlayedBoot[]): string[] {
  return names.flatMap((name) => {
    const who = new Map<string, string[]>();
    for (const { facts, matrix } of boots) {
      for (const cell of matrix.cells) {
        if (cell.case !== name || cell.verdict === 'pass') continue;
        const why = `${cellText(cell)}: ${cell.reasons.join('; ')}`;
        who.set(why, [...(who.get(why) ?? []), `${facts.nic} ${cell.forwarder}`]);
      }
    }
    const everywhere = boots.reduce((sum, { matrix }) => sum + matrix.forwarders.length, 0);
    return [...who].map(([why, all]) =>
      all.length === everywhere ? `- ${name}: ${why}` : `- ${name}, ${all.join(', ')}: ${why}`,
    );
  });
}

function trialTable(boots: readonly CardBoot[]): string[] {
  if (boots.length === 0) return ['They were not run.'];
  const rows = new Map<string, { scenario: string; forwarder: string }>();
  for (const { trials } of boots) {
    for (const { scenario, forwarder } of trials) {
      rows.set(`${scenario} ${forwarder}`, { scenario, forwarder });
    }
  }
  const resultOf = ({ trials }: CardBoot, scenario: string, forwarder: string) => {
    const found = trials.find((one) => one.scenario === scenario && one.forwarder === forwarder);
    return found === undefined ? 'not run' : trialText(found);
  };
  return [
    line(['scenario', 'forwarder', ...boots.map(({ facts }) => facts.nic)]),
    rule(boots.length + 2),
    ...[...rows.values()].map(({ scenario, forwarder }) =>
      line([scenario, forwarder, ...boots.map((boot) => resultOf(boot, scenario, forwarder))]),
    ),
  ];
}

function trialText({ outcome, verified_bytes: bytes, error }: TrialRecord): string {
  if (error !== null) return `${outcome}: ${error.replaceAll('|', '\\|').split('\n')[0] ?? ''}`;
  return bytes === null ? `${outcome}, nothing compared` : `${outcome}, ${count(bytes)} bytes`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function rule(columns: number): string {
  return `|${'---|'.repeat(columns)}`;
}
