/** What all conversations of a script's trial came to. */
import { percent } from '../../../base/units/quantity.js';
import type { ConversationRecord } from '../../../data/native/native-script.js';
import { SEEN_ENDS } from '../../../data/native/native-script.js';
import type { CheckTotals, EndpointSnapshot } from '../../../data/native/native-surface.js';
import type { Judgement } from '../../../data/integrity/outcome.js';
import { STORED_PER_TRIAL } from '../../../data/integrity/stored-limits.js';
import type { ScriptWorkload } from '../../../data/record/plan.js';
import type { Incident, RecordedCall } from '../../../data/record/record.js';
import type { ScriptOutcome } from '../../../data/record/script-outcome.js';
import {
  type ConnectionOutcomes,
  CONNECTION_OUTCOMES,
  type IncidentClass,
} from '../../../data/record/words.js';
import { type EndpointMarks, NO_SNAPSHOT } from '../../measure/window.js';
import {
  judgeConversation,
  lateSteps,
  SCRIPT_SIDES,
  type ScriptFailure,
} from './judge-conversation.js';
import type { Played } from './script-session.js';
import { lastCallLines, storyOf } from './story.js';

/** So many failures of the kind that takes its time, all of the first conversations: the rest is the same. */
const HOPELESS = 3;
const SLOW: readonly ScriptFailure['kind'][] = ['stuck', 'start'];
/** Different failures that are told of. */
const MOST_FAILURES = 12;

export class ScriptTally {
  failed = 0;
  /** The one played last. */
  last: ConversationRecord | null = null;
  private conversations = 0;
  private slow = 0;
  private received = { client: 0, server: 0 };
  private readonly failures = new Map<string, { kind: string; text: string; times: number }>();
  private readonly found: Incident[] = [];
  private readonly sums: CheckTotals = {
    verified: 0,
    corrupted: 0,
    missing: 0,
    extra: 0,
    incidents: 0,
    byClass: {},
  };
  private readonly outcomes = Object.fromEntries(
    CONNECTION_OUTCOMES.map((outcome) => [outcome, 0]),
  ) as ConnectionOutcomes;
  private first: ScriptFailure | null = null;
  private story: string[] = [];
  private idleShare: number | string | null = null;
  private left: string | null = null;

  constructor(private readonly workload: ScriptWorkload) {}

  add({ size, conversation }: Played): void {
    this.conversations += 1;
    this.last = conversation;
    const wrong = judgeConversation(this.workload, conversation);
    const all = [...wrong, ...lateSteps(this.workload, conversation)];
    this.outcomes[wrong[0]?.outcome ?? 'intact'] += 1;
    if (conversation.failure === null) this.sum(conversation);
    if (all.some(({ kind }) => SLOW.includes(kind))) this.slow += 1;
    if (all.length === 0) return;
    this.failed += 1;
    if (wrong[0] !== undefined) this.first ??= wrong[0];
    if (this.story.length === 0) {
      const sized = this.workload.sizes.length > 0 ? [`size ${size}`] : [];
      this.story = [...sized, ...storyOf(this.workload, conversation)];
    }
    for (const { kind, text } of all) this.note(kind, text);
  }

  private note(kind: string, text: string): void {
    // The same but for its figures is the same failure; the figures are those seen first.
    const key = text.replaceAll(/\d[\d.]*/g, '#');
    const known = this.failures.get(key);
    if (known !== undefined) known.times += 1;
    else this.failures.set(key, { kind, text, times: 1 });
  }

  private sum(conversation: ConversationRecord): void {
    for (const side of SCRIPT_SIDES) {
      const { totals, received, cut, beyondEnd, seen, incidents } = conversation[side];
      this.received[side] += received;
      for (const key of ['verified', 'corrupted', 'missing', 'extra', 'incidents'] as const) {
        this.sums[key] += totals[key];
      }
      // Behind a reset nothing is promised.
      if (SEEN_ENDS[seen] === 'orderly') this.sums.missing += cut;
      this.sums.extra += beyondEnd;
      for (const [name, times] of Object.entries(totals.byClass) as [IncidentClass, number][]) {
        this.sums.byClass[name] = (this.sums.byClass[name] ?? 0) + times;
      }
      this.found.push(...incidents.slice(0, STORED_PER_TRIAL - this.found.length));
    }
  }

  /** Each further conversation would fail in the same way, and take as long. */
  get hopeless(): boolean {
    return this.slow >= HOPELESS && this.slow === this.conversations;
  }

  idle(share: number | string | null): void {
    this.idleShare = share;
    const { idle } = this.workload.expect;
    if (typeof share !== 'number' || idle === null || share <= idle.cpu) return;
    this.costs(
      `the forwarder used ${percent(share)} of a CPU while nothing moved (${idle.step}), at most ${percent(idle.cpu)} are right`,
    );
  }

  residue(left: string | null): void {
    this.left = left;
    if (left !== null) this.costs(`2 s after the last end the forwarder had ${left}`);
  }

  private costs(text: string): void {
    this.note('cost', text);
    this.failed = Math.max(1, this.failed);
    if (this.story.length === 0 && this.last !== null) {
      this.story = storyOf(this.workload, this.last);
    }
  }

  incidents(): Incident[] {
    return this.found;
  }
  totals(): CheckTotals[] {
    return [this.sums];
  }
  connectionOutcomes(): ConnectionOutcomes {
    return this.outcomes;
  }

  /** The gravest of the first conversation that had wrong bytes or ends. */
  judgement(): Judgement {
    if (this.first === null) return { outcome: 'intact', reason: null };
    const more = this.conversations > 1 ? `${this.failed} of ${this.conversations}: ` : '';
    return { outcome: this.first.outcome, reason: `${more}${this.first.text}` };
  }

  marks(timeNs: number): [EndpointMarks] {
    const { client, server } = this.received;
    const end = (received: number, sent: number): EndpointSnapshot => ({
      ...NO_SNAPSHOT,
      timeNs,
      received,
      sent,
    });
    return [{ upstream: end(server, client), downstream: end(client, server) }];
  }

  outcome(calls: readonly RecordedCall[]): ScriptOutcome {
    return {
      conversations: this.conversations,
      failed: this.failed,
      failures: [...this.failures.values()].slice(0, MOST_FAILURES),
      story: this.story.length === 0 ? [] : [...this.story, ...lastCallLines(calls)],
      idle: this.idleShare,
      residue: this.left,
    };
  }
}
