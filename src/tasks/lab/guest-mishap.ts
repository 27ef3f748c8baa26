/** In the guest: does to a card what is asked for, once a trial moves bytes over it. */
import { wordsOf } from '../../base/errors/words.js';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { x } from 'tinyexec';
import type { Mishap, MishapRecord } from './mishaps.js';

/** What must have crossed the port before anything happens to it. */
const BYTES_FIRST = 100_000;
/** For each step, on an emulated CPU of a busy host. Milliseconds. */
const STEP_TIMEOUT = 90_000;
const PROGRAM_TIMEOUT = 30_000;
/** A driver that has not noticed by then does not: QEMU 7.2 does not tell the one of e1000e. Milliseconds. */
const NOTICE_TIMEOUT = 10_000;
const POLL = 100;
/** As long as the cable is out, for TCP to miss something. Milliseconds. */
const OUT = 1500;

export class GuestMishap {
  readonly record: MishapRecord;
  private readonly folder: string;
  private over: Promise<void> = Promise.resolve();
  private trialIsOver = false;

  /**
   * Looks up the card's device: while a run has the port, sysfs does not show it.
   * @param say puts a step on the console, by which the host moves the cable
   */
  constructor(
    mishap: Mishap,
    private readonly say: (step: string, text: string) => void,
  ) {
    this.folder = realpathSync(`/sys/class/net/${mishap.card}/device`);
    this.record = {
      ...mishap,
      trial_id: '',
      driver: basename(realpathSync(`${this.folder}/driver`)),
      device: basename(this.folder),
      bytes_before: null,
      bytes_while_out: null,
      seen: false,
      restored: false,
      outcome: null,
      incidents: null,
      said: [],
    };
  }

  /** A trial begins: what is asked for happens while it runs. */
  begin(trial: string): void {
    this.record.trial_id = trial;
    const happening = this.record.kind === 'pull' ? this.pull() : this.unbind();
    this.over = happening.catch((error: unknown) => {
      this.record.said.push(wordsOf(error));
    });
  }

  /** Its trial ended: what has not happened by then does not happen. */
  trialOver(): void {
    this.trialIsOver = true;
  }

  /** Waits for its end. */
  async end(): Promise<void> {
    await this.over;
  }

  private async pull(): Promise<void> {
    const { record } = this;
    const port = await this.moving();
    this.say('link', `${record.card} down`);
    record.seen = await within(async () => !(await hasCarrier(port, record.card)), NOTICE_TIMEOUT);
    const dark = bytesOf(port, record.card);
    await sleep(OUT);
    const after = bytesOf(port, record.card);
    record.bytes_while_out = dark === null || after === null ? null : after - dark;
    this.say('link', `${record.card} up`);
    record.restored = await within(() => hasCarrier(port, record.card));
  }

  private async unbind(): Promise<void> {
    const { record } = this;
    await this.moving();
    await this.driver('unbind');
    record.seen = await within(() => Promise.resolve(holderOf(record.card) === null));
  }

  /** Gives the card back to its driver, once the run is over. @returns whether it has an interface again */
  async rebind(): Promise<boolean> {
    await this.driver('bind');
    return within(() => {
      try {
        return Promise.resolve(readdirSync(`${this.folder}/net`).length > 0);
      } catch {
        return Promise.resolve(false);
      }
    });
  }

  /**
   * Waits until bytes cross the port, for as long as the trial lasts: taking ports and starting programs may take
   * an emulated CPU minutes.
   * @returns a process that sees the port
   * @throws Error when the trial was over before
   */
  private async moving(): Promise<number> {
    const { card } = this.record;
    let first: number | null = null;
    while (!this.trialIsOver) {
      const holder = holderOf(card);
      const bytes = holder === null ? null : bytesOf(holder, card);
      first ??= bytes;
      if (holder !== null && bytes !== null && bytes - (first ?? bytes) > BYTES_FIRST) {
        this.record.bytes_before = bytes;
        return holder;
      }
      await sleep(POLL);
    }
    throw new Error(`the trial was over before bytes crossed ${card}`);
  }

  /** By a process of its own: the kernel keeps the writer until the driver has let go. */
  private async driver(verb: 'bind' | 'unbind'): Promise<void> {
    const { driver, device } = this.record;
    const bus = basename(realpathSync(`${this.folder}/subsystem`));
    const file = `/sys/bus/${bus}/drivers/${driver}/${verb}`;
    const { exitCode, stderr } = await x('sh', ['-c', `echo ${device} >${file}`], {
      timeout: STEP_TIMEOUT,
    });
    if (exitCode !== 0) throw new Error(`${verb} of ${driver}: ${stderr.trim()}`);
  }
}

/** @returns whether it became so in time */
async function within(become: () => Promise<boolean>, timeout = STEP_TIMEOUT): Promise<boolean> {
  const deadline = performance.now() + timeout;
  while (!(await become())) {
    if (performance.now() > deadline) return false;
    await sleep(POLL);
  }
  return true;
}

async function hasCarrier(holder: number, card: string): Promise<boolean> {
  const show = ['--target', `${holder}`, '--net', '--', 'ip', '-o', 'link', 'show', 'dev', card];
  const { stdout } = await x('nsenter', show, { timeout: PROGRAM_TIMEOUT });
  return /<[^>]*\bLOWER_UP\b[^>]*>/.test(stdout);
}

/** A process in whose network the port is; null = nowhere. */
function holderOf(card: string): number | null {
  const pids = readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
  return pids.find((pid) => bytesOf(pid, card) !== null) ?? null;
}

/** What the port has received and sent; null where it is not. */
function bytesOf(pid: number, card: string): number | null {
  try {
    return portBytes(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), card);
  } catch {
    return null;
  }
}

/** Of the text of /proc/net/dev: received and sent bytes of an interface. Pure. */
export function portBytes(text: string, card: string): number | null {
  const line = text.split('\n').find((one) => one.trim().startsWith(`${card}:`));
  if (line === undefined) return null;
  const counts = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  return (counts[0] ?? 0) + (counts[8] ?? 0);
}
