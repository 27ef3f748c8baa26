/**
 * Four network namespaces as four machines: `control`, where splicebench runs, and source, forwarder
 * and sink, each with an sshd of its own. Keys and configuration lie in a folder of the lab's own;
 * everything ends with the process that made it, since every part is held by a pipe from here.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from './folder.js';
import { GONE_WITHIN, markedProcesses, MARK } from './leaks.js';
import { killById, until } from './process.js';

export const PARTS = ['source', 'forwarder', 'sink'] as const;
export type Part = (typeof PARTS)[number];

/** Where each part is reached by the others, and by ssh. */
export const ADDRESS: Record<Part, string> = {
  source: '198.18.0.1',
  forwarder: '198.18.1.1',
  sink: '198.18.1.2',
};
const CONTROL: Record<Part, string> = {
  source: '198.18.8.2',
  forwarder: '198.18.9.2',
  sink: '198.18.10.2',
};

export class LabHosts {
  /** Carried by whatever a login starts. */
  readonly mark = `lab-${process.pid}-${Date.now()}`;
  readonly folder: string;
  private readonly removeFolder: () => void;
  private readonly held: ChildProcess[] = [];
  private readonly pids = {} as Record<Part | 'control', number>;

  constructor() {
    const { folder, remove } = scratchFolder();
    this.folder = folder;
    this.removeFolder = remove;
  }

  /** Makes namespaces, links, keys and the three sshd. */
  async start(): Promise<void> {
    for (const name of ['control', ...PARTS] as const) this.pids[name] = this.hold(name);
    await until('four namespaces', () => this.allApart());
    for (const part of PARTS) this.link('control', `to-${part}`, part, 'control', CONTROL[part]);
    this.link('forwarder', 'to-source', 'source', 'to-forwarder', ADDRESS.source, '198.18.0.2');
    this.link('forwarder', 'to-sink', 'sink', 'to-forwarder', ADDRESS.sink, ADDRESS.forwarder);
    this.inside('forwarder', 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    this.inside('source', 'ip', 'route', 'add', '198.18.1.0/24', 'via', '198.18.0.2');
    this.inside('sink', 'ip', 'route', 'add', '198.18.0.0/24', 'via', ADDRESS.forwarder);
    this.makeKeys();
    for (const part of PARTS) {
      this.sshd(
        part,
        22,
        `SetEnv ${MARK}=${this.mark} PATH=${process.env['PATH'] ?? ''} XDG_CACHE_HOME=${this.cache(part)}`,
      );
    }
    for (const part of PARTS) await until(`sshd of ${part}`, () => this.listens(part, 22));
  }

  /** argv that runs something where splicebench is to run. */
  control(...argv: string[]): string[] {
    return [...this.prefix('control'), ...argv];
  }

  /** argv that enters a part's network. */
  prefix(part: Part | 'control'): string[] {
    return ['nsenter', `--target=${this.pids[part]}`, '--net', '--'];
  }

  /** A host of a scenario, over ssh. */
  ssh(part: Part, changes: Record<string, unknown> = {}): Record<string, unknown> {
    const upstream = part === 'forwarder' ? { 'upstream-address': '198.18.0.2' } : {};
    const base = { ssh: part, options: ['-F', this.config], address: ADDRESS[part] };
    return { ...base, ...upstream, ...changes };
  }

  get config(): string {
    return join(this.folder, 'ssh_config');
  }

  cache(part: Part): string {
    return join(this.folder, `cache-${part}`);
  }

  /** Runs something in a part's network to its end. */
  inside(part: Part | 'control', ...argv: string[]): string {
    const [program = '', ...args] = [...this.prefix(part), ...argv];
    return execFileSync(program, args, { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' });
  }

  /** Starts something in a part's network that ends with the lab. */
  background(part: Part, ...argv: string[]): void {
    this.held.push(this.spawn([...this.prefix(part), ...argv]));
  }

  /** An sshd on a further port, with further lines of configuration; `Host NAME` reaches it. */
  sshd(part: Part, port: number, ...lines: string[]): void {
    const file = join(this.folder, `sshd_config-${part}-${port}`);
    const keys = lines.some((line) => line.startsWith('AuthorizedKeysFile'))
      ? []
      : [`AuthorizedKeysFile ${join(this.folder, 'user.pub')}`];
    const settings = [
      `Port ${port}`,
      `HostKey ${join(this.folder, 'host')}`,
      ...keys,
      `PidFile none`,
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      ...lines,
    ];
    writeFileSync(file, `${settings.join('\n')}\n`);
    // A /run of its own: sshd wants a folder there, and the host's is not to be touched.
    const script = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"';
    this.background(
      part,
      'unshare',
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      '/usr/sbin/sshd',
      '-D',
      '-e',
      '-f',
      file,
    );
  }

  listens(part: Part, port: number): boolean {
    return this.inside(part, 'ss', '-Hltn', `sport = :${port}`).trim() !== '';
  }

  /** Roles that run on the hosts, by name. */
  roles(): { pid: number; name: string }[] {
    return markedProcesses(this.mark).flatMap(({ pid, command }) => {
      const at = command.indexOf('role');
      const isNode = command[0]?.endsWith('node') === true;
      return at > 0 && isNode ? [{ pid, name: command[at + 1] ?? '' }] : [];
    });
  }

  /** Fails when something that a login has started still lives after some time. */
  async assertNothingLeft(): Promise<void> {
    const left = () =>
      markedProcesses(this.mark).map(({ pid, command }) => `${pid} ${command.join(' ')}`);
    await until(
      'nothing is left on the hosts',
      () => left().length === 0,
      GONE_WITHIN,
      () => left().join('\n'),
    );
  }

  async end(): Promise<void> {
    for (const child of this.held.reverse()) {
      child.stdin?.end();
      child.kill('SIGKILL');
    }
    for (const { pid } of markedProcesses(this.mark)) killById(pid);
    await until('the lab has ended', () =>
      this.held.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null),
    );
    this.removeFolder();
  }

  private hold(name: string): number {
    const child = this.spawn([
      'unshare',
      '--net',
      '--',
      'sh',
      '-c',
      `ip link set lo up; exec cat # ${name}`,
    ]);
    this.held.push(child);
    return child.pid ?? 0;
  }

  private spawn([program = '', ...args]: string[]): ChildProcess {
    // Killed with this process, however that ends.
    return spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
      stdio: ['pipe', 'ignore', process.env['LAB_VERBOSE'] === undefined ? 'ignore' : 'inherit'],
      detached: true,
    });
  }

