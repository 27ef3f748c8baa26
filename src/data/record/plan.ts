import type { ScriptPlan } from './script-plan.js';
import type { Check, Pages, Payload, Prefix, StreamDirection } from './words.js';

/** Where the traffic runs. */
export type Topology = LoopbackTopology | VethTopology | HostsTopology | NicTopology;

/** What every topology has. */
interface Condition {
  /** Congestion control for every socket of the trial. */
  congestion: string;
  /** Further sysctls of the private namespaces, name to value. */
  sysctls: Record<string, string>;
}

/** All parts in one namespace. */
export interface LoopbackTopology extends Condition {
  kind: 'loopback';
  /** The CPU on which everybody's receiving is done; absent = as the kernel does it. */
  receive?: number;
}

/** Each part in a namespace of its own: upstream, veth pair, forwarder, veth pair, downstream. */
export interface VethTopology extends Condition {
  kind: 'veth';
  /** Bytes. */
  mtu: number;
  /** Offloads of every interface. */
  tso: boolean;
  gso: boolean;
  gro: boolean;
  /** Transmit and receive. */
  checksum: boolean;
  /** Transmit and receive queues of every interface. */
  queues: number;
  /** Bits per second of each link and direction; null = as fast as it goes. */
  rate: number | null;
  /** Queueing discipline that keeps to the rate. */
  shaper: 'tbf' | 'htb';
  /** What arrives at the forwarder is received on its own CPUs; absent = as the kernel does it. */
  receive?: 'forwarder';
}

/** Each part on a host of its own, or several on one: whatever starts a program there. */
export interface HostsTopology {
  kind: 'hosts';
  /** The virtual machine that all of them are in, as `vm:e1000e` with its network card; absent = none. */
  machine?: string;
  /** The hosts' own: a run changes no setting of theirs. */
  congestion: null;
  sysctls: Record<string, never>;
  /** As many as there are sinks: the first source and the first sink are a pair, and so on. */
  source: HostSpec[];
  forwarder: HostSpec;
  sink: HostSpec[];
}

/** Ports of this machine, cabled to each other, each in a namespace of its own. */
export interface NicTopology extends Condition {
  kind: 'nic';
  /** As of `hosts`. */
  machine?: string;
  seats: NicSeat[];
  /** Bytes; null = as the port has it. */
  mtu: number | null;
  /** Offloads of every port; null = as the port has it. */
  tso: boolean | null;
  gso: boolean | null;
  gro: boolean | null;
  checksum: boolean | null;
  /** The user's permission to take ports that something depends on. */
  takeBusyPorts: boolean;
}

/** One port and who is behind it. */
export interface NicSeat {
  /** As the scenario file names it. */
  name: 'source' | 'forwarder' | 'sink' | 'ends';
  parts: ('upstream' | 'forwarder' | 'downstream')[];
  port: string;
  address: string;
  /** Bits of the network's part of the address. */
  length: number;
}

/** How a host is reached and where its part listens. */
export interface HostSpec {
  reach: Reach;
  /** Where the part is reached; an address that the host has. */
  address: string;
  /** The forwarder's address on the side of the source; `address` where it is not another one. */
  upstream: string;
  /** argv of splicebench there; null = what `deploy` has put there, else the one on PATH. */
  splicebench: string[] | null;
}

/** What is put before an argv to start it on a host. */
export type Reach =
  | { by: 'local' }
  /** System OpenSSH under the user's configuration; `options` are put before ours. */
  | { by: 'ssh'; host: string; options: string[] }
  /** A network namespace with a name, as `ip netns` has them. */
  | { by: 'netns'; name: string }
  | { by: 'prefix'; argv: string[] };

/** What a topology is called in columns: its kind, or the virtual machine that it is in. */
export function topologyName(topology: Topology): string {
  return machineOf(topology) ?? topology.kind;
}

/** The virtual machine that a topology is in; null = none. */
export function machineOf(topology: Topology): string | null {
  return 'machine' in topology ? (topology.machine ?? null) : null;
}

/** Of a record: everything in a virtual machine is emulated, and its speed is not a speed. */
export function inMachine({ topology }: { topology: string }): boolean {
  return topology.startsWith('vm:');
}

