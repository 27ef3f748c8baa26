/** Offloads that a driver did not take over. */
import type { Offloads } from '../../../data/native/native-tools.js';

const OFFLOAD_NAMES: Record<keyof Offloads, string> = {
  txChecksum: 'transmit checksums',
  rxChecksum: 'receive checksums',
  tso: 'TSO',
  gso: 'GSO',
  gro: 'GRO',
};

/** "TSO on (it needs transmit checksums)"; null when everything is as wanted. */
export function refusedOffload(wanted: Offloads, found: Offloads): string | null {
  const keys = Object.keys(OFFLOAD_NAMES) as (keyof Offloads)[];
  const refused = keys.find((key) => wanted[key] !== found[key]);
  if (refused === undefined) return null;
  const why = refused === 'tso' && !found.txChecksum ? ' (it needs checksum offload)' : '';
  return `${OFFLOAD_NAMES[refused]} ${wanted[refused] ? 'on' : 'off'}${why}`;
}
