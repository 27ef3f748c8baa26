/** Which of a trial's parts have a wire between them, what it carries at most, and by what it is filled. Pure. */
import { distinctHosts, type Host, pairsOf, type TrialHosts } from '../../host/host.js';

/**
 * Parts that talk to each other: the forwarder and each end, or with `direct` the two ends. A source and
 * a sink that share a machine have nothing to say to each other while a forwarder is between them.
 */
function talkers(hosts: TrialHosts, direct: boolean): [Host, Host][] {
  return pairsOf(hosts).flatMap(({ upstream, downstream }): [Host, Host][] =>
    direct
      ? [[upstream, downstream]]
      : [
          [upstream, hosts.forwarder],
          [hosts.forwarder, downstream],
        ],
  );
}

/**
 * True when parts that talk to each other share a machine and no network card is between them: nothing
 * crosses a wire.
 * @param direct no forwarder takes part
 */
export function isEmulated(hosts: TrialHosts, direct: boolean): boolean {
  return talkers(hosts, direct).some(
    ([one, other]) =>
      shareNetwork(one, other) || [one, other].some((host) => lacksCard(host, one, other)),
  );
}

/** True where a part has no card of its own towards another that may be on the same machine. */
function lacksCard(host: Host, one: Host, other: Host): boolean {
  const { devices, interfaces: names = [], identity } = host;
  // Ports of one machine.
  if (devices !== undefined) return names.some((name) => devices[name] === undefined);
  if (one.identity?.machine !== other.identity?.machine) return false;
  return !Object.values(identity?.interfaces ?? {}).every((found) => found?.device === true);
}

/**
 * Bits per second of the slowest card that the bytes pass, of those that say their speed; null where none
 * does. What has no device behind it limits nothing, and so has no speed.
 * @param direct no forwarder takes part: only the ends' cards are known to be passed
 */
export function slowestLink(hosts: TrialHosts, direct: boolean): number | null {
  const speeds = talkers(hosts, direct)
    .filter(([one, other]) => !shareNetwork(one, other))
    .flat()
    .flatMap(({ linkSpeeds = {} }) => Object.values(linkSpeeds));
  return speeds.length === 0 ? null : Math.min(...speeds);
}

/**
 * Congestion control of the parts, each once: in networks of the run's own what the scenario says, on the
 * user's hosts what each has; none where it is not known.
 */
export function congestionOf(hosts: TrialHosts, chosen: string | null): string[] {
  if (hosts.forwarder.isolated) return chosen === null ? [] : [chosen];
  return [...new Set(distinctHosts(hosts).flatMap(({ identity }) => identity?.congestion ?? []))];
}

/** Parts in one network namespace talk over its loopback, whatever addresses they use. */
function shareNetwork(one: Host, other: Host): boolean {
  if (one === other) return true;
  return one.identity !== undefined && one.identity.network === other.identity?.network;
}