/** What the source sends. */
export type Content =
  | { kind: 'stamped' }
  | { kind: 'zero' }
  | { kind: 'file'; path: string }
  /** The files below a folder, packed into one when the run needs it. */
  | { kind: 'tree'; path: string };

/** Sizes of messages, each drawn between the two by the trial's seed. Bytes. */
export interface MessageRange {
  min: number;
  max: number;
}

/** Processes that keep marked data in memory, pipes, sockets and a terminal while a trial runs. */
export interface Decoys {
  /** Processes. */
  count: number;
  /** Kept by each. */
  bytes: number;
  /** Bytes per second that each frees and makes again. */
  rate: number;
}

/** Standstills of a reader in mid-stream. */
export interface Pause {
  /** Offset in each stream at which it stops reading, bytes. */
  at: number;
  /** Seconds. */
  for: number;
  /** Bytes from there to the next one; null = there is one. */
  every: number | null;
}

/** What every kind of workload has. */
export interface AnyWorkload {
  /** Open at the same time. */
  connections: number;
  /** Measured seconds; ignored where a fixed amount is given. */
  seconds: number;
  /** Seconds. */
  warmup: number;
  check: Check;
  /** Seconds without progress after which an unfinished trial is `stalled`. */
  stall: number;
  /** null = none. */
  decoys: Decoys | null;
  /** The forwarder has not the capabilities that lift a user's limit of pipe pages. */
  unprivileged: boolean;
  /** Bytes of kernel memory for the forwarder's sockets; null = no limit. */
  memory: number | null;
  /** `alternate`: all forwarders alive at once, in turn, where the workload allows it; `solo`: never. */
  mode: 'alternate' | 'solo';
}

/** Bytes as fast as they go. */
export interface StreamWorkload extends AnyWorkload {
  kind: 'stream';
  direction: StreamDirection;
  /** Fixed amount per connection and direction instead of a time. */
  bytes: number | null;
  /** How bytes that nobody compares are sent and received; null = every byte is compared. */
  payload: Payload | null;
  /** Of what kind the pages are that are sent with `payload: prepared`; null = as the kernel gives them. */
  pages: Pages | null;
  /** Bytes per send; null = as large as serves best. */
  message: number | MessageRange | null;
  /** Bits per second and direction that the source offers in total; null = all it can. */
  rate: number | null;
  /** Bits per second and direction that the sink reads in total; null = all that comes. */
  reader: number | null;
  /**
   * Seconds for which the sink reads nothing after the first bytes, or when each of its connections
   * stands still later on; null = it reads all the time.
   */
  pause: number | Pause | null;
  /** Bytes that are sent as soon as a connection is up, before anybody is waited for; null = a few. */
  early: number | null;
  /** Offset in each stream behind which one urgent byte is sent; null = none. */
  urgent: number | null;
  /** What the forwarder must send to the upstream end before each stream; null = nothing. */
  prefix: Prefix | null;
  /** TCP_MAXSEG, SO_RCVBUF and SO_SNDBUF of source and sink, bytes; null = as the kernel has it. */
  mss: number | null;
  rcvbuf: number | null;
  sndbuf: number | null;
  /** Seconds of a slice that count, and those before them; null = as chosen for all. */
  measure: number | null;
  settle: number | null;
  content: Content;
}

/** Requests and their responses. */
export interface ExchangeWorkload extends AnyWorkload {
  kind: 'exchange';
  direction: 'exchange';
  /** Bytes of each. */
  request: number;
  response: number;
  /** Requests per second in all, at equal intervals; null = each follows the response before it. */
  rate: number | null;
  /** The rate as a share of the closed-loop capacity that the trial's warm-up finds. */
  load: number | null;
}

/** Short connections, one after another, `connections` of them open at the same time. */
export interface ChurnWorkload extends AnyWorkload {
  kind: 'churn';
  direction: StreamDirection;
  /** Bytes of each connection and direction. */
  body: number;
  /** Connections in all instead of a time. */
  transfers: number | null;
}

