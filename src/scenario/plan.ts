import type { Check, StreamDirection } from '../results/record.js';

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
}

/** Each part on a host of its own, or several on one: whatever starts a program there. */
export interface HostsTopology {
  kind: 'hosts';
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
}

/** Bytes as fast as they go. */
export interface StreamWorkload extends AnyWorkload {
  kind: 'stream';
  direction: StreamDirection;
  /** Fixed amount per connection and direction instead of a time. */
  bytes: number | null;
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
  /** TCP_MAXSEG, SO_RCVBUF and SO_SNDBUF of source and sink, bytes; null = as the kernel has it. */
  mss: number | null;
  rcvbuf: number | null;
  sndbuf: number | null;
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
}

export type Workload = StreamWorkload | ExchangeWorkload | ChurnWorkload | HttpWorkload;

/** Bytes per send where the workload sets it, for the column of that name; null = it does not. */
export function messageBytes(workload: Workload): number | null {
  switch (workload.kind) {
    case 'stream':
      return typeof workload.message === 'number' ? workload.message : null;
    case 'exchange':
      return workload.request === workload.response ? workload.request : null;
    case 'churn':
    case 'http':
      return null;
  }
}

/** One forwarder as it takes part in a scenario. */
export interface ForwarderEntry {
  /** Unique in its scenario; shown everywhere. */
  label: string;
  /** Registry key: a mechanism, a driver, or `command`. */
  use: string;
  /** Validated options of that registry entry. */
  options: Record<string, unknown>;
  /** Runs under strace, whose trials give calls and no speed. */
  strace?: true;
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

export interface PlannedTrial {
  run_id: string;
  /** Unique in the run and sortable, e.g. "b03-loopback-check-full-splice". */
  trial_id: string;
  block: number;
  position: number;
  cell: Cell;
  forwarder: ForwarderEntry;
  /** Decimal digits of the 64-bit stamp seed of this trial; differs between trials of a run. */
  seed: string;
}
