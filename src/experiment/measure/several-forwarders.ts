/**
 * The forwarders of several pairs of ends as one. Each pair has a process of its own, all of them on the
 * forwarder's CPUs: then nothing that is compared needs to know of several upstreams, which most programs
 * do not, and none has an advantage by it.
 */
import type { MovedCalls } from '../../data/record/moved-by.js';
import type { RecordedCall } from '../../data/record/record.js';
import { sumCalls } from '../../data/record/sum-calls.js';
import { type Holdings, sumHoldings } from '../../machine/role/holdings.js';
import type { SyscallRate } from '../../machine/role/protocol.js';
import type { ForwarderCost, ForwarderUnderTest, ListenAddress } from './forwarder-under-test.js';

type Detail = ReturnType<ForwarderUnderTest['detail']>;

/** The one of a single pair is itself. */
export function asOne(forwarders: readonly ForwarderUnderTest[]): ForwarderUnderTest {
  const [first, second] = forwarders;
  if (first === undefined) throw new Error('no forwarder');
  return second === undefined ? first : new SeveralForwarders(forwarders);
}

class SeveralForwarders implements ForwarderUnderTest {
  constructor(private readonly all: readonly ForwarderUnderTest[]) {}

  /** Each pair opens its own. */
  open(): Promise<ListenAddress> {
    return Promise.reject(new Error('several forwarders have no single entry'));
  }

  async cost(): Promise<ForwarderCost | null> {
    return sumCosts(await Promise.all(this.all.map((one) => one.cost())));
  }

  async memory(): Promise<number | string | null> {
    let bytes = 0;
    for (const one of await Promise.all(this.all.map((each) => each.memory()))) {
      if (typeof one !== 'number') return one;
      bytes += one;
    }
    return bytes;
  }

  async sampleSyscalls(): Promise<SyscallRate | string | null> {
    const rates = await Promise.all(this.all.map((one) => one.sampleSyscalls()));
    const whole: SyscallRate[] = [];
    for (const rate of rates) {
      // Of a part of them nothing can be said about all.
      if (rate === null || typeof rate === 'string') return rate;
      whole.push(rate);
    }
    return sumRates(whole);
  }

  async ready(): Promise<boolean> {
    return (await Promise.all(this.all.map((one) => one.ready()))).includes(true);
  }

  /** Of different processes together. */
  async holdings(): Promise<Holdings | null> {
    return this.together(await Promise.all(this.all.map((one) => one.holdings())));
  }

  heldAtStart(): Holdings | null {
    return this.together(this.all.map((one) => one.heldAtStart()));
  }

  private together(all: readonly (Holdings | null)[]): Holdings | null {
    const known = all.flatMap((one) => one ?? []);
    return known.length < all.length ? null : sumHoldings(known);
  }

  detail(): Detail {
    return { ...joinDetails(this.all.map((one) => one.detail())), pairs: this.all.length };
  }

  version(): string | null {
    return this.all[0]?.version() ?? null;
  }

  async ended(): Promise<string | null> {
    const ends = await Promise.all(this.all.map((one) => one.ended()));
    return ends.find((end) => end !== null) ?? null;
  }

  async died(): Promise<string | null> {
    const ends = await Promise.all(this.all.map((one) => one.died()));
    return ends.find((end) => end !== null) ?? null;
  }

  async freeze(): Promise<void> {
    await Promise.all(this.all.map((one) => one.freeze()));
  }

  /** Calls of different processes have no common order: whoever wants them asks each. */
  recorded(): Promise<RecordedCall[]> {
    return Promise.resolve([]);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((one) => one.close()));
  }
}

/**
 * What processes on one host have cost together, read at nearly the same instant: at the middle of these.
 * null where one of them has none. Pure.
 */
export function sumCosts(costs: readonly (ForwarderCost | null)[]): ForwarderCost | null {
  const known = costs.flatMap((cost) => cost ?? []);
  if (known.length === 0 || known.length < costs.length) return null;
  const calls = known.map((cost) => cost.calls);
  return {
    timeNs: sum(known.map(({ timeNs }) => timeNs)) / known.length,
    cpuNs: sum(known.map(({ cpuNs }) => cpuNs)),
    syscalls: sumKnown(known.map(({ syscalls }) => syscalls)),
    contextSwitches: sumKnown(known.map(({ contextSwitches }) => contextSwitches)),
    calls: calls.includes(null) ? null : sumCalls(calls.filter((one) => one !== null)),
  };
}

/** Details that say how large something was granted, and not how often something happened. */
const SIZES: readonly string[] = ['pipe_bytes'];

/** Counts are added up; of sizes the least is told, and of words the first. Pure. */
export function joinDetails(all: readonly Detail[]): Detail {
  const joined: Detail = {};
  for (const [name, value] of all.flatMap((detail) => Object.entries(detail))) {
    const before = joined[name];
    joined[name] =
      typeof before !== 'number' || typeof value !== 'number'
        ? (before ?? value)
        : SIZES.includes(name)
          ? Math.min(before, value)
          : before + value;
  }
  return joined;
}

function sumRates(rates: readonly SyscallRate[]): SyscallRate {
  const perSecond = sum(rates.map((rate) => rate.perSecond));
  const moved: MovedCalls = {};
  for (const rate of rates) {
    // Of a part of them nothing can be said about all.
    if (typeof rate.moved !== 'object') return { ...rates[0], ...rate, perSecond };
    for (const [name, { calls, bytes }] of Object.entries(rate.moved)) {
      const before = moved[name] ?? { calls: 0, bytes: 0 };
      moved[name] = { calls: before.calls + calls, bytes: before.bytes + bytes };
    }
  }
  return { perSecond, moved };
}

function sumKnown(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : sum(values.map((value) => value ?? 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
