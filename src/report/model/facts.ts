import type {
  HostEnvironment,
  InterfaceEnvironment,
} from '../../data/record/environment-record.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';
import type { RunManifest, TrialRecord } from '../../data/record/record.js';
import { isUsable } from '../../experiment/verdict/summary.js';
import { askedCongestion } from './stored-scenarios.js';
import { checkText } from '../../experiment/verdict/condition.js';
import type { Fact } from './document-blocks.js';
import type { RunReport } from './report-types.js';
import {
  UNAVAILABLE,
  bytes,
  count,
  cpusText,
  duration,
  listed,
  plural,
} from '../../base/units/quantity.js';

/** What could not be measured, of which forwarders, and why. */
export interface Missing {
  what: string;
  forwarders: string[];
  reason: string;
}

/** One line that says where figures come from: the run, how long it took, and on what. */
export function runText(manifest: RunManifest): string {
  const seconds = secondsOf(manifest);
  const [host] = manifest.environment;
  return [
    `run ${manifest.run_id}`,
    `splicebench ${manifest.splicebench}`,
    seconds === null ? 'did not finish' : duration(seconds),
    ...(host === undefined
      ? []
      : [host.kernel, `${host.cpu_model ?? 'unknown CPU'}, ${plural(host.cpus, 'CPU')}`]),
  ].join(', ');
}

/** null for a run that did not finish. */
function secondsOf({ started, finished, interrupted }: RunManifest): number | null {
  return finished === null || interrupted
    ? null
    : (Date.parse(finished) - Date.parse(started)) / 1e3;
}

/** How the run was made: the plan as it was carried out. */
export function runFacts(report: RunReport): Fact[] {
  const { manifest, trials } = report;
  const seconds = secondsOf(manifest);
  const ended = seconds === null ? 'did not finish' : `took ${duration(seconds)}`;
  return [
    ['run', manifest.run_id],
    ['splicebench', manifest.splicebench],
    ['started', `${manifest.started}, ${ended}`],
    ['trials', `${count(trials.length)}, each set with fresh processes`],
    ['order', `random inside blocks, seed ${manifest.seed}`],
    ...report.cells.map((cell): Fact => {
      const why = cell.stopping ?? `after ${plural(cell.blocks, 'block')}, no reason stored`;
      return [`stopped, ${cell.title}, ${checkText(cell)}`, why];
    }),
    ...turnFacts(trials),
    ['CPUs', placements(trials)],
    ['system calls counted by', syscallSources(trials)],
    ...latencyFacts(trials),
  ];
}

/** Who took turns and who ran alone, and why. Nothing of runs that knew no turns. */
function turnFacts(trials: readonly TrialRecord[]): Fact[] {
  const sets = new Set(trials.flatMap(({ set }) => set?.id ?? []));
  const reasons = new Map<string, Set<string>>();
  for (const { ran_alone: reason, forwarder } of trials) {
    if (reason === undefined) continue;
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(forwarder));
  }
  return [
    ...(sets.size === 0
      ? []
      : [['forwarders took turns in', plural(sets.size, 'set')] satisfies Fact]),
    ...[...reasons].map(([reason, who]): Fact => ['ran alone', `${listed([...who])}: ${reason}`]),
  ];
}

/** One host: what was under the traffic. */
export function hostFacts(report: RunReport, host: HostEnvironment): Fact[] {
  const others = Object.entries(host.sysctls).filter(
    ([name]) => !name.endsWith('.tcp_congestion_control'),
  );
  return [
    ['kernel', host.kernel],
    ['kernel command line', host.command_line ?? UNAVAILABLE],
    ['CPU', `${host.cpu_model ?? 'model unavailable'}, ${plural(host.cpus, 'CPU')}`],
    ['frequency governor', orReason(host, 'governor')],
    ['turbo', orReason(host, 'turbo')],
    ['SMT', orReason(host, 'smt')],
    ['memory', bytes(host.memory_bytes)],
    ['congestion control', congestionText(report, host)],
    [
      'network namespace',
      host.private_namespace
        ? "the run's own, so its settings hold for every forwarder alike"
        : "the host's: its settings and its other traffic take part",
    ],
    ...Object.entries(host.receiving ?? {}).map(([name, cpus]): Fact => [
      `what ${name} receives`,
      `steered to ${cpusText(cpus)}, read back`,
    ]),
    ...(host.interfaces ?? []).map(interfaceFact),
    ['node', host.node],
    ...mitigationFacts(host.mitigations),
    ...others.map(([name, value]): Fact => [name, value]),
  ];
}

