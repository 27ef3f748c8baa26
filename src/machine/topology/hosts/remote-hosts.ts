/**
 * The topology `hosts`: the user's own machines, reached by whatever starts a program there. Each has
 * an observer for as long as the run lasts, which reads what cannot be read from here.
 */
import { wordsOf } from '../../../base/errors/words.js';
import { HostUnreachable } from '../common/refusals.js';
import { isDeepStrictEqual } from 'node:util';
import { RoleClient, RoleError } from '../../role/client.js';
import { reachText } from '../../../data/record/hosts-plan.js';
import type { HostSpec, HostsTopology } from '../../../data/record/plan.js';
import { buildDigest } from '../../host/build-digest.js';
import { packageVersion } from '../../../base/process/package-root.js';
import { distinctHosts, type Host, type TrialHosts } from '../../host/host.js';
import { identify, type HostIdentity } from '../../host/identity.js';
import { launcher, type HostLaunch, prefixLaunch, sshLaunch } from './host-launch.js';

/** Everything from login to the observer's answer, seconds. */
const CONNECT_TIMEOUT = 10;
/** For a process of this machine, which only has to start; an emulated CPU on a busy host takes long. */
const NEAR_TIMEOUT = 120;
/** A host that is asked whether it is still there answers within this time, seconds. */
const PING_TIMEOUT = 5;
/** Roles end by themselves after so long without a word from here, seconds. */
const LEASE = 15;
/** Time for an observer that did not answer to end, milliseconds. */
const GIVE_UP = 500;

/**
 * Connects to all hosts at once and looks at what they are.
 * @throws HostUnreachable with a line for each host that cannot take part; nothing is left then
 */
export async function remoteHosts(topology: HostsTopology): Promise<TrialHosts> {
  const parts = partsOf(topology);
  const settled = await Promise.allSettled(parts.map(({ name, spec }) => connect(name, spec)));
  const failed = settled.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  );
  const made = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (failed.length === 0) return joined(topology, parts, made);
  await Promise.all(made.map((host) => host.close()));
  for (const error of failed) if (!(error instanceof HostUnreachable)) throw error;
  const lines = failed.map((error) => wordsOf(error));
  throw new HostUnreachable([...new Set(lines)].join('\n'));
}

/** A host to connect to. */
export interface HostPart {
  end: 'source' | 'forwarder' | 'sink';
  /** "source", "sink 2". */
  name: string;
  spec: HostSpec;
}

/** The hosts of a topology, in the order of the way; what several pairs name alike is one host. */
export function partsOf({ source, forwarder, sink }: HostsTopology): HostPart[] {
  const distinct = (end: HostPart['end'], specs: readonly HostSpec[]): HostPart[] =>
    specs
      .filter((spec, index) => specs.findIndex((other) => isDeepStrictEqual(other, spec)) === index)
      .map((spec, index) => ({ end, name: index === 0 ? end : `${end} ${index + 1}`, spec }));
  return [
    ...distinct('source', source),
    ...distinct('forwarder', [forwarder]),
    ...distinct('sink', sink),
  ];
}

/** The hosts in their places. @param made of each part */
function joined(
  { source, forwarder, sink }: HostsTopology,
  parts: readonly HostPart[],
  made: readonly Host[],
): TrialHosts {
  const at = (end: HostPart['end'], spec: HostSpec | undefined): Host => {
    const index = parts.findIndex((one) => one.end === end && isDeepStrictEqual(one.spec, spec));
    const host = made[index];
    if (host === undefined) throw new Error(`hosts: no host for ${end}`);
    return host;
  };
  const pair = (index: number) => ({
    upstream: at('source', source[index]),
    downstream: at('sink', sink[index]),
  });
  const beside = source.slice(1).map((_, index) => pair(index + 1));
  return {
    ...pair(0),
    forwarder: at('forwarder', forwarder),
    ...(beside.length === 0 ? {} : { beside }),
  };
}

/** @throws HostUnreachable when one of the hosts does not answer any more */
export async function assertReachable(hosts: TrialHosts): Promise<void> {
  const asked = distinctHosts(hosts).map(async ({ name, observer }) => {
    try {
      await observer?.ask('identify', [], PING_TIMEOUT);
    } catch (error) {
      throw new HostUnreachable(`${name}: ${error instanceof Error ? error.message : 'is gone'}`);
    }
  });
  await Promise.all(asked);
}

/** Connects to the host of one part. */
export async function connect(part: string, spec: HostSpec): Promise<Host> {
  const name = `${part} (${reachText(spec.reach)})`;
  const launch = await launchOf(spec);
  const host: Host = {
    name,
    ...launch.start,
    address: spec.address,
    networkPid: null,
    isolated: false,
    limits: [],
    close: launch.close,
  };
  if (spec.reach.by === 'local') {
    return complete(host, spec, identify(addressesOf(spec)));
  }
  // A pipe to a process of this machine does not break unnoticed, however slow the machine is.
  const near = spec.reach.by === 'netns';
  const remote = near ? host : { ...host, lease: LEASE };
  const within = near ? NEAR_TIMEOUT : CONNECT_TIMEOUT;
  const observer = RoleClient.start(remote, 'observer');
  const close = async (patience?: number) => {
    await observer.close(patience);
    await launch.close();
  };
  try {
    const identity = await observer.ask('identify', addressesOf(spec), within);
    return complete({ ...remote, observer, close: () => close() }, spec, identity);
  } catch (error) {
    await close(GIVE_UP);
    if (!(error instanceof RoleError)) throw error;
    throw new HostUnreachable(`${name}: ${connectFault(error.message, spec)}`);
  }
}

