/** In the guest: the mishaps of a run, each in the first trial of its scenario, and what came of them. */
import { wordsOf } from '../../base/errors/words.js';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunEvent } from '../../experiment/trial/schedule-events.js';
import { GuestMishap } from './guest-mishap.js';
import { type Mishap, MISHAPS_FILE, mishapText } from './mishaps.js';

export class GuestMishaps {
  private readonly waiting: GuestMishap[];
  private readonly begun: GuestMishap[] = [];
  private scenario = '';

  /**
   * Before the run takes the ports.
   * @param say puts a step on the console
   */
  constructor(
    mishaps: readonly Mishap[],
    private readonly folder: string,
    private readonly say: (step: string, text: string) => void,
  ) {
    this.waiting = mishaps.map((mishap) => new GuestMishap(mishap, say));
  }

  /** Follows the run. */
  take(event: RunEvent): void {
    if (event.event === 'run-start') this.scenario = event.scenario;
    if (event.event === 'trial-start') {
      const index = this.waiting.findIndex(({ record }) => record.scenario === this.scenario);
      const [mishap] = index === -1 ? [] : this.waiting.splice(index, 1);
      if (mishap === undefined) return;
      this.begun.push(mishap);
      mishap.begin(event.trial_id);
    }
    if (event.event !== 'trial-end') return;
    const { trial_id, outcome, incidents, error } = event.record;
    const own = this.begun.find(({ record }) => record.trial_id === trial_id);
    if (own === undefined) return;
    own.trialOver();
    Object.assign(own.record, { outcome, incidents });
    if (error !== null) own.record.said.push(error);
  }

  /** Takes what a run ended with for what a missing driver makes of it. @returns whether it may be that */
  explain(error: unknown): boolean {
    const unbound = this.begun.find(({ record }) => record.kind === 'unbind' && record.seen);
    unbound?.record.said.push(wordsOf(error));
    return unbound !== undefined;
  }

  /**
   * After the run: gives cards back to their drivers, and keeps what came of it all.
   * @returns whether a card came back under another name
   */
  async end(): Promise<boolean> {
    let renamed = false;
    for (const mishap of this.begun) {
      await mishap.end();
      const { record } = mishap;
      if (record.kind === 'unbind' && record.seen) {
        record.restored = await mishap.rebind();
        renamed ||= record.restored;
      }
      appendFileSync(join(this.folder, MISHAPS_FILE), `${JSON.stringify(record)}\n`);
      this.say('mishap', mishapText(record));
    }
    return renamed;
  }
}