/**
 * What the sockets used. In a namespace of its own the run sets what the scenario asks for, by sysctl
 * or, where that is not allowed, by route; then the sysctl still names the host's. A run that could do
 * neither says so among the host's limits.
 */
function congestionText({ manifest }: RunReport, host: HostEnvironment): string {
  const sysctl = host.sysctls['net.ipv4.tcp_congestion_control'] ?? null;
  const asked = askedCongestion(manifest);
  const refused = host.limits.some((limit) => limit.startsWith('congestion control is not'));
  if (!host.private_namespace || refused || asked.length === 0) return sysctl ?? UNAVAILABLE;
  const others = asked.length === 1 && asked[0] === sysctl ? '' : ', set for the run';
  return `${listed(asked)}${others}`;
}

/** The value, or why there is none. */
function orReason(host: HostEnvironment, name: 'governor' | 'turbo' | 'smt'): string {
  const reason = host.unavailable?.[name];
  return host[name] ?? (reason === undefined ? UNAVAILABLE : `${UNAVAILABLE} (${reason})`);
}

function interfaceFact(one: InterfaceEnvironment): Fact {
  const offloads = Object.entries(one.offloads ?? {}).map(([name, state]) => `${name} ${state}`);
  const parts = [
    one.driver ?? 'driver unavailable',
    `MTU ${one.mtu === null ? UNAVAILABLE : count(one.mtu)}`,
    ...(one.speed === null ? [] : [one.speed]),
    ...(one.numa_node === null ? [] : [`NUMA node ${one.numa_node}`]),
    ...interruptPart(one),
    ...(offloads.length === 0 ? ['offloads unavailable'] : offloads),
  ];
  const [part = ''] = one.host.split(' ');
  return [`interface ${one.name} of ${part}`, parts.join(', ')];
}

/** "12 interrupts on CPUs 0, 2": where they are served, or may be where nothing says so. */
function interruptPart({ interrupts }: InterfaceEnvironment): string[] {
  const all = Object.values(interrupts ?? {});
  const places = all.flatMap(({ allowed, effective }) => effective ?? allowed ?? []);
  if (all.length === 0) return [];
  const where = places.length === 0 ? UNAVAILABLE : [...new Set(places)].join(', ');
  return [`${plural(all.length, 'interrupt')} on CPUs ${where}`];
}

/** Those that cost something by name; the rest in one line, since most hosts list a dozen. */
function mitigationFacts(mitigations: Readonly<Record<string, string>>): Fact[] {
  const all = Object.entries(mitigations);
  const idle = all.filter(([, state]) => state === NOT_AFFECTED).map(([name]) => name);
  const active = all.filter(([, state]) => state !== NOT_AFFECTED);
  return [
    ...active.map(([name, state]): Fact => [`mitigation ${name}`, state]),
    ...(idle.length === 0 ? [] : [['not affected by', idle.join(', ')] satisfies Fact]),
  ];
}

/** As the kernel words it. */
const NOT_AFFECTED = 'Not affected';

/** How each forwarder ran: version and the settings it got. */
export function forwarderFacts(report: RunReport): Fact[] {
  return report.forwarders.flatMap((label): Fact[] => {
    const rows = report.cells.flatMap((cell) => cell.rows.filter((row) => row.forwarder === label));
    const version = rows.find((row) => row.version !== null)?.version;
    const detail = rows.find((row) => Object.keys(row.detail).length > 0)?.detail ?? {};
    const settings = Object.entries(detail).map(([name, value]) => `${name} ${String(value)}`);
    const parts = [...(version == null ? [] : [version]), ...settings];
    return parts.length === 0 ? [] : [[label, parts.join(', ')]];
  });
}