/** HTTP requests for bodies, over connections that are kept. */
export interface HttpWorkload extends AnyWorkload {
  kind: 'http';
  direction: 'download';
  /** Bytes of each response's body. */
  body: number;
  /** Requests under way per connection. */
  pipelining: number;
  /** Requests per second in all, whatever the answers; null = each follows the response before it. */
  rate: number | null;
}

/** Scripted conversations, each judged by what its ends were to see. */
export interface ScriptWorkload extends AnyWorkload, ScriptPlan {
  kind: 'script';
  direction: 'both';
}

export type Workload =
  StreamWorkload | ExchangeWorkload | ChurnWorkload | HttpWorkload | ScriptWorkload;

/** Bytes per send where the workload sets it, for the column of that name; null = it does not. */
export function messageBytes(workload: Workload): number | null {
  switch (workload.kind) {
    case 'stream':
      return typeof workload.message === 'number' ? workload.message : null;
    case 'exchange':
      return workload.request === workload.response ? workload.request : null;
    case 'churn':
    case 'http':
    case 'script':
      return null;
  }
}

/** How nobody's bytes travel, for the column of that name; null = they are compared, or the kind has no choice. */
export function payloadOf(workload: Workload): Payload | null {
  return workload.kind === 'stream' && workload.check === 'none'
    ? (workload.payload ?? 'prepared')
    : null;
}

/** Of what kind prepared pages are, for the column of that name; null = as the kernel gives them, or there are none. */
export function pagesOf(workload: Workload): Pages | null {
  // Absent in plans that were stored before there were kinds.
  return workload.kind === 'stream' && payloadOf(workload) === 'prepared'
    ? (workload.pages ?? null)
    : null;
}

/** What becomes of the bytes, where a forwarder's entry says it otherwise than the workload. */
export interface OwnEnds {
  check?: Check;
  payload?: Payload;
  pages?: Pages;
}

/** The workload as a forwarder takes part in it, with the check, payload and pages of its own entry. */
function workloadOf(workload: Workload, { check, payload, pages }: OwnEnds): Workload {
  const none = check === undefined && payload === undefined && pages === undefined;
  if (workload.kind !== 'stream' || none) return workload;
  const own = {
    ...workload,
    check: check ?? workload.check,
    payload: payload ?? workload.payload,
  };
  // Its own are kept where they do not fit, so that this can be told.
  return { ...own, payload: payloadOf(own), pages: pages ?? pagesOf(own) };
}

/** The condition as a forwarder takes part in it; its key stays that of all. */
export function cellOf(cell: Cell, entry: OwnEnds): Cell {
  const workload = workloadOf(cell.workload, entry);
  return workload === cell.workload ? cell : { ...cell, workload };
}

/** One forwarder as it takes part in a scenario. */
export interface ForwarderEntry extends OwnEnds {
  /** Unique in its scenario; shown everywhere. */
  label: string;
  /** Registry key: a mechanism, a driver, or `command`. */
  use: string;
  /** Validated options of that registry entry. */
  options: Record<string, unknown>;
  /** Runs under strace, whose trials give calls and no speed. */
  strace?: true;
  /** A program whose calls the preloaded recorder writes down. */
  calls?: 'recorder';
}

/** One fully expanded condition. Trials compare only within a cell. */
export interface Cell {
  /** Stable and readable, e.g. "loopback/check=full". */
  key: string;
  scenario: string;
  topology: Topology;
  workload: Workload;
  baseline: string;
  /** CPUs by role when the scenario pins them; null = the default placement. */
  pin: { source: number[]; forwarder: number[]; sink: number[] } | null;
}

/** How many rounds a set has, and what decided that. */
export interface RoundChoice {
  rounds: number;
  /** In words, e.g. "the first set". */
  by: string;
}

export interface PlannedTrial {
  run_id: string;
  /** Unique in the run and sortable, e.g. "b03-loopback-check-full-splice". */
  trial_id: string;
  block: number;
  position: number;
  /** As the forwarder takes part in it: see `cellOf`. */
  cell: Cell;
  forwarder: ForwarderEntry;
  /** Decimal digits of the 64-bit stamp seed of this trial; differs between trials of a run. */
  seed: string;
  /** Of an arm of a set; absent = as `workload.seconds` says. */
  choice?: RoundChoice;
}
