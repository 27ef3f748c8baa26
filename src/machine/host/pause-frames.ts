/**
 * Pause frames (IEEE 802.3, annex 31B) of a trial's network cards: with them a slow receiver stops its
 * sender below the sight of TCP, and the forwarder looks slow.
 */
import { x } from 'tinyexec';
import { distinctHosts, type Host, type TrialHosts } from './host.js';

const TIMEOUT = 5000;

/**
 * Begins to count.
 * @returns what ends it: frames sent and received by all cards together, or in words why they are not known
 * @throws RoleError when a host does not answer
 */
export async function watchPauseFrames(hosts: TrialHosts): Promise<() => Promise<number | string>> {
  const cards = distinctHosts(hosts)
    .map((host) => ({ host, names: cardsOf(host) }))
    .filter(({ names }) => names.length > 0);
  if (cards.length === 0) return () => Promise.resolve('no network card is involved');
  const read = async () =>
    total(await Promise.all(cards.map(({ host, names }) => readPauseFrames(host, names))));
  const before = await read();
  return async () => {
    const after = before === null ? null : await read();
    return before === null || after === null
      ? 'a network card of the trial does not report them (ethtool -I -a)'
      : after - before;
  };
}

/** Interfaces of a trial that have a device behind them. */
export function cardsOf({ interfaces = [], devices, identity }: Host): string[] {
  if (devices !== undefined) return interfaces.filter((name) => name in devices);
  const known = Object.values(identity?.interfaces ?? {});
  return interfaces.filter((name) => known.some((one) => one?.name === name && one.device));
}

/** Frames that interfaces of a host have sent and received so far; null where one does not tell. */
export async function readPauseFrames(
  { prefix, observer }: Pick<Host, 'prefix' | 'observer'>,
  names: readonly string[],
): Promise<number | null> {
  if (observer !== undefined) return observer.ask('pauseFrames', [...names]);
  const counts = names.map(async (name) => {
    const [program, ...args] = [...prefix, 'ethtool', '-I', '--json', '-a', name];
    try {
      return parsePauseFrames((await x(program, args, { timeout: TIMEOUT })).stdout);
    } catch {
      return null;
    }
  });
  return total(await Promise.all(counts));
}

/**
 * From `ethtool -I --json -a`. null where the driver counts none; ethtool before 5.10 and kernels before
 * 5.9 know no such counters (`ETHTOOL_A_PAUSE_STATS`). Pure.
 */
export function parsePauseFrames(text: string): number | null {
  let shown: unknown;
  try {
    shown = JSON.parse(text);
  } catch {
    return null;
  }
  const [first] = Array.isArray(shown) ? (shown as { statistics?: object }[]) : [];
  const frames = Object.entries(first?.statistics ?? {}).flatMap(([name, count]) =>
    /^[rt]x_pause_frames$/.test(name) && typeof count === 'number' ? [count] : [],
  );
  return frames.length === 0 ? null : total(frames);
}

function total(counts: readonly (number | null)[]): number | null {
  return counts.includes(null) ? null : counts.reduce<number>((sum, one) => sum + (one ?? 0), 0);
}