/** What the run cannot say, plainly: a reader must not take it for more than it is. */
export function limitations(report: RunReport): string[] {
  const has = (kind: string) => report.cells.some((cell) => cell.topology === kind);
  const limits = [
    ...(has('loopback') ? LOOPBACK_LIMITS : []),
    ...(has('veth') ? VETH_LIMITS : []),
    ...(steersForwarder(report) ? RECEIVE_LIMITS : []),
    ...(has('loopback') || has('veth') || has('nic') ? SHARED_LIMITS : []),
    ...(has('hosts') ? HOSTS_LIMITS : []),
    ...(has('nic') ? NIC_LIMITS : []),
    ...(report.trials.some(({ emulated }) => emulated === true) ? EMULATED_LIMITS : []),
  ];
  const rows = report.cells.flatMap((cell) => cell.rows);
  const pairs = rows.map(({ detail }) => detail['pairs']).find((count) => count !== undefined);
  if (pairs !== undefined) {
    limits.push(
      `${pairs} pairs of source and sink ran at the same time, each through a process of its own of the same forwarder, on the forwarder's CPUs. Figures are totals of all pairs. One process that serves all pairs would need fewer context switches.`,
    );
  }
  if (rows.some((row) => row.figures.goodput.lowerBound)) {
    limits.push(
      'Where a ratio is marked as a lower bound (≥), the link, or a source or sink on a host of its own, was busy before the forwarder was: a faster forwarder would not have shown.',
    );
  }
  if (rows.some((row) => row.figures.goodput.coLimited)) {
    limits.push(
      'Where a ratio is marked as co-limited (†), source or sink was busy before the forwarder was, on the host that they share. The forwarder decides what they pay there (wake-ups, soft interrupts, cold caches), so that is no proof that it could go faster: CPU per GB decides, that of the whole system first.',
    );
  }
  if (report.total.checkedTrials > 0 && report.total.incidents === 0) {
    limits.push(
      'Finding nothing gives a bound on the rate; it does not prove that there is no corruption. The bound per TB assumes independent faults; corruption comes in bursts, so the numbers of trials and connections count as well.',
    );
  }
  return [...limits, ...report.manifest.environment.flatMap((host) => host.limits)];
}

const LOOPBACK_LIMITS = [
  'Loopback is memory on one machine: no network card, driver, interrupt or DMA takes part. Gbps here are not what a wire would carry, and a fault that needs a real driver cannot show; the one of 2008 was seen with tg3, ixgbe and sky2 cards.',
  'Segments of up to 64 KiB cross loopback whole, so the cost per packet is smaller than on Ethernet. That favours zero copy.',
];

const VETH_LIMITS = [
  'veth is emulated: three network namespaces of one kernel, without a network card, a wire, DMA or interrupts of a device. It shows what MTU, offloads and a rate limit do to forwarding, not what a given card does; nothing here is evidence for a network card.',
  "A veth pair hands a packet over in the sender's time: much of what receiving costs is done on the CPU of whoever sends, and with offloads on a packet of up to 64 KiB crosses whole, which no wire carries.",
  'Where the forwarder is direct, the packets are routed through its namespace over both links.',
];

const RECEIVE_LIMITS = [
  'With receive=forwarder the forwarder pays for what it receives itself. What it sends is still received by source and sink in its time, and what GRO merges is merged where it was sent: with a card each end would pay for its own.',
];

function steersForwarder({ manifest }: RunReport): boolean {
  return manifest.environment.some(({ receiving = {} }) =>
    Object.keys(receiving).some((name) => name !== 'lo'),
  );
}

const HOSTS_LIMITS = [
  "Each host measures by its own clock, and rates are compared, not instants. CPU time of the system is the sum of all machines of the trial, so that what the ends cost is part of it; the forwarder's own is in its column.",
  "Congestion control, buffers, offloads and interrupts are the hosts' own: a run changes none of them. What else runs on the hosts, or crosses their interfaces, takes part.",
];

const NIC_LIMITS = [
  "Each port was in a network namespace of its own, so that the data crossed what lies between them. Rings, coalescing, interrupts and, where the scenario did not set them, MTU and offloads were the ports' own; run.json has them.",
];

