/** Which of a trial's parts have a wire between them, and what it carries at most. Pure. */
import { distinctHosts, type Host, type TrialHosts } from './host.js';

/** True when parts share a machine and no network card is between them: nothing crosses a wire. */
export function isEmulated(hosts: TrialHosts): boolean {
  const all = distinctHosts(hosts);
  return all.some((host) => {
    const { devices, interfaces: names = [] } = host;
    if (devices !== undefined) return names.some((name) => devices[name] === undefined);
    const { machine, interfaces = {} } = host.identity ?? {};
    const shared = all.some((other) => other !== host && other.identity?.machine === machine);
    return shared && !Object.values(interfaces).every((one) => one?.device === true);
  });
}

/**
 * Bits per second of the slowest card that the bytes pass, of those that say their speed; null where none
 * does. What has no device behind it limits nothing, and so has no speed.
 */
export function slowestLink(hosts: TrialHosts): number | null {
  const all = distinctHosts(hosts);
  const speeds = all
    .filter((host) => all.some((other) => !shareNetwork(host, other)))
    .flatMap(({ linkSpeeds = {} }) => Object.values(linkSpeeds));
  return speeds.length === 0 ? null : Math.min(...speeds);
}

/** Parts in one network namespace talk over its loopback, whatever addresses they use. */
function shareNetwork(one: Host, other: Host): boolean {
  if (one === other) return true;
  return one.identity !== undefined && one.identity.network === other.identity?.network;
}
