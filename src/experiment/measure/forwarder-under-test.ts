/** The forwarder of a trial behind one face, be it none, a built-in mechanism or a program. */
import { wordsOf } from '../../base/errors/words.js';
import type { CommandSpec, ForwarderKind, Runner } from '../../machine/forwarders/kind.js';
import { settingsOf } from '../../machine/forwarders/settings.js';
import type { Tracepoint } from '../../machine/host/tracepoint.js';
import type { Host } from '../../machine/host/host.js';
import type { CallCount, RecordedCall } from '../../data/record/record.js';
import { RoleClient, RoleError } from '../../machine/role/client.js';
import type { Holdings } from '../../machine/role/holdings.js';
import type { SyscallRate } from '../../machine/role/protocol.js';

/** Long enough for thousands of calls, short against a trial. */
const SAMPLE_SECONDS = 0.2;
/** The same against a set, where every program has its turn at it, and every set is a sample. */
export const SAMPLE_OF_SET = 0.1;

/** Where something listens. */
export interface ListenAddress {
  host: string;
  port: number;
}

/** What a forwarder has cost so far. null = unavailable. */
export interface ForwarderCost {
  timeNs: number;
  cpuNs: number;
  /** Own count, exact; null where the forwarder is not ours to count in. */
  syscalls: number | null;
  contextSwitches: number | null;
  /** Calls by name; null where nothing counts them. */
  calls: Record<string, CallCount> | null;
}

export interface ForwarderUnderTest {
  /** Starts it; answers with where the downstream end is to connect. */
  open(upstream: ListenAddress): Promise<ListenAddress>;
  /** null for `direct`: there is nothing that costs. */
  cost(): Promise<ForwarderCost | null>;
  /**
   * Bytes of memory that it holds now, of its whole process tree; a string says why that is not known,
   * null = there is nothing to measure. Reading takes the program's time: not within the window.
   */
  memory(): Promise<number | string | null>;
  /**
   * System calls per second, measured now, where cost() has no count. null = there is nothing to measure; a
   * string says why it could not be.
   * @param seconds for which they are counted; a fifth of a second by default
   */
  sampleSyscalls(seconds?: number): Promise<SyscallRate | string | null>;
  /** Descriptors and sockets that it holds now; null = there is nothing to hold. */
  holdings(): Promise<Holdings | null>;
  /** Whether a thread of it runs now, or waits for nothing but a CPU; false where there is nothing to run. */
  ready(): Promise<boolean>;
  /** What it held once it was up, before the first connection; null = nothing, or it could not be told. */
  heldAtStart(): Holdings | null;
  /** How it runs here: sizes granted, fallbacks; as of the last cost() or ended(). */
  detail(): Record<string, string | number | boolean>;
  version(): string | null;
  /** How its process ended, or what keeps it from working; null while all is well. */
  ended(): Promise<string | null>;
  /** How its process ended although nobody had ended it; null = it has not, or said that all went well. */
  died(): Promise<string | null>;
  /** Keeps the calls recorded so far: an incident was just seen. Never throws. */
  freeze(): Promise<void>;
  /** The last calls, oldest first; empty where nothing records them. Ends the forwarder. */
  recorded(): Promise<RecordedCall[]>;
  close(): Promise<void>;
}

export interface ForwarderSetting {
  kind: ForwarderKind;
  options: Record<string, unknown>;
  host: Host;
  cpus: readonly number[];
  tracepoint: Tracepoint;
  /** The trial's stamp seed, for a damaging forwarder that puts stamps where none belong. */
  seed?: string;
  /** Under strace. */
  strace?: boolean;
  /** With the call recorder preloaded; only programs. */
  record?: boolean;
  /** Called once it is up, before the first connection. */
  opened?: () => void;
}

/** Prepares a forwarder; nothing is listened on before open. */
export function forwarderUnderTest(setting: ForwarderSetting): ForwarderUnderTest {
  const { runner } = setting.kind;
  switch (runner.kind) {
    case 'direct':
      return new Direct();
    case 'builtin':
      return new Builtin(runner.mechanism, setting);
    case 'command':
      return new Command(runner.command, setting);
  }
}