/** Of trials on hosts and ports that are none of what these are for. */
const EMULATED_LIMITS = [
  'In trials marked as emulated, parts that talk to each other share a machine, with no network card between them: a port or an address has no device behind it, or both are in one network namespace. No wire was crossed, CPUs and memory were shared, and nothing is evidence for a network card.',
];

/** Of every topology on one machine. */
const SHARED_LIMITS = [
  'Source, forwarder and sink share the CPUs, their caches and the memory bandwidth. Ratios inside one block hold better than figures in Gbps, which drift with the machine.',
];

/**
 * Figures that are missing, grouped by what and why. Trials that came to no end are told elsewhere,
 * and that `check: none` checks nothing needs no telling.
 */
export function missing(report: RunReport): Missing[] {
  return [...leftOut(report), ...missingFigures(report)];
}

/** Forwarders that were left out, of all conditions or of one. */
function leftOut({ manifest }: RunReport): Missing[] {
  return (manifest.unavailable ?? []).map(({ forwarder, cell, scenario, reason }) => ({
    what: `all figures${cell === null ? ` in ${scenario}` : ` in ${cell}`}`,
    forwarders: [forwarder],
    reason,
  }));
}

function missingFigures(report: RunReport): Missing[] {
  const found = new Map<string, Missing>();
  for (const trial of report.trials.filter(isUsable)) {
    for (const [column, reason] of Object.entries(trial.unavailable)) {
      if (trial.check === 'none' && CHECKED.has(column)) continue;
      const key = JSON.stringify([column, reason]);
      const item = found.get(key) ?? { what: column, forwarders: [], reason };
      if (!item.forwarders.includes(trial.forwarder)) item.forwarders.push(trial.forwarder);
      found.set(key, item);
    }
  }
  const byReason = new Map<string, Missing>();
  for (const { what, forwarders, reason } of found.values()) {
    const ordered = report.forwarders.filter((label) => forwarders.includes(label));
    const key = JSON.stringify([ordered, reason]);
    const item = byReason.get(key);
    if (item === undefined) byReason.set(key, { what, forwarders: ordered, reason });
    else item.what += `, ${what}`;
  }
  return [...byReason.values()];
}

const CHECKED: ReadonlySet<string> = new Set([
  'verified_bytes',
  'incidents',
  'corrupted_bytes',
  'missing_bytes',
  'extra_bytes',
] satisfies (keyof TrialColumns)[]);

/** "all forwarders" when nothing distinguishes them, else their names. */
export function whose(item: Missing, report: RunReport): string {
  return item.forwarders.length === report.forwarders.length &&
    item.forwarders.every((label) => report.forwarders.includes(label))
    ? 'all forwarders'
    : listed(item.forwarders);
}

function placements(trials: readonly TrialRecord[]): string {
  const texts = trials.map(({ placement }) =>
    Object.entries(placement)
      .map(([role, cpus]) => `${role} on ${cpus.length === 0 ? 'any' : cpus.join(', ')}`)
      .join('; '),
  );
  const distinct = [...new Set(texts.filter((text) => text !== ''))];
  return distinct.length === 0 ? UNAVAILABLE : distinct.join(' / ');
}

const SOURCES = {
  perf: 'kernel tracepoints',
  own: "the forwarder's own counters",
  strace: 'a separate trial under strace',
} as const;

const LATENCIES = {
  sent: 'from when a request was sent (a closed loop): what a slow forwarder delays is not in them',
  due: 'from when a request was due (an open loop)',
  corrected:
    'from when a request was sent, corrected for coordinated omission: with those that a slow answer kept from being sent',
} as const;

/** Which latencies the percentiles are of; none where none were measured. */
function latencyFacts(trials: readonly TrialRecord[]): [string, string][] {
  const found = new Set(trials.flatMap(({ latency_of: of }) => of ?? []));
  return found.size === 0 ? [] : [['latencies', listed([...found].map((of) => LATENCIES[of]))]];
}

function syscallSources(trials: readonly TrialRecord[]): string {
  const sources = new Set(trials.map((trial) => trial.syscall_source));
  const texts = [...sources].flatMap((source) => (source === null ? [] : [SOURCES[source]]));
  return texts.length === 0 ? UNAVAILABLE : listed(texts);
}
