/** Why checking costs goodput where source and sink share CPUs: what each part takes per GB. Pure. */
import { median } from '../../src/base/statistics/interval.js';
import { figure } from '../../src/base/units/quantity.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { Side } from './ratio-bar.js';

/** CPU seconds per GB, medians. */
interface Ends {
  source: number;
  sink: number;
}

/**
 * @param of the arm that checks
 * @param to the same without
 * @returns null where either is not known, or they do not share a CPU
 */
export function checkedCost(
  trials: readonly TrialRecord[],
  { of, to }: { of: Side; to: Side },
): string | null {
  const [checked, plain] = [endsOf(trials, of), endsOf(trials, to)];
  if (checked === null || plain === null) return null;
  const total = checked.source + checked.sink;
  return `Source and sink share a CPU. Checked, a GB takes ${figure(checked.source)} s of it in the source, which makes the stamps, and ${figure(checked.sink)} s in the sink, which compares them; without, ${figure(plain.source)} s and ${figure(plain.sink)} s. ${figure(total)} s/GB are at most ${figure(8 / total)} Gbps, whatever the forwarder.`;
}

function endsOf(trials: readonly TrialRecord[], { scenario, label }: Side): Ends | null {
  const own = trials.filter((trial) => trial.scenario === scenario && trial.forwarder === label);
  const together = own.every(
    ({ placement: { source = [], sink = [] } }) =>
      source.length === 1 && source.join() === sink.join(),
  );
  const perGb = (of: (trial: TrialRecord) => number | null) =>
    median(
      own.flatMap((trial) => {
        const share = of(trial);
        const { seconds, bytes } = trial;
        return share === null || seconds === null || !bytes
          ? []
          : [(share * seconds) / (bytes / 1e9)];
      }),
    );
  const source = perGb((trial) => trial.source_utilisation);
  const sink = perGb((trial) => trial.sink_utilisation);
  return source === null || sink === null || !together ? null : { source, sink };
}
