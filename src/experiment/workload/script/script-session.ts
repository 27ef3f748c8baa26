/** The process that plays both ends of a script, and the namespaces that they are in. */
import type { ConversationRecord } from '../../../data/native/native-script.js';
import type { ScriptWorkload } from '../../../data/record/plan.js';
import { RoleClient, RoleError } from '../../../machine/role/client.js';
import type { Host } from '../../../machine/host/host.js';
import type { SessionSetting } from '../../measure/session.js';
import type { ListenAddress } from '../../measure/forwarder-under-test.js';
import { compileEnd } from './compile.js';

/** Conversations that are asked for at once: their records come back as one answer. */
const BATCH = 100;
/** The addon numbers connections modulo 2^14. */
const NUMBERS = 2 ** 14;

export interface Played {
  size: number;
  conversation: ConversationRecord;
}

export class ScriptSession {
  private readonly role: RoleClient<'script'>;
  private entry: ListenAddress | null = null;
  private next = 0;

  constructor(
    private readonly setting: SessionSetting,
    private readonly workload: ScriptWorkload,
  ) {
    this.role = RoleClient.start(setting.hosts.upstream, 'script');
  }

  /**
   * Opens the server's end, and the forwarder towards it.
   * @throws RoleError on a topology whose namespaces cannot be entered from one process
   */
  async open(): Promise<void> {
    const { hosts, forwarder, trial } = this.setting;
    const refused = refusedTopology(trial.cell.topology.kind);
    if (refused !== null) throw new RoleError(refused);
    const { address } = hosts.upstream;
    const { port } = await this.role.ask('open', {
      seed: trial.seed,
      listen: { host: address, port: 0 },
      clientNetwork: networkOf(hosts.downstream, hosts.upstream),
      forwarderNetwork: networkOf(hosts.forwarder, hosts.upstream),
      receiveBuffer: this.workload.server.rcvbuf ?? 0,
      sendBuffer: this.workload.server.sndbuf ?? 0,
      segment: this.workload.server.mss ?? 0,
    });
    this.entry = await forwarder.open({ host: address, port });
  }

  /** Plays rounds with one size. */
  async play(size: number, rounds: number): Promise<Played[]> {
    const { client, server, connections, prefix } = this.workload;
    if (this.entry === null) throw new RoleError('script: not open');
    const run = {
      address: this.entry,
      direct: this.setting.trial.forwarder.use === 'direct',
      prefix: prefix ?? ('' as const),
      connections,
      rounds,
      firstNumber: this.next,
      client: compileEnd(client, server, size),
      server: compileEnd(server, client, size),
    };
    this.next = (this.next + rounds * connections) % NUMBERS;
    const records = await this.role.ask('run', run, this.longest(rounds));
    return records.map((conversation) => ({ size, conversation }));
  }

  /** How many rounds may be asked for at once. */
  get batch(): number {
    return Math.max(1, Math.floor(BATCH / this.workload.connections));
  }

  close(): Promise<void> {
    return this.role.close();
  }

  /** Every step is bounded, so that is the whole. Seconds. */
  private longest(rounds: number): number {
    const { client, server, connections } = this.workload;
    const steps = [...client.steps, ...server.steps];
    const each = steps.reduce((sum, step) => sum + step.within + step.for, 0);
    return rounds * (each + 5 * connections) + 10;
  }
}

/** Why scripts do not run on a topology; null where they do. */
function refusedTopology(kind: string): string | null {
  if (kind !== 'hosts') return null;
  return `a script needs both ends and all queues within reach of one process: topology loopback, veth or nic, not ${kind}`;
}

/** How the process of another host enters this one's network; '' = it is there. */
function networkOf(host: Host, from: Host): string {
  if (host === from || host.networkPid === null) return '';
  return `/proc/${host.networkPid}/ns/net`;
}
