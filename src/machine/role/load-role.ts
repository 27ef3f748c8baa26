/** The role `load`: autocannon against a forwarder, every body compared with what it should be. */
import autocannon, { type Cannon, type CannonClient } from 'autocannon';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { WatchedClient } from './autocannon-client.js';
import { hostAndPort } from '../host/address.js';
import { differingBody } from '../../data/integrity/http.js';
import { STORED_PER_TRIAL } from '../../data/integrity/stored-limits.js';
import type { Incident } from '../../data/record/record.js';
import { correctedLatencies } from './corrected-latencies.js';
import { httpBodies } from './http-bodies.js';
import { pinProcess } from './pin.js';
import { treeCpuNs } from '../../base/process/process-tree.js';
import type { Handlers, LoadMethods, LoadStart, LoadSnapshot } from './protocol.js';
import type { ServedRole } from './served-role.js';

const SAMPLE = 100;
const POLL = 5;
/** A trial ends before; this only bounds a load that nobody ends. */
const LONGEST = 24 * 3600;

export function loadRole(): ServedRole & { handlers: Handlers<LoadMethods> } {
  let load: Load | undefined;
  const opened = (): Load => {
    if (!load) throw new Error('load: not open');
    return load;
  };
  return {
    handlers: {
      open: async (start) => {
        await pinProcess(start.cpus);
        load = new Load(start);
        return null;
      },
      awaitConnected: ({ connections, timeout }) => opened().awaitConnected(connections, timeout),
      beginWindow: () => {
        opened().recording = true;
        return null;
      },
      endWindow: () => {
        opened().recording = false;
        return null;
      },
      mark: () => opened().snapshot(),
      stop: () => opened().stop(),
      latency: () => opened().latency(),
      results: () => opened().results(),
      series: () => opened().series,
    },
    end: async () => {
      await load?.close();
    },
  };
}

class Load {
  recording = false;
  readonly series: number[] = [];
  private readonly latencies = createHistogram({ lowest: 1, highest: 3600e9, figures: 3 });
  private readonly bodies: string[];
  private readonly clients: WatchedClient[] = [];
  private readonly answered = new Set<CannonClient>();
  private readonly incidents: Incident[] = [];
  private readonly cannon: Cannon;
  private readonly sampler: NodeJS.Timeout;
  private readonly ended: Promise<void>;
  private stopped = false;
  private counts = {
    completed: 0,
    received: 0,
    verified: 0,
    wrong: 0,
    cut: 0,
    timeouts: 0,
    errors: 0,
    badStatus: 0,
  };
  private lastError: string | null = null;
  private firstByteNs = 0;
  private lastByteNs = 0;

  constructor(private readonly start: LoadStart) {
    const { host, port, connections, pipelining, stall, seed, body, rate } = start;
    const intervalNs = rate === null ? null : (connections / rate) * 1e9;
    this.bodies = httpBodies(seed, body);
    this.sampler = setInterval(() => {
      this.series.push(now(), this.counts.received, 0);
    }, SAMPLE);
    let finish: () => void = () => undefined;
    this.ended = new Promise((resolve) => {
      finish = resolve;
    });
    this.cannon = autocannon(
      {
        url: `http://${hostAndPort(host, port)}`,
        connections,
        pipelining,
        ...(rate === null ? {} : { overallRate: rate }),
        duration: LONGEST,
        timeout: Math.max(1, Math.ceil(stall)),
        requests: this.bodies.map((_, index) => ({
          path: `/${index}`,
          onResponse: (status, got) => {
            this.take(index, status, got);
          },
        })),
        setupClient: (client) => {
          this.watch(client);
        },
      },
      () => {
        finish();
      },
    );
    this.cannon.on(
      'response',
      (client: CannonClient, _status: number, _bytes: number, ms: number) => {
        this.answered.add(client);
        if (!this.recording) return;
        for (const ns of correctedLatencies(ms * 1e6, intervalNs)) this.latencies.record(ns);
      },
    );
  }