class Direct implements ForwarderUnderTest {
  open(upstream: ListenAddress): Promise<ListenAddress> {
    return Promise.resolve(upstream);
  }
  cost(): Promise<null> {
    return Promise.resolve(null);
  }
  memory(): Promise<null> {
    return Promise.resolve(null);
  }
  sampleSyscalls(): Promise<null> {
    return Promise.resolve(null);
  }
  ready(): Promise<boolean> {
    return Promise.resolve(false);
  }
  holdings(): Promise<null> {
    return Promise.resolve(null);
  }
  heldAtStart() {
    return null;
  }
  detail() {
    return {};
  }
  version() {
    return null;
  }
  ended(): Promise<null> {
    return Promise.resolve(null);
  }
  died(): Promise<null> {
    return Promise.resolve(null);
  }
  freeze(): Promise<void> {
    return Promise.resolve();
  }
  recorded(): Promise<RecordedCall[]> {
    return Promise.resolve([]);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

class Builtin implements ForwarderUnderTest {
  private readonly role: RoleClient<'forwarder'>;
  private known: Record<string, string | number | boolean> = {};
  private build: { debug_build?: string } = {};
  private atStart: Holdings | null = null;

  constructor(
    private readonly mechanism: string,
    private readonly setting: ForwarderSetting,
  ) {
    this.role = RoleClient.start(setting.host, 'forwarder');
  }

  async open(upstream: ListenAddress): Promise<ListenAddress> {
    const { host, kind, options, cpus, seed } = this.setting;
    const { threads, settings } = settingsOf(kind, options);
    const { port, debugBuild } = await this.role.ask('open', {
      mechanism: this.mechanism,
      listen: { host: host.address, port: 0 },
      upstream,
      cpus: [...cpus],
      settings: kind.damaging ? { ...settings, seed: seed ?? '0' } : settings,
      threads,
    });
    if (debugBuild !== null) this.build = { debug_build: debugBuild };
    this.known = this.build;
    // From before the first connection on.
    if (this.setting.strace) await this.role.ask('attachStrace');
    this.atStart = await this.role.ask('holdings');
    this.setting.opened?.();
    return { host: host.address, port };
  }

  async cost(): Promise<ForwarderCost> {
    const mark = await this.mark();
    return {
      timeNs: mark.timeNs,
      cpuNs: mark.cpuNs,
      syscalls: mark.syscalls,
      contextSwitches: mark.contextSwitches,
      calls: mark.calls,
    };
  }

  memory(): Promise<string> {
    return Promise.resolve('a built-in mechanism shares a Node process, which holds far more');
  }
  sampleSyscalls(): Promise<null> {
    return Promise.resolve(null);
  }
  ready(): Promise<boolean> {
    return this.role.ask('ready');
  }

  holdings(): Promise<Holdings> {
    return this.role.ask('holdings');
  }
  heldAtStart() {
    return this.atStart;
  }
  detail() {
    return this.known;
  }
  version() {
    return null;
  }
  async ended(): Promise<string | null> {
    if (this.role.ended !== null) return this.role.ended;
    // A role that is gone meanwhile is noticed by whatever is asked next.
    const mark = await this.mark().catch(() => null);
    return mark === null ? this.role.ended : mark.trouble;
  }

  async died(): Promise<string | null> {
    // Whether it lives shows when it is asked something.
    await this.mark().catch(() => null);
    return this.role.ended;
  }

  /** What it tells of itself is as of the last one: what becomes of a stream's end shows only there. */
  private async mark() {
    const mark = await this.role.ask('mark');
    this.known = {
      ...this.build,
      ...(mark.pipeCapacity > 0 ? { pipe_bytes: mark.pipeCapacity } : {}),
      ...(mark.pipesCreated > 0 ? { pipes_created: mark.pipesCreated } : {}),
      ...(mark.copyFallbacks > 0 ? { copy_fallbacks: mark.copyFallbacks } : {}),
      ...(mark.traced === null ? {} : { traced_calls: mark.traced }),
      ...mark.details,
    };
    return mark;
  }

  async freeze(): Promise<void> {
    // A role that is gone is noticed by whatever is asked next.
    await this.role.ask('freeze').catch(() => null);
  }

  /** A loop that cannot be ended keeps its calls to itself: the incidents are worth more. */
  async recorded(): Promise<RecordedCall[]> {
    try {
      await this.role.ask('stop');
      return await this.role.ask('recorded');
    } catch (error) {
      if (error instanceof RoleError) return [];
      throw error;
    }
  }

  close(): Promise<void> {
    return this.role.close();
  }
}

class Command implements ForwarderUnderTest {
  private readonly role: RoleClient<'command'>;
  private foundVersion: string | null = null;
  private known: Record<string, string | number> = {};
  private atStart: Holdings | null = null;

  constructor(
    private readonly specOf: Extract<Runner, { kind: 'command' }>['command'],
    private readonly setting: ForwarderSetting,
  ) {
    this.role = RoleClient.start(setting.host, 'command');
  }

  private async spec(): Promise<CommandSpec> {
    const { kind, options, host } = this.setting;
    // Another host has programs of its own, in other places and versions.
    if (host.observer !== undefined) return this.role.ask('specOf', { use: kind.use, options });
    try {
      return await this.specOf(options);
    } catch (error) {
      const message = wordsOf(error);
      throw new RoleError(`${kind.use}: ${message}`);
    }
  }

  async open(upstream: ListenAddress): Promise<ListenAddress> {
    const { host, cpus, strace, record } = this.setting;
    const spec = await this.spec();
    const listen = { host: host.address, port: await this.role.ask('freePort', host.address) };
    const { version, debugBuild } = await this.role.ask(
      'open',
      {
        spec,
        places: { listen, upstream },
        cpus: [...cpus],
        strace: strace === true,
        record: record === true,
      },
      spec.ready + 10,
    );
    this.foundVersion = version;
    if (debugBuild !== null) this.known['debug_build'] = debugBuild;
    this.atStart = await this.role.ask('holdings');
    this.setting.opened?.();
    return listen;
  }

  async cost(): Promise<ForwarderCost> {
    const mark = await this.role.ask('mark');
    if (mark.traced !== null) this.known['traced_calls'] = mark.traced;
    return {
      timeNs: mark.timeNs,
      cpuNs: mark.cpuNs,
      syscalls: null,
      contextSwitches: mark.contextSwitches,
      calls: null,
    };
  }

  async memory(): Promise<number | string> {
    if (this.setting.strace) return 'under strace';
    const bytes = await this.role.ask('memory').catch(() => null);
    return bytes ?? "the program's memory could not be read";
  }

  async sampleSyscalls(seconds = SAMPLE_SECONDS): Promise<SyscallRate | string> {
    if (this.setting.strace) return 'under strace';
    const { tracepoint } = this.setting;
    if (tracepoint.id === null) return tracepoint.reason;
    const { id, exit } = tracepoint;
    const wish = { tracepoint: id, ...(exit === undefined ? {} : { exit }) };
    try {
      return await this.role.ask('countSyscalls', { ...wish, seconds });
    } catch (error) {
      // Counting is not worth a trial: whether the role lives shows in what is asked next.
      return wordsOf(error);
    }
  }

  ready(): Promise<boolean> {
    return this.role.ask('ready');
  }

  holdings(): Promise<Holdings> {
    return this.role.ask('holdings');
  }
  heldAtStart() {
    return this.atStart;
  }
  detail() {
    return this.known;
  }
  version() {
    return this.foundVersion;
  }
  async ended(): Promise<string | null> {
    if (this.role.ended !== null) return this.role.ended;
    await this.hear();
    return (await this.role.ask('mark')).ended;
  }

  async died(): Promise<string | null> {
    const mark = await this.role.ask('mark').catch(() => null);
    return mark === null ? this.role.ended : mark.died ? mark.ended : null;
  }

  /** What the program tells of itself at its end: nothing, when it is gone. */
  private async hear(): Promise<void> {
    const told = await this.role.ask('told').catch(() => null);
    if (told === null) return;
    if (told.trouble !== null) this.known['said'] = told.trouble;
    const { countersOf } = this.setting.kind;
    if (told.counters !== null) Object.assign(this.known, countersOf?.(told.counters));
  }

  async freeze(): Promise<void> {
    await this.role.ask('freeze').catch(() => null);
  }

  /** Only strace and the call recorder tell of a program's calls. */
  async recorded(): Promise<RecordedCall[]> {
    try {
      return await this.role.ask('recorded');
    } catch (error) {
      if (error instanceof RoleError) return [];
      throw error;
    }
  }
  async close(): Promise<void> {
    await this.role.ask('stop').catch(() => undefined);
    await this.role.close();
  }
}
