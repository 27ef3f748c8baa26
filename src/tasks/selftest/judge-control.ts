/** Whether a control has proven what it is for, from what its trial yielded. Pure. */
import { percent } from '../../base/units/quantity.js';
import { poissonBounds } from '../../data/integrity/bounds.js';
import type { Incident } from '../../data/record/record.js';
import type {
  Control,
  ControlResult,
  Detector,
  ControlExpectation,
  ExpectedIncident,
  Seen,
  ControlVerdict,
} from './control.js';
import { DETECTORS } from './control.js';

/** The unit of the graded source. */
const PAGE = 4096;
/**
 * Of the bytes written over, so many may go unseen per stretch: where a decoy's first or last byte
 * happens to be the right one, nobody can tell.
 */
const UNSEEN_PER_CONNECTION = 8;

/** What a verdict rests on. */
type Finding = readonly [proven: boolean, evidence: string];

/** Judges one control whose trial was run. */
export function judgeControl(control: Control, seen: Seen): ControlResult {
  const [proven, evidence] = finding(control, seen);
  return { name: control.name, verdict: proven ? 'proven' : 'unproven', evidence };
}

function finding(control: Control, seen: Seen): Finding {
  const { record } = seen;
  if (record.outcome === 'failed') return [false, `could not run: ${record.error ?? 'no reason'}`];
  if (record.check !== 'full') return [false, 'nothing compared the bytes (check: none)'];
  // A fault that was not made proves nothing, whatever was found.
  if (control.forwarder.use === 'faulty' && record.forwarder_detail['faults'] === 0) {
    return [false, 'the fault was not made'];
  }
  const rules: {
    [K in ControlExpectation['kind']]: (e: Extract<ControlExpectation, { kind: K }>) => Finding;
  } = {
    incidents: ({ incidents }) => exactly(incidents, seen),
    outcome: ({ outcome, reason }) => [
      record.outcome === outcome && (record.error ?? '').includes(reason),
      said(seen),
    ],
    overwritten: () => overwritten(control, seen),
    reused: () => reused(seen),
    untouched: () =>
      seen.overwritten === 0
        ? [false, 'the source wrote over nothing']
        : [
            record.outcome === 'intact',
            record.outcome === 'intact' ? 'copied in time: none of it arrived' : said(seen),
          ],
    incidence: ({ every }) => incidence(every, control, seen),
    nothing: () => [
      record.outcome === 'intact' && record.verified_bytes === streamBytes(control),
      record.outcome === 'intact'
        ? `${number(record.verified_bytes ?? 0)} bytes compared, nothing found`
        : said(seen),
    ],
  };
  const rule = rules[control.expect.kind] as (expectation: ControlExpectation) => Finding;
  return rule(control.expect);
}

function exactly(expected: readonly ExpectedIncident[], seen: Seen): Finding {
  const found = [...seen.incidents].sort(
    (a, b) => a.connection - b.connection || a.offset - b.offset,
  );
  const same =
    seen.record.outcome === 'corrupt' &&
    seen.record.incidents === expected.length &&
    found.length === expected.length &&
    expected.every((one, index) => matches(one, found[index]));
  const text = found.slice(0, 3).map(incidentWords).join('; ') || 'nothing found';
  const wanted = expected.map(expectedWords).join('; ');
  return [same, same ? text : `${text}; expected ${wanted}`];
}

function matches(expected: ExpectedIncident, found: Incident | undefined): boolean {
  if (found === undefined) return false;
  const { origin, connection } = expected;
  return (
    found.class === expected.class &&
    found.offset === expected.offset &&
    found.length === expected.length &&
    (connection === undefined || found.connection === connection) &&
    (origin === undefined || found.origin_offset === origin.offset) &&
    (origin?.connection === undefined || found.origin_connection === origin.connection)
  );
}

function overwritten({ workload, source }: Control, seen: Seen): Finding {
  const { record } = seen;
  if (seen.overwritten === 0) return [false, 'the source wrote over nothing'];
  const share = (record.corrupted_bytes ?? 0) / seen.overwritten;
  const evidence = `${percent(share)} of ${number(seen.overwritten)} bytes written over arrived so`;
  const others = Object.keys(record.incidents_by_class).filter((name) => name !== 'decoy');
  if (others.length > 0) return [false, `${evidence}, in part as ${others.join(', ')}`];
  // The kernel copies what it delivers, so only what had to wait for the window can change.
  if (source?.kind === 'overwriting' && source.settled === 'stuck') {
    return [record.outcome === 'corrupt', evidence];
  }
  const unseen = UNSEEN_PER_CONNECTION * (workload.connections ?? 1);
  return [(record.corrupted_bytes ?? 0) >= seen.overwritten - unseen, evidence];
}

/** Bytes from further on in the stream, where earlier ones had been given to the kernel. */
function reused(seen: Seen): Finding {
  const { record, incidents } = seen;
  const later = incidents.filter(
    ({ class: name, offset, origin_offset: origin }) =>
      name === 'misplaced' && origin !== undefined && origin > offset,
  );
  const first = later[0];
  if (first === undefined) return [false, said(seen)];
  const evidence = `${number(later.length)} of ${number(incidents.length)} stored incidents from further on: ${incidentWords(first)}`;
  return [record.outcome === 'corrupt', evidence];
}

/** Every page that was written over is found, and the rate's interval holds the one that was set. */
function incidence(every: number, control: Control, { record, overwritten: bytes }: Seen): Finding {
  const pages = streamBytes(control) / PAGE;
  const made = bytes / PAGE;
  const found = Math.round((record.corrupted_bytes ?? 0) / PAGE);
  const { low, high } = poissonBounds(found);
  const interval = `1 in ${number(pages / high)} to 1 in ${low > 0 ? number(pages / low) : '∞'}`;
  const evidence = `${number(found)} of ${number(made)} found in ${number(pages)} pages: 95 % ${interval}`;
  const holds = low <= pages / every && pages / every <= high;
  return [made > 0 && found === made && holds, evidence];
}

function streamBytes({ workload }: Control): number {
  const { bytes, connections = 1, direction } = workload;
  return bytes * connections * (direction === 'both' ? 2 : 1);
}

function said({ record }: Seen): string {
  return record.error ?? record.outcome;
}

function incidentWords(incident: Incident): string {
  const from =
    incident.origin_offset === undefined ? '' : ` from ${number(incident.origin_offset)}`;
  return `${incident.class} at ${number(incident.offset)}, ${number(incident.length)} bytes${from}`;
}

function expectedWords({ class: name, offset, length, origin }: ExpectedIncident): string {
  const from = origin === undefined ? '' : ` from ${number(origin.offset)}`;
  return `${name} at ${number(offset)}, ${number(length)} bytes${from}`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A detector with what its controls showed. */
export interface DetectorResult {
  detector: Detector;
  verdict: ControlVerdict;
  controls: ControlResult[];
}

/**
 * What the controls say about each detector. One control that shows it blind outweighs all others;
 * it is proven when at least one control could be made, and unavailable when none could.
 */
export function judgeDetectors(
  results: readonly { detector: Detector; result: ControlResult }[],
): DetectorResult[] {
  return DETECTORS.map((detector) => {
    const controls = results.filter((one) => one.detector === detector).map(({ result }) => result);
    const has = (verdict: ControlVerdict) =>
      controls.some((control) => control.verdict === verdict);
    const verdict = has('unproven') ? 'unproven' : has('proven') ? 'proven' : 'unavailable';
    return { detector, verdict, controls };
  });
}