  async awaitConnected(connections: number, timeout: number): Promise<number> {
    const deadline = performance.now() + timeout * 1e3;
    while (this.answered.size < connections && !this.broken && performance.now() < deadline) {
      await sleep(POLL);
    }
    return this.answered.size;
  }

  /** Nothing is asked any more; what is under way is waited for, as long as answers come. */
  async stop(): Promise<null> {
    for (const client of this.clients) client.drain();
    const stall = this.start.stall * 1e3;
    let last = this.counts.completed;
    let since = performance.now();
    while (!this.broken && this.underWay > 0) {
      await sleep(POLL);
      if (this.counts.completed !== last) {
        last = this.counts.completed;
        since = performance.now();
      } else if (performance.now() - since > stall) {
        this.counts.timeouts += 1;
      }
    }
    await this.close();
    return null;
  }

  /** Gives up whatever is under way. */
  async close(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.cannon.stop();
    for (const client of this.clients) client.destroy();
    clearInterval(this.sampler);
    await Promise.race([this.ended, sleep(2000)]);
  }

  snapshot(): LoadSnapshot {
    return {
      timeNs: now(),
      cpuNs: treeCpuNs(process.pid),
      completed: this.counts.completed,
      received: this.counts.received,
      firstByteNs: this.firstByteNs,
      lastByteNs: this.lastByteNs,
    };
  }

  latency() {
    const { latencies } = this;
    const empty = latencies.count === 0;
    const at = (percentile: number) => (empty ? 0 : latencies.percentile(percentile));
    return {
      count: latencies.count,
      minNs: empty ? 0 : latencies.min,
      meanNs: empty ? 0 : latencies.mean,
      maxNs: empty ? 0 : latencies.max,
      p50Ns: at(50),
      p90Ns: at(90),
      p99Ns: at(99),
      p999Ns: at(99.9),
    };
  }

  results() {
    return { ...this.counts, lastError: this.lastError, incidents: this.incidents };
  }

  /**
   * Once a connection broke, autocannon takes what follows for answers to what was asked before, and
   * later for a request without an answer: only what came first is counted.
   */
  private get broken(): boolean {
    const { cut, errors, timeouts } = this.counts;
    return this.stopped || cut + errors + timeouts > 0;
  }

  private take(index: number, status: number, got: string): void {
    if (this.broken) return;
    const { counts } = this;
    counts.completed += 1;
    this.lastByteNs = now();
    if (this.firstByteNs === 0) this.firstByteNs = this.lastByteNs;
    if (status !== 200) {
      counts.badStatus += 1;
      return;
    }
    counts.received += got.length;
    const expected = this.bodies[index] ?? '';
    if (this.start.check === 'none') {
      if (got.length !== expected.length) counts.wrong += 1;
      return;
    }
    counts.verified += got.length;
    if (got === expected) return;
    counts.wrong += 1;
    if (this.incidents.length >= STORED_PER_TRIAL) return;
    this.incidents.push(differingBody(index, expected, got, this.bodies));
  }

  private get underWay(): number {
    return this.clients.reduce((sum, client) => sum + client.underWay, 0);
  }

  /** A connection that ends is a finding: none of the requests asks for it. */
  private watch(client: CannonClient): void {
    this.clients.push(
      new WatchedClient(client, (how) => {
        if (this.broken) return;
        if (how === 'in-answer') this.counts.cut += 1;
        else this.fail('a connection was closed');
      }),
    );
    client.on('timeout', () => {
      if (!this.broken) this.counts.timeouts += 1;
    });
    client.on('connError', (error: Error) => {
      this.fail(error.message);
    });
  }

  private fail(message: string): void {
    if (this.broken) return;
    this.counts.errors += 1;
    this.lastError ??= message;
  }
}

function now(): number {
  return Number(process.hrtime.bigint());
}