  private allApart(): boolean {
    return Object.values(this.pids).every((pid) => {
      try {
        const argv = ['--target', String(pid), '--net', '--', 'ip', '-o', 'link', 'show', 'up'];
        const links = execFileSync('nsenter', argv, { encoding: 'utf8', stdio: 'pipe' });
        return links.trim().split('\n').length === 1 && links.includes('lo:');
      } catch {
        return false;
      }
    });
  }

  /** Joins two namespaces; the second end has the address, the first one the network's other one. */
  private link(
    a: Part | 'control',
    nameA: string,
    b: Part,
    nameB: string,
    address: string,
    other = address.replace(/\.\d+$/, '.1'),
  ): void {
    const pair = ['ip', 'link', 'add', nameA, 'type', 'veth', 'peer', 'name', nameB];
    this.inside(a, ...pair, 'netns', String(this.pids[b]));
    this.inside(a, 'ip', 'addr', 'add', `${other}/24`, 'dev', nameA);
    this.inside(b, 'ip', 'addr', 'add', `${address}/24`, 'dev', nameB);
    this.inside(a, 'ip', 'link', 'set', nameA, 'up');
    this.inside(b, 'ip', 'link', 'set', nameB, 'up');
  }

  private makeKeys(): void {
    for (const name of ['host', 'user']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(this.folder, name)]);
    }
    const key = execFileSync('cut', ['-d', ' ', '-f', '1,2', join(this.folder, 'host.pub')], {
      encoding: 'utf8',
    }).trim();
    for (const part of PARTS) mkdirSync(this.cache(part));
    const known = PARTS.map((part) => `${CONTROL[part]},[${CONTROL[part]}]:* ${key}`);
    writeFileSync(join(this.folder, 'known_hosts'), `${known.join('\n')}\n`);
    const hosts = PARTS.map((part) => `Host ${part}\n  HostName ${CONTROL[part]}`);
    const common = [
      'Host *',
      '  User root',
      `  IdentityFile ${join(this.folder, 'user')}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${join(this.folder, 'known_hosts')}`,
      '  GlobalKnownHostsFile /dev/null',
    ];
    writeFileSync(this.config, `${[...hosts, ...common].join('\n')}\n`);
  }
}
