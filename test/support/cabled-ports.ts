/**
 * A network namespace that plays a machine with ports: pairs of veth are the cables, a bridge in a
 * second namespace is the switch. Both are held by a pipe from here and end with the test, and the
 * host never sees any of it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readlinkSync, rmSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './process.js';

const HARDWARE = { near: '02:00:5e:00:00:01', far: '02:00:5e:00:00:02' };
const SWITCHED = ['sw1', 'sw2', 'sw3'];

export class CabledPorts {
  private constructor(
    private readonly machine: ChildProcess,
    private readonly across: ChildProcess,
  ) {}

  /** Two namespaces; `machine` has its loopback up. */
  static async make(t: TestContext): Promise<CabledPorts> {
    const own = networkOf(process.pid);
    const held = [holder(), holder()] as const;
    const ports = new CabledPorts(...held);
    t.after(() => {
      const [, inode = '0'] = /(\d+)/.exec(networkOf(held[0].pid)) ?? [];
      for (const child of held) child.stdin?.end();
      // Of ports that were destroyed with the machine; nobody will ever put them back.
      for (const name of ['near', 'far', ...SWITCHED]) {
        rmSync(`/run/splicebench/ports/${inode}-${name}.json`, { force: true });
      }
    });
    const apart = ({ pid }: ChildProcess) => !['', own].includes(networkOf(pid));
    await until('two namespaces', () => held.every(apart));
    ports.run('ip', 'link', 'set', 'lo', 'up');
    return ports;
  }

  /** Two ports, `near` and `far`, back to back: the first with everything that a port can have. */
  async backToBack(): Promise<void> {
    this.cable();
    this.run('ip', 'addr', 'add', '10.1.1.1/24', 'broadcast', '10.1.1.255', 'dev', 'near');
    this.run('ip', 'addr', 'add', '10.1.2.1/24', 'dev', 'near', 'noprefixroute');
    this.run('ip', 'addr', 'add', 'fd00:7::1/64', 'dev', 'near', 'nodad');
    this.run('ip', 'link', 'set', 'near', 'mtu', '1400', 'up');
    this.run('ip', 'route', 'add', '10.7.0.0/16', 'via', '10.1.1.2', 'metric', '77');
    this.run('ip', '-6', 'route', 'add', 'fd00:8::/64', 'via', 'fd00:7::2');
    this.run('sh', '-c', 'echo 2 >/proc/sys/net/ipv4/conf/near/rp_filter');
    // `far` stays down: that, too, is a state to come back to.
    this.run('ip', 'addr', 'add', '10.1.3.1/24', 'dev', 'far');
    await sleep(0);
  }

  /** The pair alone, as a card that came home bare. */
  cable(): void {
    const pair = `ip link add near address ${HARDWARE.near} type veth peer name far address ${HARDWARE.far}`;
    this.run(...pair.split(' '));
  }

  /** Three ports on a switch. */
  switched(): void {
    this.inSwitch('ip', 'link', 'add', 'br0', 'type', 'bridge');
    this.inSwitch('ip', 'link', 'set', 'br0', 'up');
    for (const name of SWITCHED) {
      this.run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `x${name}`);
      this.run('ip', 'link', 'set', `x${name}`, 'netns', String(this.across.pid));
      this.inSwitch('ip', 'link', 'set', `x${name}`, 'master', 'br0', 'up');
    }
  }

  /** argv that runs something on the machine. */
  on(...argv: string[]): string[] {
    return [...entering(this.machine), ...argv];
  }

  /** Runs something on the machine to its end. */
  run(...argv: string[]): string {
    return output(this.on(...argv));
  }

  inSwitch(...argv: string[]): string {
    return output([...entering(this.across), ...argv]);
  }

  /**
   * Everything that must be the same afterwards. The kernel's numbers and countdowns are left out, and
   * in which of its ways a port that is down is down.
   */
  state(): unknown {
    const links = JSON.parse(this.run('ip', '-j', '-d', 'addr')) as Record<string, unknown>[];
    const kept = links.map(({ ifname, flags, mtu, address, addr_info: addresses }) => ({
      ...{ ifname, flags, mtu, address },
      addresses: (addresses as object[])
        .map((one) => JSON.stringify({ ...one, tentative: undefined }))
        .sort(),
    }));
    const routes = ['-4', '-6'].map((family) =>
      this.run('ip', family, 'route', 'show', 'table', 'all').split('\n').map(withoutSpace).sort(),
    );
    const filter = this.run('sh', '-c', 'cat /proc/sys/net/ipv4/conf/*/rp_filter');
    const byName = kept.sort((a, b) => String(a.ifname).localeCompare(String(b.ifname)));
    return { links: byName, routes, filter };
  }
}

function withoutSpace(line: string): string {
  return line.replace(/\s+/g, ' ').trim();
}

function holder(): ChildProcess {
  return spawn('unshare', ['--net', '--', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
}

function entering({ pid }: ChildProcess): string[] {
  return ['nsenter', `--target=${pid ?? 0}`, '--net', '--'];
}

function output([program = '', ...args]: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' });
}

function networkOf(pid: number | undefined): string {
  try {
    return readlinkSync(`/proc/${pid ?? 0}/ns/net`);
  } catch {
    return '';
  }
}