function launchOf({ reach, splicebench }: HostSpec): Promise<HostLaunch> {
  switch (reach.by) {
    case 'local':
      return Promise.resolve(prefixLaunch([], splicebench));
    case 'netns':
      return Promise.resolve(prefixLaunch(['ip', 'netns', 'exec', reach.name], splicebench));
    case 'prefix':
      return Promise.resolve(prefixLaunch(reach.argv, splicebench ?? launcher()));
    case 'ssh':
      return sshLaunch(reach, splicebench ?? launcher());
  }
}

function addressesOf({ address, upstream }: HostSpec): string[] {
  return [...new Set([address, upstream])];
}

/** @throws HostUnreachable when the host has not what a trial needs */
function complete(host: Host, spec: HostSpec, identity: HostIdentity): Host {
  const lacking = lackOf(identity, spec);
  if (lacking !== null) throw new HostUnreachable(`${host.name}: ${lacking}`);
  const found = [spec.upstream, spec.address].flatMap((one) => identity.interfaces[one] ?? []);
  const speeds = found.flatMap(({ name, speed }) => (speed === null ? [] : [[name, speed]]));
  // Loopback carries everything of the machine.
  const interfaces = [...new Set(found.map((one) => one.name))].filter((one) => one !== 'lo');
  return {
    ...host,
    identity,
    ...(interfaces.length === 0 ? {} : { interfaces }),
    linkSpeeds: Object.fromEntries(speeds) as Record<string, number>,
  };
}

function lackOf(identity: HostIdentity, spec: HostSpec): string | null {
  const here = { splicebench: packageVersion(), build: buildDigest() };
  const other = buildFault(identity, here);
  if (other !== null) return `${other}; ${deployHint(spec)}`;
  if (identity.addon !== null) {
    return `its native addon cannot be loaded (${identity.addon}); ${deployHint(spec)}`;
  }
  const absent = addressesOf(spec).find((one) => identity.interfaces[one] === null);
  if (absent !== undefined) {
    return `has no address ${absent}; 'ip address' there shows which it has`;
  }
  return null;
}

/**
 * How the splicebench of a host is not the one that runs here, in words; null when it is. Two builds of
 * one version may measure differently, so the version alone says too little.
 */
export function buildFault(
  there: Pick<HostIdentity, 'splicebench' | 'build'>,
  here: Required<Pick<HostIdentity, 'splicebench' | 'build'>>,
): string | null {
  const build = there.build ?? 'unknown';
  if (there.splicebench !== here.splicebench) {
    return `has splicebench ${there.splicebench} (build ${build}), and this is ${here.splicebench} (build ${here.build})`;
  }
  if (build === here.build) return null;
  return `has another build of splicebench ${here.splicebench} (${build}), and this is ${here.build}`;
}

function deployHint({ reach }: HostSpec): string {
  switch (reach.by) {
    case 'ssh':
      return `splicebench deploy ${reach.host} puts this version there`;
    case 'prefix':
      return `splicebench deploy --prefix '${reach.argv.join(' ')}' puts this version there`;
    case 'local':
    case 'netns':
      return 'leave out `splicebench:` to use the one that runs';
  }
}

/** What went wrong between login and the observer's answer, in words with a remedy. */
export function connectFault(said: string, spec: HostSpec): string {
  const { reach } = spec;
  const login =
    reach.by === 'ssh' ? `'ssh -o BatchMode=yes ${reach.host} true'` : 'the prefix by hand';
  const fault = FAULTS.find(({ pattern }) => pattern.test(said));
  if (fault === undefined) return `${said}; try ${login}`;
  const told = /\((?:exit code \d+: )?([^()]*(?:\([^()]*\)[^()]*)*)\)$/.exec(said)?.[1] ?? said;
  return `${fault.words} (${told}); ${fault.remedy({ login, deploy: deployHint(spec) })}`;
}

/** As OpenSSH, shells and our own roles word it. */
const FAULTS: readonly {
  pattern: RegExp;
  words: string;
  remedy: (hints: { login: string; deploy: string }) => string;
}[] = [
  {
    pattern:
      /host key verification failed|remote host identification has changed|no .* host key is known/i,
    words: 'its host key is not known',
    remedy: ({ login }) => `log in once by hand and check the key, until ${login} works`,
  },
  {
    pattern: /permission denied|too many authentication failures|no supported authentication/i,
    words: 'refuses the login',
    remedy: ({ login }) => `give it a key that needs no typing, until ${login} works`,
  },
  {
    pattern: /could not resolve hostname|name or service not known/i,
    words: 'is not known by this name',
    remedy: ({ login }) => `correct the name, until ${login} works`,
  },
  {
    pattern:
      /timed out|no answer to|connection refused|no route to host|network is unreachable|connection (closed|reset)|banner exchange/i,
    words: 'does not answer',
    remedy: ({ login }) => `see that it is up and its login does not hang, until ${login} works`,
  },
  {
    pattern: /node: (command )?not found|'?node'?: no such file|node is not/i,
    words: 'has no node',
    remedy: () =>
      'install node 20 or newer there, on the PATH of a login without a terminal, or name it with `splicebench:`',
  },
  {
    pattern: /splicebench(: not found|: command not found| is not installed)/i,
    words: 'has no splicebench',
    remedy: ({ deploy }) => `${deploy}, or name it with \`splicebench:\``,
  },
  {
    pattern: /role: expected one of|unknown command|--lease/i,
    words: 'has another version of splicebench',
    remedy: ({ deploy }) => deploy,
  },
];
