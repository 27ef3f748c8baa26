/** The decoys of one trial: processes full of marked data, beside the traffic. */
import type { Host } from '../../../machine/host/host.js';
import type { Placement } from '../../../machine/host/placement.js';
import { keptBytes } from '../../../machine/role/decoy-role.js';
import { RoleClient, RoleError } from '../../../machine/role/client.js';
import type { Decoys } from '../../../data/record/plan.js';

/** Filling may take long where memory is slow. Seconds. */
const OPEN_TIMEOUT = 15;

export class DecoyCrowd {
  private readonly roles: readonly RoleClient<'decoy'>[];

  /** @param cpus where they run */
  constructor(
    host: Host,
    private readonly decoys: Decoys,
    private readonly seed: string,
    private readonly cpus: readonly number[],
  ) {
    this.roles = Array.from({ length: decoys.count }, () => RoleClient.start(host, 'decoy'));
  }

  /** Returns once all are full. @throws RoleError naming the one that could not be. */
  async open(): Promise<void> {
    const { bytes, rate } = this.decoys;
    await Promise.all(
      this.roles.map((role, number) =>
        named(number, () =>
          role.ask(
            'open',
            { seed: this.seed, number, bytes, rate, cpus: [...this.cpus] },
            OPEN_TIMEOUT,
          ),
        ),
      ),
    );
  }

  /**
   * What they kept and made, for the record.
   * @throws RoleError naming the one that has ended before its time: what it would have shown is unknown
   */
  async detail(): Promise<Record<string, number>> {
    const marks = await Promise.all(
      this.roles.map((role, number) => named(number, () => role.ask('mark'))),
    );
    return {
      decoys: marks.length,
      decoy_bytes: marks.reduce((sum, mark) => sum + keptBytes(mark), 0),
      decoy_bytes_made: marks.reduce((sum, { made }) => sum + made, 0),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.roles.map((role) => role.close()));
  }
}

async function named<T>(number: number, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RoleError)) throw error;
    throw new RoleError(`decoy ${number}: ${error.message}`);
  }
}

/** CPUs that nothing measured runs on; else all but the forwarder's; else any. */
export function decoyCpus(allowed: readonly number[], placement: Placement): number[] {
  const { source, forwarder, sink } = placement;
  const measured = new Set([...source, ...forwarder, ...sink]);
  const free = allowed.filter((cpu) => !measured.has(cpu));
  if (free.length > 0) return free;
  return allowed.filter((cpu) => !forwarder.includes(cpu));
}
