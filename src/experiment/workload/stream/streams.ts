/** All pairs of ends of a stream trial, driven in step: most trials have one pair. */
import type { StreamEnd } from '../../../data/integrity/outcome.js';
import type { EndResult } from '../../../machine/role/protocol.js';
import { pairsOf } from '../../../machine/host/host.js';
import { shareOf } from '../../../data/record/pairs.js';
import type { StreamWorkload } from '../../../data/record/plan.js';
import type { SessionSetting } from '../../measure/session.js';
import { receives, sends, type Side, SIDES } from '../../measure/endpoints.js';
import type { SideSeries } from '../../measure/record-of.js';
import { type Adapt, StreamSession } from './stream-session.js';
import type { PairMarks } from '../../measure/window.js';

/** How the receiving ends of one pair ended. */
export type PairEnds = Partial<Record<Side, EndResult>>;

export class Streams {
  private readonly pairs: [StreamSession, ...StreamSession[]];

  /** @param adapt changes what an endpoint is told, where the selftest needs one that does wrong */
  constructor(
    setting: SessionSetting,
    private readonly workload: StreamWorkload,
    adapt?: Adapt,
  ) {
    const hosts = pairsOf(setting.hosts);
    const share = shareOf(workload, hosts.length);
    const [first, ...beside] = hosts.map((ends, pair) => {
      const forwarder = setting.forwarders[pair];
      if (forwarder === undefined) throw new Error(`no forwarder for pair ${pair + 1}`);
      return new StreamSession({ ...setting, forwarder }, share, { ...ends, number: pair }, adapt);
    });
    if (first === undefined) throw new Error('no ends');
    this.pairs = [first, ...beside];
  }

  /** Connects everything and proves every path with the first bytes of each stream. */
  async connect(): Promise<void> {
    await this.all((pair) => pair.connect());
  }

  /** Lets the bytes flow. `over` resolves when every receiving end has ended or stalled. */
  async go(): Promise<{ over: Promise<PairEnds[]> }> {
    const going = await this.all((pair) => pair.go());
    const over = Promise.all(going.map((pair) => pair.over));
    // Whoever waits for it sees the failure; nobody may wait when the trial fails elsewhere first.
    over.catch(() => undefined);
    return { over };
  }

  async mark(): Promise<PairMarks> {
    const [first, ...beside] = this.pairs;
    const [mark, ...others] = await Promise.all([
      first.mark(),
      ...beside.map((pair) => pair.mark()),
    ]);
    return [mark, ...others];
  }

  /** The sources write over what they handed over; answers with how many bytes that was. */
  async overwrite(): Promise<number> {
    const bytes = await this.all((pair) => pair.overwrite());
    return bytes.reduce((sum, one) => sum + one, 0);
  }

  /** Lets held receivers read. */
  async letReceive(): Promise<void> {
    await this.all((pair) => pair.letReceive());
  }

  /** Ends the sending in the orderly way. */
  async stopSending(): Promise<void> {
    await this.all((pair) => pair.stopSending());
  }

  /**
   * Collects what all ends counted: of each pair an entry per direction.
   * @param ends what go() resolved to
   */
  collect(ends: readonly PairEnds[]): Promise<StreamEnd[][]> {
    return Promise.all(this.pairs.map((pair, index) => pair.collect(ends[index] ?? {})));
  }

  /** Of each pair. */
  series(): Promise<SideSeries[]> {
    return this.all((pair) => pair.series());
  }

  /** The sides whose clocks and counts make the goodput. */
  receivingSides(): Side[] {
    return SIDES.filter((side) => receives(side, this.workload));
  }

  sendingSides(): Side[] {
    return SIDES.filter((side) => sends(side, this.workload));
  }

  async close(): Promise<void> {
    await this.all((pair) => pair.close());
  }

  private all<T>(of: (pair: StreamSession) => Promise<T>): Promise<T[]> {
    return Promise.all(this.pairs.map(of));
  }
}
