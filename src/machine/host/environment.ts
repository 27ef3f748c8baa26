/** What a host is, for run.json: everything a reader needs to judge a figure. */
import { packageVersion } from '../../base/process/package-root.js';
import { cpus, release, totalmem, version } from 'node:os';
import { x } from 'tinyexec';
import type { HostEnvironment } from '../../data/record/environment-record.js';
import { buildDigest } from './build-digest.js';
import {
  CPU_FACT_PLACES,
  cpuNumbers,
  governorsOf,
  mitigationsOf,
  smtOf,
  turboOf,
} from './cpu-facts.js';
import { type FileReader, localFiles } from '../../base/process/files.js';
import type { Host } from './host.js';
import { measuringParameters } from './kernel-parameters.js';

/** Settings that decide how TCP and pipes behave. Read where the traffic runs. */
const SYSCTLS = [
  'net.ipv4.tcp_congestion_control',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
  'net.ipv4.tcp_mem',
  'net.core.rmem_max',
  'net.core.wmem_max',
  'net.core.default_qdisc',
  'net.ipv4.tcp_no_metrics_save',
  'net.ipv4.tcp_notsent_lowat',
  'net.ipv4.tcp_moderate_rcvbuf',
  'net.ipv4.tcp_slow_start_after_idle',
  'net.ipv4.tcp_autocorking',
  'net.ipv4.tcp_limit_output_bytes',
  'net.ipv4.tcp_timestamps',
  'net.ipv4.tcp_sack',
  'net.core.netdev_max_backlog',
  'net.core.netdev_budget',
  'net.core.busy_poll',
  'net.core.busy_read',
  'fs.pipe-max-size',
  'fs.pipe-user-pages-soft',
  'fs.pipe-user-pages-hard',
];

/** Captures a host's environment. What cannot be read is null or absent, with the reason. */
export async function captureEnvironment(host: Host): Promise<HostEnvironment> {
  if (host.observer !== undefined) return host.observer.ask('environment', host.name);
  const processors = cpus();
  const settings = await sysctls(host);
  const facts = hostFactsOf(localFiles);
  return {
    host: host.name,
    kernel: `${release()} ${version()}`,
    cpu_model: processors[0]?.model ?? null,
    cpus: processors.length,
    memory_bytes: totalmem(),
    ...facts,
    unavailable: { ...facts.unavailable, ...unreadable(settings) },
    sysctls: settings,
    node: process.version,
    splicebench: packageVersion(),
    build: buildDigest(),
    private_namespace: host.isolated,
    ...receivingOf(host),
    limits: [...host.limits],
  };
}

function receivingOf({ receiving }: Host): Pick<HostEnvironment, 'receiving'> {
  if (receiving === undefined) return {};
  const copied = Object.entries(receiving).map(([name, cpus]): [string, number[]] => [
    name,
    [...cpus],
  ]);
  return { receiving: Object.fromEntries(copied) };
}

type FileFacts = Pick<
  HostEnvironment,
  'command_line' | 'governor' | 'turbo' | 'smt' | 'irqbalance' | 'mitigations'
> & { unavailable: Record<string, string> };

/** The facts that lie in files of the whole host. */
export function hostFactsOf(files: FileReader): FileFacts {
  const commandLine = files.text('/proc/cmdline');
  const governors = governorsOf(files, cpuNumbers(files));
  const turbo = turboOf(files);
  const facts = {
    command_line: commandLine === null ? null : measuringParameters(commandLine),
    governor: governors.length === 0 ? null : governors.join(', '),
    turbo: turbo === null ? null : turbo ? ('on' as const) : ('off' as const),
    smt: smtOf(files),
  };
  const places = { command_line: '/proc/cmdline', ...CPU_FACT_PLACES };
  const unavailable = Object.entries(places).flatMap(([name, place]): [string, string][] =>
    facts[name as keyof typeof facts] === null ? [[name, `${place} cannot be read`]] : [],
  );
  return {
    ...facts,
    irqbalance: hasProcess(files, 'irqbalance') ? 'running' : 'not seen',
    mitigations: mitigationsOf(files),
    unavailable: Object.fromEntries(unavailable),
  };
}

/** Whether a process of this name runs, as far as /proc shows: a container does not see its host's. */
function hasProcess(files: FileReader, name: string): boolean {
  const pids = files.list('/proc').filter((one) => /^\d+$/.test(one));
  return pids.some((pid) => files.text(`/proc/${pid}/comm`) === name);
}

/** Read by one process inside the host's namespace: /proc/sys/net shows the reader's own. */
async function sysctls(host: Host): Promise<Record<string, string>> {
  const files = SYSCTLS.map(sysctlFile);
  const script = 'for f; do printf "%s\\t" "$f"; cat "$f" 2>/dev/null || echo; done';
  const [program = '', ...args] = [...host.prefix, 'sh', '-c', script, 'sh', ...files];
  const found: Record<string, string> = {};
  try {
    const { stdout } = await x(program, args, { timeout: 5000 });
    for (const line of stdout.split('\n')) {
      const [file = '', ...value] = line.split('\t');
      const text = value.join(' ').trim();
      if (text !== '') found[file.slice('/proc/sys/'.length).replaceAll('/', '.')] = text;
    }
  } catch {
    // The run goes on without them; each is named as unreadable.
  }
  return found;
}

function sysctlFile(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`;
}

/** A namespace does not show all that the host has. */
function unreadable(settings: Readonly<Record<string, string>>): Record<string, string> {
  const absent = SYSCTLS.filter((name) => settings[name] === undefined);
  return Object.fromEntries(
    absent.map((name) => [`sysctl ${name}`, `${sysctlFile(name)} cannot be read there`]),
  );
}
