/** results/README.md: the index of everything that is published. Pure. */
import { boundText, integrityLine, perThousandText } from '../../data/integrity/tally-text.js';
import type { Tally } from '../../data/integrity/tally.js';
import { bytes, count, plural, UNAVAILABLE } from '../../base/units/quantity.js';
import { escapeMarkdown } from '../../base/text/escape.js';
import type {
  IndexedBar,
  IndexedClaim,
  IndexedRun,
  IndexedTally,
  PublishedIndex,
  RunLink,
} from '../../tasks/publish/published-index.js';
import { verdictText } from '../model/claim-verdict.js';
import { claimCounts } from './claims-table.js';

/** The index as Markdown; its links are relative to the folder of results. */
export function publishedMarkdown(index: PublishedIndex): string {
  const sections = [
    '# Results',
    'Made by `splicebench publish` from the runs that are stored here; `make publish-check` fails where it does ' +
      'not follow from them. Each figure links to its run, which says on what machine, when and how it was measured.',
    ...claimSection(index.claims),
    ...barSection(index.bars),
    ...integritySection(index),
    ...runSection(index.runs),
  ];
  return `${sections.join('\n\n')}\n`;
}

function claimSection(claims: readonly IndexedClaim[]): string[] {
  const measured = claims.filter(({ run }) => run !== null);
  const open = claims.filter(({ run, judged }) => run === null && judged.claim.judged !== null);
  const rows = measured.map(({ judged, run }) => [
    escapeMarkdown(judged.claim.statement),
    escapeMarkdown(judged.claim.source),
    `**${escapeMarkdown(verdictText(judged))}**`,
    escapeMarkdown(judged.detail),
    linkTo(run),
  ]);
  return [
    '## Published claims',
    measured.length === 0
      ? 'No run that is stored here has trials for any of the claims.'
      : claimCounts(measured.map(({ judged }) => judged)),
    ...(rows.length === 0 ? [] : [table(['claim', 'source', 'verdict', 'found', 'run'], rows)]),
    ...(open.length === 0
      ? []
      : [
          `Of ${plural(open.length, 'further claim')} no run is stored here, so nothing is said of them: ` +
            `${open.map(({ judged }) => `\`${judged.claim.id}\``).join(', ')}. \`make claims\` judges them.`,
        ]),
  ];
}

function barSection(bars: readonly IndexedBar[]): string[] {
  if (bars.length === 0) return ['## Bars', 'No run of `make bars` is stored here.'];
  const met = bars.filter((bar) => verdictOf(bar) === 'met').length;
  return [
    '## Bars',
    `${count(met)} of ${plural(bars.length, 'bar')} met. Inconclusive: the interval holds the limit.`,
    table(
      ['bar', 'required', 'measured (95 % interval)', 'verdict', 'run'],
      bars.map((bar) => [
        escapeMarkdown(bar.bar),
        escapeMarkdown(bar.required),
        escapeMarkdown(bar.measured),
        `**${verdictOf(bar)}**`,
        linkTo(bar.run, 'bars.md'),
      ]),
    ),
  ];
}

function verdictOf({ verdict, certain }: IndexedBar): string {
  return certain === false ? 'inconclusive' : escapeMarkdown(verdict);
}

function integritySection({ integrity, total }: PublishedIndex): string[] {
  return [
    '## Integrity',
    `Corrupted stretches in all bytes compared: ${integrityLine(total.sum)}. Bounds are exact, at 95 %; forwarders that damage streams on purpose are left out.`,
    table(
      [
        'forwarder',
        'verified',
        'transfers',
        'incidents',
        'rate of incidents',
        'rate of wrong transfers',
        'runs',
      ],
      [...integrity, total].map(integrityRow),
      1,
      6,
    ),
  ];
}

function integrityRow({ use, sum, runs }: IndexedTally): string[] {
  const figures = sum.checkedTrials === 0 ? null : figuresOf(sum);
  return [
    use === null ? 'all' : escapeMarkdown(use),
    ...(figures ?? ['not checked', ...['', '', '', ''].map(() => UNAVAILABLE)]),
    runs.length === 0 ? '–' : runs.map((run) => linkTo(run)).join(' '),
  ];
}

function figuresOf(sum: Tally): string[] {
  return [
    bytes(sum.verifiedBytes),
    count(sum.checkedConnections),
    count(sum.incidents),
    sum.perTb === null ? UNAVAILABLE : boundText(sum.perTb),
    sum.perConnection === null ? UNAVAILABLE : perThousandText(sum.perConnection),
  ];
}

function runSection(runs: readonly IndexedRun[]): string[] {
  if (runs.length === 0) return ['## Runs', 'None is stored here.'];
  return [
    '## Runs',
    table(
      ['run', 'machine', 'trials', 'what it says', 'SHA-256 of trials.jsonl'],
      runs.map(({ run, manifest, trials, verdict, digest }) => {
        const [host] = manifest.environment;
        const machine =
          host === undefined
            ? UNAVAILABLE
            : `${host.cpu_model ?? 'unknown CPU'}, ${plural(host.cpus, 'CPU')}, Linux ${host.kernel.split(' ')[0] ?? ''}`;
        return [
          linkTo(run),
          escapeMarkdown(machine),
          count(trials),
          escapeMarkdown(`${verdict.speed.sentence} ${verdict.safety.sentence}`),
          `\`${digest.slice(0, 16)}\``,
        ];
      }),
    ),
  ];
}

function linkTo(run: RunLink | null, file = 'report.md'): string {
  return run === null ? '–' : `[${escapeMarkdown(run.id)}](${encodeURI(run.folder)}/${file})`;
}

/** Cells are Markdown already; columns between the two bounds are figures. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  firstFigure = head.length,
  endOfFigures = head.length,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) =>
    column >= firstFigure && column < endOfFigures ? '---:' : '---',
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
