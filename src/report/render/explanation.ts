/** The story of incidents: what `splicebench explain` prints. Pure. */
import { groupIncidents } from '../../data/integrity/groups.js';
import { type IncidentStyle, incidentText } from '../../data/integrity/incident-text.js';
import { storedText } from '../../data/integrity/stored-limits.js';
import { relationOf } from '../../data/integrity/relation.js';
import { type Outcome, OUTCOMES } from '../../data/record/words.js';
import {
  type RunManifest,
  type StoredIncident,
  type TrialRecord,
} from '../../data/record/record.js';
import { groupText } from '../model/incident-groups.js';
import { printable, wrapped } from '../../base/text/layout.js';
import { listed, plural } from '../../base/units/quantity.js';

/** What is explained. */
export interface Explained {
  manifest: RunManifest;
  trials: readonly TrialRecord[];
  /** In the order of incidents.jsonl; numbers count from 1. */
  incidents: readonly StoredIncident[];
}

/** Groups whose first incident is told in full. */
const TOLD = 3;

/** All incidents of a run: how many, in which groups, and the first of each large group in full. */
export function explainRun(run: Explained, style: IncidentStyle, columns: number): string {
  const { incidents } = run;
  const told = scriptStories(run);
  if (incidents.length === 0) return `${[nothing(run), ...told].join('\n\n')}\n`;
  const groups = groupIncidents(incidents);
  const shown = groups.slice(0, TOLD);
  const rest = groups.length - shown.length;
  return [
    fill(found(run), columns),
    ...groups.map((group, index) => fill(`${index + 1}. ${groupText(group)}`, columns, '   ')),
    ...shown.map((group) => explainIncident(run, group.numbers[0] ?? 1, style, columns).trimEnd()),
    ...(rest > 0 ? [`The first of ${plural(rest, 'further group')}: explain RUN NUMBER.`] : []),
    ...besides(run).map((text) => fill(text, columns)),
    ...told,
  ]
    .join('\n\n')
    .concat('\n');
}

/** Failed scripts of a forwarder that are told in full. */
const STORIES = 2;

/** What the scripts of a run have failed at, the first of each forwarder step by step. */
function scriptStories({ trials }: Explained): string[] {
  const told = new Map<string, number>();
  return trials.flatMap(({ script, forwarder, trial_id }) => {
    const before = told.get(forwarder) ?? 0;
    if (script === undefined || script.failed === 0 || before >= STORIES) return [];
    told.set(forwarder, before + 1);
    const { failed, conversations, failures, story } = script;
    const head = `${printable(forwarder)}, ${printable(trial_id)}: ${failed} of ${plural(conversations, 'conversation')} failed`;
    const reasons = failures.map(
      ({ text, times }) => `  ${text}${times > 1 ? ` (${times} times)` : ''}`,
    );
    return [[head, ...reasons, ...story.map((line) => `    ${line}`)].join('\n')];
  });
}

/**
 * One incident in full.
 * @param number from 1, in the order of incidents.jsonl
 */
export function explainIncident(
  run: Explained,
  number: number,
  style: IncidentStyle,
  columns: number,
): string {
  const { incidents, trials } = run;
  const incident = incidents[number - 1];
  if (incident === undefined) throw new RangeError(`no incident ${number}`);
  const trial = trials.find(({ trial_id }) => trial_id === incident.trial_id);
  const group = groupIncidents(incidents).find(({ numbers }) => numbers.includes(number));
  const alike = (group?.numbers.length ?? 1) - 1;
  const [sentence = '', ...bytes] = incidentText(incident, style).split('\n');
  const where = [
    `Incident ${number} of ${incidents.length}`,
    printable(incident.forwarder),
    printable(incident.trial_id),
    ...(trial === undefined ? [] : [printable(trial.cell), `the trial was ${trial.outcome}`]),
  ];
  const story = [
    ...relationOf(incident).sentences,
    ...(alike > 0
      ? [`${plural(alike, 'other')} of the run ${alike === 1 ? 'is' : 'are'} alike.`]
      : []),
  ];
  return [
    fill(where.join(', '), columns, '  '),
    fill(sentence, columns),
    bytes.join('\n'),
    fill(story.join(' '), columns),
  ]
    .filter((part) => part !== '')
    .join('\n')
    .concat('\n');
}

