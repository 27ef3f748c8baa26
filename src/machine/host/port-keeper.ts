/**
 * Takes ports of this machine into namespaces of their own and puts them back. It runs in a process of
 * its own (the role `ports`), which outlives a killed run by as long as putting back takes: a virtual
 * port is destroyed with its namespace, a card comes home bare.
 */
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type HeldNamespace,
  holdNamespace,
  runCommand,
  WAYS,
} from '../../base/process/namespace-holder.js';
import { deviceOf, readPortFacts } from './port-facts.js';
import {
  isHeld,
  pathOf,
  type PortRecord,
  recordsOf,
  removeRecord,
  writeRecord,
} from './port-records.js';
import { refusalOf } from './port-refusal.js';
import { readLink, readPortState, restorePort } from './port-state.js';
import { startOf } from '../../base/process/process-start.js';

export interface TakeWish {
  ports: string[];
  /** The user allows to take ports that something depends on. */
  permitted: boolean;
  /** Local address of the ssh session that the run is typed in. */
  session: string | null;
}

/** What came of it. */
export type Taken =
  /** A line for each port that must not be taken. */
  | { refusal: string }
  /** The host does not let us. */
  | { unavailable: string }
  | {
      ports: TakenPort[];
      /** What was found of earlier runs, a sentence each. */
      notes: string[];
    };

export interface TakenPort {
  name: string;
  /** A process in its namespace. */
  pid: number;
  /** Folder of its device in sysfs; null where nothing is behind it. */
  device: string | null;
}

interface Kept {
  record: PortRecord;
  namespace: HeldNamespace;
}

/** How long another run's keeper may take to put back what we want, milliseconds. */
const PATIENCE = 12_000;
const POLL = 100;

export class PortKeeper {
  private readonly kept: Kept[] = [];
  private readonly network = readlinkSync('/proc/self/ns/net');
  private givenBack: Promise<string[]> | null = null;

  /** Takes all of the ports or none. */
  async take({ ports, permitted, session }: TakeWish): Promise<Taken> {
    const notes = await this.settleEarlier(ports);
    const refusals: string[] = [];
    const devices = new Map<string, string | null>();
    for (const name of ports) {
      const holder = recordsOf(this.network).find(({ state }) => state.name === name);
      if (holder !== undefined && isHeld(holder)) {
        refusals.push(
          `${name} is in use by another run (process ${holder.keeper.pid}); wait for its end`,
        );
        continue;
      }
      const facts = await readPortFacts(name);
      const refusal = refusalOf(facts, permitted, session);
      if (refusal !== null) refusals.push(refusal);
      devices.set(name, facts.link === null ? null : deviceOf(facts.link));
    }
    if (refusals.length > 0) return { refusal: [...notes, ...refusals].join('\n') };
    for (const name of ports) {
      const failure = await this.move(name);
      if (failure === null) continue;
      const left = await this.giveBack();
      return { unavailable: [failure, ...left].join('; ') };
    }
    const taken = this.kept.map(({ record: { state }, namespace: { pid } }) => ({
      name: state.name,
      pid,
      device: devices.get(state.name) ?? null,
    }));
    return { ports: taken, notes };
  }

  /**
   * Puts every port back to where and what it was.
   * @returns what could not be put back, a sentence each
   */
  giveBack(): Promise<string[]> {
    this.givenBack ??= this.putBack();
    return this.givenBack;
  }

  /** Returns why the port could not be moved; null when it was. */
  private async move(name: string): Promise<string | null> {
    const [way] = WAYS;
    if (way === undefined) return 'no way to make a namespace';
    const namespace = await holdNamespace(way);
    if (typeof namespace === 'string') return `no network namespace: ${namespace}`;
    const record: PortRecord = {
      keeper: { pid: process.pid, start: startOf(process.pid) ?? '0' },
      network: this.network,
      state: await readPortState(name),
    };
    // Before anything is touched: from here on whoever comes later knows what was.
    writeRecord(record);
    const failure = await runCommand([
      'ip',
      'link',
      'set',
      'dev',
      name,
      'netns',
      `${namespace.pid}`,
    ]);
    this.kept.push({ record, namespace });
    return failure === null ? null : `${name} cannot be moved into a namespace: ${failure}`;
  }

  private async putBack(): Promise<string[]> {
    const results = await Promise.all(this.kept.map((one) => this.putBackOne(one)));
    await Promise.all(this.kept.map(({ namespace }) => namespace.end()));
    return results.flat();
  }

  private async putBackOne({ record, namespace }: Kept): Promise<string[]> {
    const { name } = record.state;
    const argv = [...namespace.prefix, 'ip', 'link', 'set', 'dev', name, 'netns', `${process.pid}`];
    const failure = await runCommand(argv);
    if ((await readLink(name)) === null) {
      return [
        `${name} did not come back (${failure ?? 'it is gone'}); ${pathOf(record)} has what it was`,
      ];
    }
    const left = await restorePort(record.state);
    // What did not work now will not work by itself: it is for the user, who is told.
    removeRecord(record);
    return left.length === 0 ? [] : [`${name} is not as it was: ${left.join('; ')}`];
  }

  /** Waits for keepers that are about to give back, and puts back what killed ones left. */
  private async settleEarlier(wanted: readonly string[]): Promise<string[]> {
    const deadline = performance.now() + PATIENCE;
    const held = () =>
      recordsOf(this.network).some((one) => wanted.includes(one.state.name) && isHeld(one));
    while (held() && performance.now() < deadline) await sleep(POLL);
    const left = recordsOf(this.network).filter((record) => !isHeld(record));
    const notes = await Promise.all(left.map((record) => settle(record)));
    return notes.flat();
  }
}

/** Puts back one port that a killed run had taken. A port that was set up since is left alone. */
async function settle(record: PortRecord): Promise<string[]> {
  const { state } = record;
  const link = await readLink(state.name);
  if (link === null) {
    return [
      `${state.name}, which a killed run had taken, is not here; ${pathOf(record)} has what it was`,
    ];
  }
  if (link.address !== state.hardware || link.flags.includes('UP') || link.addr_info.length > 0) {
    removeRecord(record);
    return [`${state.name}, which a killed run had taken, was set up since: it is left as it is`];
  }
  const different = await restorePort(state);
  removeRecord(record);
  const how = different.length === 0 ? 'it was' : `it was, but ${different.join('; ')}`;
  return [`${state.name}, which a killed run had taken, is put back as ${how}`];
}
