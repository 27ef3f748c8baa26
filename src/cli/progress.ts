/** One calm line that says how far a run is; plain lines where the output is not a terminal. */
import { unavailableLines } from '../experiment/trial/availability.js';
import type { RunEvent } from '../experiment/trial/schedule-events.js';
import { duration, figure, shortCount } from '../base/units/quantity.js';
import type { TrialRecord } from '../data/record/record.js';
import { formatDuration } from '../base/units/sizes.js';

export interface ProgressStream {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

export class Progress {
  private shown = false;
  /** What the latest judgement of a bound expects, and how many there were. */
  private outlook: string | null = null;
  private bounds = 0;

  constructor(private readonly stream: ProgressStream) {}

  /** Takes a run's event and shows what is new. */
  take(event: RunEvent): void {
    switch (event.event) {
      case 'run-start': {
        const {
          scenario,
          trials_stored: stored,
          trials_at_least: least,
          trials_at_most: most,
        } = event;
        const trials = least === most ? `${most} trials` : `${least} to ${most} trials`;
        const before = stored > 0 ? `, ${stored} stored already` : '';
        this.line(`${scenario}: ${trials}${before}, seed ${event.seed}`);
        break;
      }
      case 'unavailable': {
        for (const line of unavailableLines([event])) this.line(line);
        break;
      }
      case 'trial-start': {
        const { eta } = event;
        const total = eta.trials_done + eta.trials_left_at_most;
        const left = this.outlook ?? `at most ${durationOf(eta.remaining_seconds_at_most)} left`;
        this.status(
          `block ${event.block}  trial ${eta.trials_done + 1} of at most ${total}  ` +
            `${event.cell} ${event.forwarder}  ${left}`,
        );
        break;
      }
      case 'trial-end': {
        const { outcome, error, trial_id: id, forwarder } = event.record;
        const good = outcome === 'intact' || outcome === 'unchecked';
        if (!good) this.line(`${id}: ${outcome}${error === null ? '' : `: ${error}`}`);
        else if (!this.stream.isTTY) {
          const speed = figureOf(event.record);
          this.line(
            `${event.record.cell}  block ${event.record.block}  ${forwarder}${speed}  ${outcome}`,
          );
        }
        break;
      }
      case 'bound': {
        this.outlook =
          event.seconds_left === null
            ? null
            : `about ${duration(Math.max(1, event.seconds_left))} left`;
        if (this.bounds === 0 || Number.isInteger(Math.log2(event.block))) {
          this.line(`bound after block ${event.block}: ${event.text}`);
        }
        this.bounds += 1;
        break;
      }
      case 'cell-stopped':
        this.line(`${event.cell}: ${event.reason}`);
        break;
      case 'block-end':
      case 'run-end':
        break;
    }
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.shown) return;
    this.stream.write('\r\u001b[K');
    this.shown = false;
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.stream.write(`${text}\n`);
  }

  private status(text: string): void {
    if (!this.stream.isTTY) return;
    const width = (this.stream.columns ?? 80) - 1;
    this.stream.write(`\r\u001b[K${text.slice(0, width)}`);
    this.shown = true;
  }
}

function durationOf(seconds: number): string {
  return formatDuration(Math.max(1, Math.round(seconds)));
}

/** What the workload is for, in a few characters. */
function figureOf({ workload, goodput_gbps, ...record }: TrialRecord): string {
  if (record.under_strace) return '  under strace';
  const {
    latency_p99_us: p99,
    connections_per_second: connections,
    requests_per_second: requests,
  } = record;
  switch (workload) {
    case 'exchange':
      return p99 === null ? '' : `  p99 ${figure(p99)} µs`;
    case 'churn':
      return connections === null ? '' : `  ${shortCount(connections)} connections/s`;
    case 'http':
      return requests === null ? '' : `  ${shortCount(requests)} requests/s`;
    case 'script':
      return record.script === undefined
        ? ''
        : `  ${record.script.failed} of ${record.script.conversations} failed`;
    case 'stream':
      return goodput_gbps === null ? '' : `  ${goodput_gbps.toFixed(1)} Gbps`;
  }
}