/** No incident is stored; what the trials that looked came to, each by its outcome. */
function nothing({ trials }: Explained): string {
  const checked = trials.filter(({ check }) => check === 'full');
  if (checked.length === 0) {
    return 'No incident: no trial of this run compared a byte (check: full does).';
  }
  return ['No incident is stored.', ...byOutcome(checked)].join(' ');
}

/** What else went wrong beside the incidents: trials of which none is stored and that are not intact. */
function besides({ trials, incidents }: Explained): string[] {
  const told = new Set(incidents.map(({ trial_id }) => trial_id));
  const others = trials.filter(
    ({ check, outcome, trial_id }) =>
      check === 'full' && outcome !== 'intact' && !told.has(trial_id),
  );
  return others.length === 0 ? [] : [['Besides:', ...byOutcome(others)].join(' ')];
}

function byOutcome(trials: readonly TrialRecord[]): string[] {
  return OUTCOMES.flatMap((outcome) => {
    const alike = trials.filter((trial) => trial.outcome === outcome);
    return alike.length === 0 ? [] : [outcomeText(outcome, alike)];
  });
}

/** What an outcome says of bytes; only `intact` is a finding that nothing was wrong. */
function outcomeText(outcome: Outcome, trials: readonly TrialRecord[]): string {
  const number = plural(trials.length, 'trial');
  const whose = [...new Set(trials.map(({ forwarder }) => printable(forwarder)))];
  const these = `${number} of ${listed(whose)}`;
  const was = trials.length === 1 ? 'was' : 'were';
  const sum = (of: (trial: TrialRecord) => number | null) => {
    const values = trials.map(of);
    const known = values.filter((value) => value !== null);
    if (known.length < values.length) return 'bytes (their number is unknown)';
    return plural(
      known.reduce((all, value) => all + value, 0),
      'byte',
    );
  };
  const compared = sum(({ verified_bytes }) => verified_bytes);
  const counted = trials.reduce((all, { incidents }) => all + (incidents ?? 0), 0);
  const wrong =
    counted === 0
      ? 'no wrong byte was found in what came'
      : `${plural(counted, 'incident')} of them ${counted === 1 ? 'was' : 'were'} counted, but none is stored`;
  switch (outcome) {
    case 'intact':
      return `${number} compared every byte (${compared}) and found nothing.`;
    case 'truncated':
      return (
        `${these} ${was} truncated: streams ended before their last ` +
        `${sum(({ missing_bytes }) => missing_bytes)}; ${compared} were compared, ${wrong}.`
      );
    case 'extra':
      return (
        `${these} ended with ${sum(({ extra_bytes }) => extra_bytes)} that were never sent; ` +
        `${compared} were compared, ${wrong}.`
      );
    case 'corrupt':
      return (
        `${these} ${was} corrupt (${sum(({ corrupted_bytes }) => corrupted_bytes)} wrong), ` +
        'but no incident of them is stored, so nothing can be explained.'
      );
    case 'failed':
    case 'unchecked':
      return `${these} ${was} ${outcome}, which says nothing of the bytes.`;
    case 'stalled':
    case 'reset':
      return (
        `${these} ${was} ${outcome} after comparing ${compared}: ` +
        'bytes that had not arrived by then were not checked.'
      );
  }
}

/** What was counted may be more than what is stored. */
function found({ trials, incidents }: Explained): string {
  const counted = trials.reduce((sum, trial) => sum + (trial.incidents ?? 0), 0);
  const hit = new Set(incidents.map(({ trial_id }) => trial_id)).size;
  const more =
    counted > incidents.length ? ` (${storedText(incidents.length, counted)}, the first ones)` : '';
  return `${plural(incidents.length, 'incident')} in ${plural(hit, 'trial')}${more}.`;
}

function fill(text: string, columns: number, indent = ''): string {
  return wrapped(text, columns, indent).join('\n');
}
