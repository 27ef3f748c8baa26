/**
 * Keeps CPUs half busy from other processes: 200 ms of work, 200 ms of sleep, and so on. All of them work at the same
 * time, as the threads of one program would.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { CouldNotRunError } from '../../src/base/errors/errors.js';
import { wordsOf } from '../../src/base/errors/words.js';
import { isEntry } from '../entry.js';

/** Nanoseconds of CLOCK_MONOTONIC, which all processes share. */
const ON = 200_000_000n;
const PERIOD = 400_000_000n;

/** One process for each CPU, until `end`. */
export class BusyCpus {
  private readonly children: { cpu: number; child: ChildProcess }[] = [];

  /** @throws CouldNotRunError when one cannot be started; none is left then */
  static async start(cpus: readonly number[]): Promise<BusyCpus> {
    const busy = new BusyCpus();
    try {
      for (const cpu of cpus) await busy.add(cpu);
    } catch (error) {
      await busy.end();
      const why = wordsOf(error);
      throw new CouldNotRunError(`the CPUs cannot be kept busy: ${why}`);
    }
    return busy;
  }

  get pids(): number[] {
    return this.children.flatMap(({ child }) => child.pid ?? []);
  }

  private async add(cpu: number): Promise<void> {
    const argv = ['--cpu-list', String(cpu), process.execPath, fileURLToPath(import.meta.url)];
    // Its input ends with this process, however that ends.
    const child = spawn('taskset', argv, { stdio: ['pipe', 'ignore', 'inherit'] });
    await once(child, 'spawn');
    this.children.push({ cpu, child });
  }

  /** @throws CouldNotRunError when one has ended by itself: what was measured beside it means nothing */
  assertAlive(): void {
    const gone = this.children.find(({ child }) => hasEnded(child));
    if (gone === undefined) return;
    const { exitCode, signalCode } = gone.child;
    throw new CouldNotRunError(
      `the process that kept CPU ${gone.cpu} busy ended on its own (${signalCode ?? `exit code ${exitCode}`})`,
    );
  }

  /** Ends them, by their ids. Never throws. */
  async end(): Promise<void> {
    await Promise.all(
      this.children.map(async ({ child }) => {
        if (hasEnded(child)) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function stayBusy(): Promise<never> {
  process.stdin.on('end', () => process.exit(0)).resume();
  for (;;) {
    const inPeriod = process.hrtime.bigint() % PERIOD;
    // Else it goes on.
    if (inPeriod >= ON) await sleep(Number(PERIOD - inPeriod) / 1e6);
  }
}

if (isEntry(import.meta.url)) await stayBusy();
